"""The timeline picture: it is drawn, it names what it shows, and it refuses early."""

import sys
from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError, MissingDependency
from hocket.streaming.events import Gap
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.plot import TimelinePlot
from tests.event_log import EventLog, live

TALK = [Segment(0.5, 3.0, "S1"), Segment(2.5, 6.0, "S2"), Segment(7.0, 8.0, "S1")]
REFERENCE = [Segment(0.4, 3.1, "ann"), Segment(2.5, 6.0, "bob"), Segment(8.5, 9.0, "eve")]


def draw(path: Path, log: EventLog, reference: list[Segment] | None = None) -> None:
    pytest.importorskip("matplotlib")
    sink = TimelinePlot(path, "meeting.wav", reference or [])
    for event in log.events:
        sink.write(event)
    sink.close()


def test_an_svg_holds_a_bar_in_each_speakers_colour(tmp_path: Path) -> None:
    draw(tmp_path / "talk.svg", live(TALK, 10.0))
    text = (tmp_path / "talk.svg").read_text()
    assert "#2d78c3" in text
    assert "#d25a00" in text


def test_a_reference_is_drawn_in_paler_colours_of_the_speakers_it_matches(tmp_path: Path) -> None:
    draw(tmp_path / "talk.svg", live(TALK, 10.0), REFERENCE)
    text = (tmp_path / "talk.svg").read_text()
    assert "#96bce1" in text  # half way from S1's blue to white
    assert "#e8ac80" in text  # and from S2's vermilion
    assert "#cccccc" in text  # nobody's


def test_a_png_is_a_png(tmp_path: Path) -> None:
    draw(tmp_path / "talk.PNG", live(TALK, 10.0), REFERENCE)
    assert (tmp_path / "talk.PNG").read_bytes().startswith(b"\x89PNG")


def test_the_same_session_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw(tmp_path / name, live(TALK, 10.0), REFERENCE)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_silence_and_lost_audio_can_be_drawn(tmp_path: Path) -> None:
    log = live([], 3.0)
    log.add(Gap, start=3.0, end=9.0, reason="overflow")
    draw(tmp_path / "talk.svg", log)
    assert (tmp_path / "talk.svg").exists()


def test_a_name_that_is_no_pictures_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"talk\.txt': expected a name that ends in \.svg, \.png, \.pdf"):
        TimelinePlot(tmp_path / "talk.txt", "meeting.wav")


def test_without_matplotlib_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependency) as caught:
        TimelinePlot(tmp_path / "talk.svg", "meeting.wav")
    assert str(caught.value) == "timeline pictures need matplotlib: pip install 'hocket[plot]'"
