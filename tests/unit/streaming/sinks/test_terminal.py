"""The live picture: what it says, and that it holds at every width and height."""

import io
import random

import pytest
from rich.cells import cell_len
from rich.console import Console

from hocket.streaming.events import Gap, SpeakerUpdate, Status
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.scene import Scene
from hocket.streaming.sinks.terminal import LiveTerminal, SceneView
from tests.event_log import EventLog, live

TALK = [Segment(0.5, 3.0, "S1"), Segment(2.5, 6.0, "S2"), Segment(7.0, 9.0, "S1")]


def picture(log: EventLog, width: int = 80, height: int = 24) -> str:
    scene = Scene()
    for event in log.events:
        scene.add(event)
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(SceneView(scene, "meeting.wav"))
    return console.export_text()


def crowd(num_speakers: int, duration: float) -> EventLog:
    """Everybody in turn, with overlaps, names of every length, a gap and a merge."""
    dice = random.Random(1)
    turns = [
        Segment(start / 2, start / 2 + dice.uniform(0.1, 3.0), f"S{1 + start % num_speakers}")
        for start in range(2 * int(duration))
    ]
    log = live(turns, duration)
    log.add(SpeakerUpdate, speaker="S1", name="Ann Katherine Lee-Smith of the Harbour Board")
    log.add(Gap, start=duration - 5, end=duration - 3, reason="overflow")
    log.revise([("t1", "S2", 0.0, 1.0)], removed=["t2"], S3="S2")
    return log


def test_lanes_are_named_and_drawn_on_one_clock() -> None:
    rows = picture(live(TALK, 8.0)).splitlines()
    first = next(row for row in rows if "S1" in row)
    second = next(row for row in rows if "S2" in row)
    assert first.index("█") < second.index("█") < first.index("▄")


def test_overlap_shows_as_two_lanes_filled_in_one_column() -> None:
    rows = picture(live(TALK, 12.0)).splitlines()
    first, second = (next(row for row in rows if name in row) for name in ("S1", "S2"))
    assert any(a in "█▌▐" and b in "█▌▐" for a, b in zip(first, second, strict=False))


def test_who_speaks_now_is_said_and_marked() -> None:
    text = picture(live(TALK, 8.0))
    assert "now  S1" in text
    assert "● S1" in text
    assert "● S2" not in text


def test_silence_is_said() -> None:
    assert "now  nobody" in picture(live(TALK, 12.0))


def test_names_stand_in_for_ids() -> None:
    log = live(TALK, 8.0)
    log.add(SpeakerUpdate, speaker="S2", name="Ann")
    text = picture(log)
    assert "Ann" in text
    assert "S2" not in text


def test_speaking_time_and_share_stand_beside_the_lane() -> None:
    row = next(row for row in picture(live(TALK, 12.0)).splitlines() if "S2" in row)
    assert row.split()[-2:] == ["0:04", "44%"]


def test_corrections_are_shown_openly() -> None:
    log = live(TALK, 12.0)
    assert "corrected" not in picture(log)
    log.revise([("t2", "S1", 2.5, 6.0)], removed=["t3"], S2="S1")
    assert "2 turns corrected, 1 speaker merged, last at 0:12: S2 is S1" in picture(log)


def test_lag_cost_and_loss_are_shown() -> None:
    log = live(TALK, 8.0)
    log.add(Status, lag=0.42, rtf=0.093, speakers=2, dropped=1.25)
    assert "lag 0.4 s  rtf 0.09  1.2 s lost" in picture(log)


def test_nobody_yet_is_said() -> None:
    assert "nobody has spoken yet" in picture(live([], 3.0))


def test_speakers_that_do_not_fit_are_counted() -> None:
    text = picture(live([Segment(k, k + 0.9, f"S{k + 1}") for k in range(12)], 14.0), height=16)
    assert "and 4 more, silent for longer" in text
    assert "S12" in text
    assert "S1 " not in text


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 132, 300])
@pytest.mark.parametrize("height", [5, 12, 24, 60])
def test_the_picture_fits_any_terminal(width: int, height: int) -> None:
    rows = picture(crowd(12, 90.0), width, height).splitlines()
    assert max(map(len, rows)) <= width
    assert len(rows) <= max(height, 10)


def test_the_last_picture_stays_on_the_terminal() -> None:
    screen = io.StringIO()
    terminal = LiveTerminal(Console(file=screen, force_terminal=True, width=80, height=24), "meeting.wav")
    log = live(TALK, 12.0)
    log.end(["S1", "S2"])
    for event in log.events:
        terminal.write(event)
    terminal.close()
    assert "ended" in screen.getvalue()


def test_a_terminal_that_saw_nothing_closes_quietly() -> None:
    screen = io.StringIO()
    LiveTerminal(Console(file=screen, force_terminal=True), "meeting.wav").close()
    assert screen.getvalue() == ""


def test_long_and_wide_names_are_cut_so_that_lanes_stay_in_line() -> None:
    log = live(TALK, 12.0)
    log.add(SpeakerUpdate, speaker="S1", name="Ann Katherine Lee-Smith")
    log.add(SpeakerUpdate, speaker="S2", name="李小明")
    rows = picture(log).splitlines()
    first, second = (next(row for row in rows if name in row) for name in ("Ann Katherine L…", "李小明"))
    assert cell_len(first.rstrip()) == cell_len(second.rstrip())


def test_names_and_titles_are_not_markup() -> None:
    log = live(TALK, 8.0)
    log.add(SpeakerUpdate, speaker="S1", name="[red]Ann[/red]")
    assert "[red]Ann[/red]" in picture(log)
