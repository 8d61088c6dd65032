"""What a person sees, by where the output goes."""

import io

import numpy as np
import pytest
from rich.console import Console

from hocket.streaming.cli.progress import ProgressBar, Watched
from hocket.streaming.cli.views import live_views, progress_bar, summary_views
from hocket.streaming.replay import Segment
from tests.event_log import live
from tests.fake_engine import FakeEngine


def test_a_pipe_gets_plain_lines_and_nothing_on_standard_error() -> None:
    assert [view.name for view in live_views("talk", io.StringIO())] == ["lines"]
    assert live_views("talk", None) == summary_views("talk") == []
    assert progress_bar("talk", 10.0) is None


def test_a_terminal_gets_the_picture_the_bar_and_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    views = [*live_views("talk", io.StringIO()), *summary_views("talk")]
    assert [view.name for view in views] == ["terminal", "summary"]
    assert progress_bar("talk", 10.0) is not None


@pytest.mark.parametrize(("duration", "shown"), [(8.0, "0:06 of 0:08"), (None, "0:06")])
def test_the_bar_shows_how_much_of_a_file_was_heard(duration: float | None, shown: str) -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=100), "talk.wav", duration)
    for event in live([Segment(1.0, 5.0, "S1")], 6.0).events:
        bar.write(event)
    bar.close()
    assert shown in screen.getvalue()


def test_the_bar_shows_what_an_engine_has_heard_before_it_says_anything() -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=100), "talk.wav", 90.0)
    engine = Watched(FakeEngine(), bar)
    engine.push(np.zeros(engine.rate // 2, np.float32))
    engine.gap(60 * engine.rate, "network")
    bar.close()
    assert "1:00 of 1:30" in screen.getvalue()
    assert engine.finish()[-1].type == "session.end"
