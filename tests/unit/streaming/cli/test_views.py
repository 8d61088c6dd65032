"""What a person sees, by where the output goes."""

import io

import pytest
from rich.console import Console

from hocket.streaming.cli.progress import ProgressBar
from hocket.streaming.cli.views import live_views, progress_views, summary_views
from hocket.streaming.replay import Segment
from tests.event_log import live


def test_a_pipe_gets_plain_lines_and_nothing_on_standard_error() -> None:
    assert [view.name for view in live_views("talk", io.StringIO())] == ["lines"]
    assert live_views("talk", None) == progress_views("talk", 10.0) == summary_views("talk") == []


def test_a_terminal_gets_the_picture_the_bar_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    views = [*live_views("talk", io.StringIO()), *progress_views("talk", 10.0), *summary_views("talk")]
    assert [view.name for view in views] == ["terminal", "progress", "summary"]


@pytest.mark.parametrize(("duration", "shown"), [(8.0, "0:06 of 0:08"), (None, "0:06")])
def test_the_bar_shows_how_much_of_a_file_was_heard(duration: float | None, shown: str) -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=100), "talk.wav", duration)
    for event in live([Segment(1.0, 5.0, "S1")], 6.0).events:
        bar.write(event)
    bar.close()
    assert shown in screen.getvalue()
