"""The engine's face: what it takes, refuses and says, on models whose voices are exact."""

import numpy as np
import pytest

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import BlockError, SessionOver, SnapshotError
from hocket.streaming.events import Change, Event, SessionEnd, SpeakerNew, Status, Turn
from hocket.streaming.hearing.requests import SegmentRequest
from hocket.streaming.replay import Segment
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation
from tests.unruly_models import UnrulyEmbedder, UnrulySegmenter


def session(config: DiarizerConfig | None = None) -> Diarizer:
    return Diarizer(LevelSegmenter(), LevelEmbedder(), config)


TURNS = [Segment(1, 4, "0"), Segment(4.5, 8, "1"), Segment(8, 10, "2"), Segment(12, 15, "0")]


def heard(diarizer: Diarizer) -> list[Event]:
    return diarizer.push(conversation(TURNS, 16)) + diarizer.finish()


def test_exact_voices_give_exact_turns() -> None:
    diarizer = session()
    heard(diarizer)
    turns = diarizer.annotation()
    assert [turn.speaker for turn in turns] == ["S1", "S2", "S3", "S1"]
    for turn, truth in zip(turns, TURNS, strict=True):
        assert turn.start == pytest.approx(truth.start, abs=0.05)
        assert turn.end == pytest.approx(truth.end, abs=0.05)


def test_every_speaker_is_introduced_once_before_any_turn_of_theirs() -> None:
    introduced: list[str] = []
    for event in heard(session()):
        if isinstance(event, SpeakerNew):
            introduced.append(event.speaker)
        if isinstance(event, Turn):
            assert event.speaker in introduced
    assert introduced == ["S1", "S2", "S3"]


def test_changes_follow_who_speaks() -> None:
    changes = [event for event in heard(session()) if isinstance(event, Change)]
    for truth, speaker in zip(TURNS, ["S1", "S2", "S3", "S1"], strict=True):
        # A second and a half in, a voice is known.
        [*_, last] = [change for change in changes if change.at <= min(truth.start + 1.5, truth.end)]
        assert last.speakers == [speaker]
        assert last.t == pytest.approx(truth.start, abs=0.1)
    assert changes[-1].speakers == []


def test_the_first_speaker_is_shown_within_two_seconds() -> None:
    diarizer = session()
    samples = conversation([Segment(0, 5, "0")], 5)
    shown: list[Event] = []
    for start in range(0, 2 * RATE, 1600):
        shown += diarizer.push(samples[start : start + 1600])
    assert any(isinstance(event, Turn) for event in shown)


def test_the_end_says_how_long_and_who() -> None:
    [end] = [event for event in heard(session()) if isinstance(event, SessionEnd)]
    assert (end.duration, end.speakers, end.reason) == (16, ["S1", "S2", "S3"], "end")


@pytest.mark.parametrize("count", [1, 159, 800, 8000, 15_999, 20_000])
def test_a_very_short_session_ends_cleanly(count: int) -> None:
    diarizer = session()
    events = diarizer.push(np.full(count, 0.1, np.float32)) + diarizer.finish()
    assert isinstance(events[-1], SessionEnd)
    assert events[-1].duration == round(count / RATE, 3)


def test_silence_has_no_turns_and_asks_no_model() -> None:
    diarizer = session()
    diarizer.feed(np.zeros(20 * RATE, np.float32))
    assert diarizer.due() == []
    assert not any(isinstance(event, Turn) for event in diarizer.finish())


def test_samples_that_are_not_finite_count_as_silence() -> None:
    clean, dirty = conversation(TURNS, 16), conversation(TURNS, 16)
    clean[5 * RATE : 6 * RATE] = 0
    dirty[5 * RATE : 6 * RATE : 2] = np.nan
    dirty[5 * RATE + 1 : 6 * RATE : 2] = np.inf
    one, other = session(), session()
    assert one.push(clean) + one.finish() == other.push(dirty) + other.finish()


def test_samples_of_the_wrong_kind_are_refused_and_nothing_is_lost() -> None:
    diarizer = session()
    with pytest.raises(BlockError, match=r"samples want shape \(n,\) float32, got \(2, 3\) float64"):
        diarizer.push(np.zeros((2, 3)))  # type: ignore[arg-type]
    assert len(heard(diarizer)) > 4


def test_audio_after_the_end_is_refused_and_the_end_said_once() -> None:
    diarizer = session()
    heard(diarizer)
    assert diarizer.finish() == []
    with pytest.raises(SessionOver, match="open a new one"):
        diarizer.push(np.zeros(10, np.float32))


def test_the_status_takes_its_place_in_the_log() -> None:
    diarizer = session()
    before = diarizer.push(conversation(TURNS, 16))
    status = diarizer.status(lag=0.2, rtf=0.1, dropped=0.0)
    assert isinstance(status, Status)
    assert status.seq == before[-1].seq + 1
    assert status.speakers == 3


def test_requests_can_be_answered_elsewhere() -> None:
    diarizer = session()
    diarizer.feed(conversation(TURNS, 16))
    [request] = diarizer.due()
    assert isinstance(request, SegmentRequest)
    assert (request.start, request.stop) == (0, 2 * RATE)
    with pytest.raises(SnapshotError, match=r"answer what is due\(\) first"):
        diarizer.snapshot()


def test_a_snapshot_wants_models_of_the_same_interface() -> None:
    data = session().snapshot()
    with pytest.raises(SnapshotError, match="other models"):
        Diarizer.restore(data, UnrulySegmenter(), UnrulyEmbedder())


def test_two_voices_at_most_where_only_two_are_allowed() -> None:
    diarizer = session(DiarizerConfig(max_speakers=2))
    heard(diarizer)
    assert {turn.speaker for turn in diarizer.annotation()} == {"S1", "S2"}


@pytest.mark.parametrize("seconds", [0.5, 1.5, 1.7])
def test_a_session_shorter_than_any_window_is_heard_wherever_it_ends(seconds: float) -> None:
    diarizer = session()
    diarizer.push(conversation([Segment(0, seconds, "0")], seconds))
    diarizer.finish()
    assert sum(turn.end - turn.start for turn in diarizer.annotation()) == pytest.approx(seconds, abs=0.1)
