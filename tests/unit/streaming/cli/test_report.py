"""What people are told, and that it reaches them through a live picture."""

import io
import logging
import sys

import pytest
from rich.console import Console

from hocket.streaming.cli.report import LogToPeople
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.terminal import LiveTerminal
from tests.event_log import live


def test_warnings_and_errors_are_told_and_less_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("hocket.test")
    logger.addHandler(LogToPeople())
    logger.info("opened")
    logger.warning("microphone %r is gone", "USB")
    logger.error("sink rttm is closed")
    assert capsys.readouterr().err == "warning: microphone 'USB' is gone\nerror: sink rttm is closed\n"


def test_a_warning_passes_above_the_live_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    logger = logging.Logger("hocket.test")
    logger.addHandler(LogToPeople())
    terminal = LiveTerminal(Console(file=screen, force_terminal=True, width=80, height=24), "microphone")
    for event in live([Segment(0.5, 3.0, "S1")], 2.0).events:
        terminal.write(event)
    logger.warning("microphone 'USB' is gone")
    terminal.close()
    _, below = screen.getvalue().split("warning: microphone 'USB' is gone\n")
    assert "S1" in below
