"""hocket caption: what it refuses before anything is heard."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hocket.streaming.cli.app import app
from hocket.streaming.errors import FormatError


def refused(tmp_path: Path, *arguments: str) -> str:
    """What a wrong use is told."""
    (tmp_path / "w.json").write_text("[]")
    ended = CliRunner().invoke(
        app, ["caption", "talk.wav", "--words", str(tmp_path / "w.json"), *arguments], env={"COLUMNS": "200"}
    )
    assert ended.exit_code == 2
    return " ".join(ended.output.split())


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, "--vtt", str(tmp_path / "no" / "talk.vtt"))
    assert "should be a file in a folder that exists" in said


def test_two_outputs_do_not_share_standard_output(tmp_path: Path) -> None:
    assert "only one of them fits on standard output" in refused(tmp_path, "--vtt", "-", "--srt", "-")


def test_a_reference_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("")
    assert "should end in .rttm, .stm, .json" in refused(tmp_path, "--reference", str(tmp_path / "talk.txt"))


def test_a_malformed_words_file_is_refused_by_place(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('[{"text": "a", "start": -1, "end": 0}]')
    with pytest.raises(FormatError, match=r"bad\.json, word 1: word 'a': start should be seconds, 0 or more"):
        CliRunner().invoke(
            app, ["caption", "talk.wav", "--words", str(tmp_path / "bad.json")], catch_exceptions=False
        )
