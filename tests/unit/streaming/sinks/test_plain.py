"""Plain lines: a stable format that a script can read."""

import io

from hocket.streaming.events import Gap, SpeakerUpdate
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.plain import PlainLines
from tests.event_log import EventLog, live


def lines(log: EventLog) -> list[str]:
    stream = io.StringIO()
    sink = PlainLines(stream)
    for event in log.events:
        sink.write(event)
    sink.close()
    return stream.getvalue().splitlines()


def test_changes_are_said_at_once_and_turns_when_final() -> None:
    assert lines(live([Segment(0.5, 3.0, "S1"), Segment(2.5, 6.0, "S2")], 8.0)) == [
        "change       1.00        -  S1",
        "change       3.00        -  S1 + S2",
        "change       3.50        -  S2",
        "turn         0.50     3.00  S1",
        "change       6.50        -  nobody",
        "turn         2.50     6.00  S2",
    ]


def test_a_revision_says_what_went_and_what_it_now_reads() -> None:
    log = EventLog()
    log.turn("t1", "S1", 0, 1)
    log.turn("t2", "S3", 1, 2.5)
    log.at = 12.0
    log.revise([("t1", "S2", 0, 1)], removed=["t2"], S3="S2")
    assert lines(log)[2:] == [
        "removed      1.00     2.50  S3",
        "revised      0.00     1.00  S2",
        "merged      12.00        -  S3 into S2",
    ]


def test_a_merge_that_is_said_twice_is_one_line() -> None:
    log = EventLog()
    log.revise([], S3="S2")
    log.add(SpeakerUpdate, speaker="S3", merged_into="S2")
    assert len(lines(log)) == 1


def test_names_stand_in_for_ids_from_the_moment_they_are_known() -> None:
    log = EventLog()
    log.turn("t1", "S1", 0, 1)
    log.add(SpeakerUpdate, speaker="S1", name="Ann Lee")
    log.turn("t2", "S1", 2, 3)
    assert lines(log) == ["turn         0.00     1.00  S1", "turn         2.00     3.00  Ann Lee"]


def test_lost_audio_is_said_with_its_reason() -> None:
    log = EventLog()
    log.add(Gap, start=5.0, end=6.5, reason="overflow")
    assert lines(log) == ["gap          5.00     6.50  overflow"]


def test_a_retracted_turn_is_not_said() -> None:
    log = EventLog()
    log.turn("t1", "S1", 1.0, 1.0)
    assert lines(log) == []
