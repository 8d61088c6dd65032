"""Captions on the terminal: who says what, put right in place, at every width."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.events import Event, SpeakerUpdate
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.caption_view import CaptionView, LiveCaptions
from hocket.streaming.sinks.scene import Scene
from tests.event_log import EventLog, live

TALK = [Segment(0.0, 3.0, "S1"), Segment(3.0, 6.0, "S2")]
SAID = "shall we begin then or wait for all the others? no let us begin with what there is now"


def captioned(log: EventLog) -> list[Event]:
    """The log with captions of a word every 0.3 s."""
    captioner = Captioner(log.session, CaptionRules(offset=0.0))
    words = [
        HeardWord(text=word, start=k * 0.3, end=k * 0.3 + 0.25, id=f"w{k}")
        for k, word in enumerate(SAID.split())
    ]
    return [*log.events, *captioner.take(log.events), *captioner.add(words)]


def console(width: int = 60, height: int = 24) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, record=True, force_terminal=True)


def picture(events: list[Event], width: int = 60, height: int = 24) -> str:
    scene, shown = Scene(), ShownCaptions()
    for event in events:
        scene.add(event)
        shown.add(event)
    screen = console(width, height)
    screen.print(CaptionView(scene, shown, "microphone"))
    return screen.export_text()


def test_lines_go_on_beneath_the_words_of_the_one_who_says_them() -> None:
    rows = [row.rstrip() for row in picture(captioned(live(TALK, 8.0)), width=46).splitlines()]
    assert rows[0] == "hocket captions  microphone  ● listening  0:08"
    assert rows[2:6] == [
        "0:00  S1  shall we begin then or wait for all",
        "          the others?",
        "0:03  S2  no let us begin with what there is",
        "          now",
    ]


def test_who_speaks_is_told_though_the_first_words_have_scrolled_away() -> None:
    rows = picture(captioned(live([Segment(0.0, 6.0, "S1")], 8.0)), width=40, height=7).splitlines()
    assert [row.rstrip() for row in rows[2:4]] == [
        "0:00  S1  for all the others? no let us",
        "          begin with what there is now",
    ]


def test_a_narrow_screen_has_names_above_the_words() -> None:
    rows = [row.rstrip() for row in picture(captioned(live(TALK, 8.0)), width=28).splitlines()]
    assert rows[2:5] == ["0:00  S1", "  shall we begin then or", "  wait for all the others?"]


@pytest.mark.parametrize("width", [12, 20, 40, 80, 200])
@pytest.mark.parametrize("height", [8, 24])
def test_the_picture_fits_the_screen(width: int, height: int) -> None:
    log = live([Segment(3.0 * k, 3.0 * k + 2.5, f"S{k % 4 + 1}") for k in range(12)], 40.0)
    log.add(SpeakerUpdate, speaker="S1", name="Ann Katherine Lee-Smith of the Harbour Board")
    rows = picture(captioned(log), width, height).splitlines()
    assert len(rows) <= height
    assert max(cell_len(row) for row in rows) <= width


def test_words_that_go_to_another_are_put_right_in_place() -> None:
    log = live([Segment(0.0, 6.0, "S1")], 8.0)
    assert "S2" not in picture(captioned(log))
    log.revise([("t1", "S1", 0.0, 3.0), ("t2", "S2", 3.0, 6.0)])
    assert "0:03  S2  no let us begin with" in picture(captioned(log))


def test_the_last_picture_stays_when_the_session_ends() -> None:
    screen = console()
    view = LiveCaptions(screen, "microphone")
    log = live(TALK, 8.0)
    log.end(["S1", "S2"])
    for event in captioned(log):
        view.write(event)
    view.close()
    assert "0:03  S2  no let us begin" in screen.export_text()
