"""Standard output whose reader leaves."""

import os
import sys

import pytest

from hocket.streaming.cli.pipe import StandardOutput


def test_text_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    stdout = StandardOutput(lambda: None)
    stdout.write("turn\n")
    stdout.flush()
    assert capsys.readouterr().out == "turn\n"


def test_a_reader_that_leaves_ends_the_session_once_and_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    told: list[None] = []
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        stdout = StandardOutput(lambda: told.append(None))
        stdout.write("turn\n")
        os.close(reading)
        stdout.flush()
        assert stdout.is_gone
        stdout.write("turn\n")
        stdout.flush()
    assert told == [None]
