"""hocket models verify and bench: what they print, and how they end."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hocket.models.errors import MissingDependency, UnknownModel
from hocket.streaming.cli import models

PACKAGE = Path(__file__).parents[3] / "fixtures" / "packages" / "recurrent.mlpackage"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package of one's own, without golden output."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name)
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(models.app, arguments, catch_exceptions=False)


def _json(result: Result) -> Any:
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_a_sound_model_ends_well(folder: Path) -> None:
    result = _run("verify", str(folder))
    assert result.exit_code == 0
    assert "recurrent.mlpackage" in result.stdout
    assert "portable, fp32" in result.stdout


def test_figures_come_as_json(folder: Path) -> None:
    (model,) = _json(_run("verify", str(folder), "--json"))["models"]
    assert model["ok"] is True
    assert model["outputs"][0]["error"] == 0


def test_what_is_off_ends_with_one_and_says_why(folder: Path) -> None:
    (folder / "recurrent.golden.npz").write_bytes(b"no archive")
    result = _run("verify", str(folder), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["models"][0]["ok"] is False
    assert "error: " in result.stderr
    assert "recurrent.golden.npz is damaged" in result.stderr


def test_the_picture_is_written(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    assert _run("verify", str(folder), "--plot", str(folder / "checks.png")).exit_code == 0
    assert (folder / "checks.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_that_is_none_gets_a_suggestion() -> None:
    with pytest.raises(UnknownModel, match="did you mean 'campplus-zh-en'"):
        _run("verify", "camplus-zh-en")


def test_times_come_as_a_table(folder: Path) -> None:
    result = _run("bench", str(folder), "--batch", "1", "--rounds", "1")
    assert result.exit_code == 0
    assert "ms per call" in result.stdout


def test_times_come_as_json_with_the_machine(folder: Path) -> None:
    arguments = ("bench", str(folder), "--batch", "1", "--batch", "2", "--threads", "1", "--rounds", "1")
    figures = _json(_run(*arguments, "--json"))
    assert [(call["batch"], call["threads"]) for call in figures["calls"]] == [(1, 1), (2, 1)]
    assert figures["machine"]["onnxruntime"]


def test_pytorch_beside_it_needs_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hocket.streaming.cli.model_checks.find_spec", lambda name: None)
    with pytest.raises(
        MissingDependency, match=r"need torch and coremltools: pip install 'hocket\[convert\]'"
    ):
        _run("bench", str(folder), "--checkpoint", str(folder))
