"""Sinks that leave files: the log, and the annotation with revisions folded in."""

import io
from pathlib import Path

import pytest

from hocket.streaming.errors import FormatError
from hocket.streaming.events import SpeakerUpdate
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.audacity import AudacityLabels
from hocket.streaming.sinks.base import Sink
from hocket.streaming.sinks.jsonl import JsonLines, read_events
from hocket.streaming.sinks.rttm import RttmFile
from tests.event_log import EventLog, live


@pytest.fixture
def log() -> EventLog:
    """Two speakers, one named, one turn of S1 that turns out to be S2's."""
    log = live([Segment(0.5, 3.0, "S1"), Segment(4.0, 6.0, "S2"), Segment(7.0, 8.0, "S1")], 10.0)
    log.add(SpeakerUpdate, speaker="S2", name="Ann Lee")
    log.revise([("t3", "S2", 7.0, 8.5)])
    log.end(["S1", "S2"])
    return log


def pour(log: EventLog, sink: Sink) -> None:
    for event in log.events:
        sink.write(event)
    sink.close()


def test_the_log_is_read_back_as_it_was_written(log: EventLog, tmp_path: Path) -> None:
    pour(log, JsonLines(tmp_path / "talk.jsonl"))
    assert list(read_events(tmp_path / "talk.jsonl")) == log.events


def test_an_event_is_on_disk_as_soon_as_it_is_written(log: EventLog, tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "talk.jsonl")
    for number, event in enumerate(log.events, start=1):
        sink.write(event)
        assert len((tmp_path / "talk.jsonl").read_text().splitlines()) == number
    sink.close()


def test_a_stream_that_was_lent_is_left_open(log: EventLog) -> None:
    stream = io.StringIO()
    pour(log, JsonLines(stream))
    pour(log, RttmFile(stream, "talk"))
    assert not stream.closed


def test_a_log_that_cannot_be_written_fails_before_anything_is_heard(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        JsonLines(tmp_path / "nowhere" / "talk.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes"),
        ("[1]", "expected an object, got list"),
        ('{"type": "gap", "seq": 1, "session": "talk", "at": 0}', "Gap needs 'start'"),
    ],
)
def test_a_malformed_log_is_named_by_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(FormatError) as caught:
        list(read_events(path))
    assert str(caught.value).startswith(f"{path}, line 1: {message}")


def test_rttm_holds_the_annotation_after_all_revisions(log: EventLog, tmp_path: Path) -> None:
    pour(log, RttmFile(tmp_path / "talk.rttm", "board meeting"))
    assert (tmp_path / "talk.rttm").read_text().splitlines() == [
        "SPEAKER board_meeting 1 0.500 2.500 <NA> <NA> S1 <NA> <NA>",
        "SPEAKER board_meeting 1 4.000 2.000 <NA> <NA> Ann_Lee <NA> <NA>",
        "SPEAKER board_meeting 1 7.000 1.500 <NA> <NA> Ann_Lee <NA> <NA>",
    ]


def test_rttm_appears_only_when_the_session_closes(log: EventLog, tmp_path: Path) -> None:
    sink = RttmFile(tmp_path / "talk.rttm", "talk")
    for event in log.events:
        sink.write(event)
    assert not (tmp_path / "talk.rttm").exists()
    sink.close()
    assert (tmp_path / "talk.rttm").exists()


def test_audacity_labels_are_tab_separated(log: EventLog, tmp_path: Path) -> None:
    pour(log, AudacityLabels(tmp_path / "talk.txt"))
    assert (tmp_path / "talk.txt").read_text() == (
        "0.500\t3.000\tS1\n4.000\t6.000\tAnn Lee\n7.000\t8.500\tAnn Lee\n"
    )
