"""What a reader of the log saw, on logs written by hand."""

import numpy as np
import pytest

from hocket.streaming.evaluation.live import Sight, watch
from hocket.streaming.events import Event, RevisedTurn, Revision, SessionStart, SpeakerUpdate, Turn, TurnState
from hocket.streaming.replay import Segment, annotation


def turn(at: float, turn_id: str, speaker: str, start: float, end: float, state: TurnState = "open") -> Turn:
    times = {"at": at, "start": start, "end": end}
    return Turn(seq=1, session="s", id=turn_id, speaker=speaker, state=state, confidence=1.0, **times)


def revision(at: float, *turns: RevisedTurn, removed: tuple[str, ...] = (), **merged: str) -> Revision:
    return Revision(
        seq=1, session="s", at=at, turns=list(turns), removed=list(removed), merged=merged, reason="recluster"
    )


def seen(events: list[Event], latency: float, hop: float | None = None, seconds: float = 10.0) -> Sight:
    return watch(events, num_cells=round(seconds * 100), latency=latency, hop=hop)


def test_a_growing_turn_is_shown_as_far_as_it_had_come() -> None:
    log: list[Event] = [
        turn(2.0, "t1", "S1", 0.4, 2.0),
        turn(2.5, "t1", "S1", 0.4, 2.2, "provisional"),
    ]
    assert seen(log, 0.0).first.segments() == [Segment(0.4, 2.2, "S1")]
    assert seen(log, 0.0).revision_rate() == 0.0


def test_what_was_said_too_late_is_not_shown() -> None:
    # said at 3.0 only: at latency 1 the steps 1.5, 2.0 and 2.5 have read all before 1.5 as silence
    log: list[Event] = [turn(3.0, "t1", "S1", 1.0, 3.0)]
    assert seen(log, 1.0, hop=0.5).first.segments() == [Segment(1.5, 3.0, "S1")]
    assert seen(log, 2.0, hop=0.5).first.segments() == [Segment(1.0, 3.0, "S1")]
    assert seen(log, 1.0, hop=0.5).settled.segments() == [Segment(1.0, 3.0, "S1")]


def test_without_a_hop_the_log_moves_at_its_events() -> None:
    log: list[Event] = [turn(3.0, "t1", "S1", 1.0, 3.0)]
    assert seen(log, 1.0).first.segments() == [Segment(1.0, 3.0, "S1")]


def test_the_hop_is_taken_from_the_session_start() -> None:
    start = SessionStart(seq=1, session="s", at=0.0, rate=16000, models={}, config={"hop": 0.5})
    log: list[Event] = [start, turn(3.0, "t1", "S1", 1.0, 3.0)]
    assert seen(log, 1.0).first.segments() == [Segment(1.5, 3.0, "S1")]


def test_a_cell_is_read_only_when_all_of_it_is_as_old_as_the_latency() -> None:
    log: list[Event] = [turn(2.0, "t1", "S1", 1.0, 2.0), turn(2.5, "t1", "S2", 1.0, 2.0)]
    # at 2.0 and latency 0.5 cells up to 1.5 are read; the rest at 2.5
    assert seen(log, 0.5).first.segments() == [Segment(1.0, 1.5, "S1"), Segment(1.5, 2.0, "S2")]


def test_the_end_of_the_log_shows_the_rest() -> None:
    log: list[Event] = [turn(2.0, "t1", "S1", 1.0, 2.0)]
    assert seen(log, 5.0, seconds=2.0).first.segments() == [Segment(1.0, 2.0, "S1")]


def test_a_later_revision_does_not_change_what_was_first_shown() -> None:
    log: list[Event] = [turn(2.0, "t1", "S1", 0.0, 2.0, "final")]
    later: list[Event] = [*log, revision(8.0, RevisedTurn(id="t1", speaker="S2", start=0.0, end=1.0))]
    before, after = seen(log, 0.0), seen(later, 0.0)
    assert after.first.segments() == before.first.segments() == [Segment(0.0, 2.0, "S1")]
    assert after.settled.segments() == [Segment(0.0, 1.0, "S2")]
    assert after.revision_rate() == 1.0


def test_the_revision_rate_is_the_share_of_shown_cells_that_changed() -> None:
    log: list[Event] = [
        turn(4.0, "t1", "S1", 0.0, 3.0, "final"),
        turn(4.0, "t2", "S2", 3.0, 4.0, "final"),
        revision(6.0, RevisedTurn(id="t1", speaker="S1", start=0.0, end=2.0)),
    ]
    assert seen(log, 0.0).revision_rate() == pytest.approx(1 / 4)


def test_a_label_that_left_and_came_back_was_revised() -> None:
    log: list[Event] = [
        turn(1.0, "t1", "S1", 0.0, 1.0, "final"),
        revision(5.0, RevisedTurn(id="t1", speaker="S2", start=0.0, end=1.0)),
        revision(7.0, RevisedTurn(id="t1", speaker="S1", start=0.0, end=1.0)),
    ]
    sight = seen(log, 0.0)
    assert sight.revision_rate() == 1.0
    assert sight.first.segments() == sight.settled.segments()


def test_splitting_a_turn_without_changing_its_label_revises_nothing() -> None:
    halves = [
        RevisedTurn(id="t1", speaker="S1", start=0, end=1),
        RevisedTurn(id="t2", speaker="S1", start=1, end=2),
    ]
    log: list[Event] = [turn(2.0, "t1", "S1", 0.0, 2.0, "final"), revision(5.0, *halves)]
    assert seen(log, 0.0).revision_rate() == 0.0


def test_what_changes_before_it_is_read_is_no_revision() -> None:
    log: list[Event] = [turn(2.0, "t1", "S1", 1.0, 2.0), turn(2.5, "t1", "S2", 1.0, 2.0)]
    assert seen(log, 1.0).revision_rate() == 0.0


@pytest.mark.parametrize(
    "merge",
    [revision(6.0, S2="S1"), SpeakerUpdate(seq=1, session="s", at=6.0, speaker="S2", merged_into="S1")],
)
def test_a_merged_id_stays_as_shown_and_settles_under_its_new_name(merge: Event) -> None:
    log: list[Event] = [
        turn(2.0, "t1", "S1", 0.0, 2.0, "final"),
        turn(4.0, "t2", "S2", 2.0, 4.0, "final"),
        merge,
        turn(8.0, "t3", "S2", 6.0, 8.0, "final"),
    ]
    sight = seen(log, 0.0)
    assert sight.first.segments() == [Segment(0, 2, "S1"), Segment(2, 4, "S2"), Segment(6, 8, "S1")]
    assert sight.settled.segments() == [Segment(0, 4, "S1"), Segment(6, 8, "S1")]
    assert sight.revision_rate() == pytest.approx(2 / 6)


def test_a_retracted_turn_is_gone() -> None:
    log: list[Event] = [
        turn(1.0, "t1", "S1", 0.5, 1.0),
        turn(1.5, "t1", "S1", 0.5, 0.5),
        turn(3.0, "t2", "S1", 2.0, 3.0, "final"),
        revision(5.0, removed=("t2",)),
    ]
    sight = seen(log, 0.0)
    assert sight.settled.labels == ()
    assert sight.since.shape == (0, 1000)
    assert sight.first.segments() == [Segment(0.5, 1.0, "S1"), Segment(2.0, 3.0, "S1")]
    assert sight.revision_rate() == 1.0


def test_since_says_when_a_label_was_first_out_in_a_cell() -> None:
    log: list[Event] = [
        turn(2.0, "t1", "S1", 1.0, 2.0),
        turn(2.5, "t1", "S1", 1.0, 2.5),
        revision(4.0, RevisedTurn(id="t1", speaker="S1", start=0.5, end=2.5)),
    ]
    (since,) = seen(log, 1.0).since
    assert since[50] == 400
    assert since[100] == 200
    assert since[249] == 250
    assert since[250] == -1


def test_nothing_shown_has_no_revision_rate() -> None:
    sight = seen([], 1.0)
    assert np.isnan(sight.revision_rate())
    assert sight.first.cells.shape == (0, 1000)


def test_an_hour_of_events_reads_as_its_annotation() -> None:
    log: list[Event] = []
    for k in range(1200):
        start, speaker = 3.0 * k, f"S{k % 5}"
        log += [turn(start + 0.5 * n, f"t{k}", speaker, start, start + 0.5 * n) for n in range(1, 6)]
        log.append(turn(start + 3.0, f"t{k}", speaker, start, start + 2.5, "final"))
        if k % 10 == 9:
            log.append(
                revision(
                    start + 3.0, RevisedTurn(id=f"t{k - 5}", speaker="S0", start=start - 15, end=start - 13)
                )
            )
    sight = seen(log, 1.0, seconds=3600)
    assert sight.settled.segments() == annotation(log)
