"""hocket models: what it prints, and that bad names and sources end in a sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hocket.models.catalogue import Card, find_card, known_models, known_pairs
from hocket.models.errors import MissingDependency, UnknownModel
from hocket.streaming.cli import models


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(models.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_list_names_every_model_and_pair() -> None:
    output = _run("list")
    assert all(card.name in output for card in known_models())
    assert all(pair in output for pair in known_pairs())


def test_the_list_tells_what_is_here_and_how_the_rest_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path))
    rows = {
        cells[0]: cells[1:]
        for line in _run("list").splitlines()
        if len(cells := [cell.strip() for cell in line.strip("│┃").split("│")]) > 1
    }
    size = sum(file.size for file in find_card("pyannote-segmentation-3.0").files) / 1e6
    assert rows["pyannote-segmentation-3.0"] == ["segmentation", "with hocket", f"{size:.1f}", "MIT"]
    assert rows["titanet-large"] == ["embedding", "no", "101.6", "CC-BY-4.0"]
    assert rows["default"][-1] == "ready"
    assert rows["pyannote-titanet"][-1] == "hocket models pull pyannote-titanet"


def test_info_tells_repository_revision_files_and_what_is_unknown() -> None:
    output = _run("info", "wespeaker-voxceleb-resnet34-lm")
    assert "pyannote/wespeaker-voxceleb-resnet34-LM on Hugging Face" in output
    assert "837717ddb9ff5507820346191109dc79c958d614" in output
    assert "pytorch_model.bin, 26645418 bytes" in output
    assert "window='hamming'" in output
    assert "accept the conditions on https://huggingface.co/pyannote/segmentation-3.0" in _run(
        "info", "pyannote-segmentation-3.0"
    )
    assert "unknown until it is pulled" in _run("info", "campplus-zh-en")


@pytest.mark.parametrize("card", known_models(), ids=lambda card: card.name)
def test_info_tells_where_a_model_is_from(card: Card) -> None:
    output = _run("info", card.name)
    assert card.license in output
    assert all(citation[:12] in output for citation in card.citations)


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
