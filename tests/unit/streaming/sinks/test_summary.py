"""The table at the end: its figures by hand, and that it prints."""

import io

import pytest
from rich.console import Console

from hocket.streaming.replay import Segment
from hocket.streaming.sinks.scene import Scene
from hocket.streaming.sinks.summary import SpeakerSummary, Summary, SummaryTable, summarize
from tests.event_log import EventLog, live

# S1 speaks 2.5 + 1, S2 3.5; they overlap from 2.5 to 3.
TALK = [Segment(0.5, 3.0, "S1"), Segment(2.5, 6.0, "S2"), Segment(7.0, 8.0, "S1")]


def summary_of(log: EventLog) -> Summary:
    scene = Scene()
    for event in log.events:
        scene.add(event)
    return summarize(scene)


def test_the_whole_is_counted_once_where_people_overlap() -> None:
    summary = summary_of(live(TALK, 10.0))
    assert (summary.duration, summary.speech, summary.overlap) == pytest.approx((10.0, 6.5, 0.5))


def test_each_speaker_has_time_share_turns_overlap_and_longest_turn() -> None:
    assert summary_of(live(TALK, 10.0)).speakers == (
        SpeakerSummary("S1", "S1", "#2d78c3", speaking=3.5, share=0.5, turns=2, overlap=0.5, longest=2.5),
        SpeakerSummary("S2", "S2", "#d25a00", speaking=3.5, share=0.5, turns=1, overlap=0.5, longest=3.5),
    )


def test_a_merged_speaker_is_not_counted_twice_where_the_two_overlapped() -> None:
    log = live(TALK, 10.0)
    log.revise([], S2="S1")
    (only,) = summary_of(log).speakers
    assert (only.speaking, only.overlap, only.turns) == pytest.approx((6.5, 0.0, 3))


def test_the_table_prints_names_and_figures() -> None:
    screen = io.StringIO()
    sink = SummaryTable(Console(file=screen, width=80), "meeting.wav")
    for event in live(TALK, 75.0).events:
        sink.write(event)
    sink.close()
    text = screen.getvalue()
    assert ["S2", "3.5", "s", "50%", "1", "0.5", "s", "3.5", "s"] in list(map(str.split, text.splitlines()))
    assert "2 speakers, 1:15 heard, 6.5 s of speech, 0.5 s of it overlapping" in text


def test_a_title_is_not_markup() -> None:
    screen = io.StringIO()
    sink = SummaryTable(Console(file=screen, width=80), "[bold]talk[/bold]")
    for event in live(TALK, 10.0).events:
        sink.write(event)
    sink.close()
    assert "[bold]talk[/bold]" in screen.getvalue()


def test_silence_has_a_table_without_rows() -> None:
    assert summary_of(live([], 10.0)) == Summary((), 10.0, 0.0, 0.0, 0)


def test_nothing_heard_prints_nothing() -> None:
    screen = io.StringIO()
    SummaryTable(Console(file=screen), "meeting.wav").close()
    assert screen.getvalue() == ""
