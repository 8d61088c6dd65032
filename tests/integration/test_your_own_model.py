"""docs/your-own-model.md, proven: models of another rate, frames and classes, by folder and in Python."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hocket.models import open_models
from hocket.models.errors import ModelError, ModelRoleError, PackageError, UnknownModel
from hocket.models.subject import find_subject
from hocket.models.verification import verify
from hocket.streaming import Diarizer
from tests.brought_models import (
    EMBEDDING_CARD,
    RATE,
    SEGMENTATION_CARD,
    conversation,
    write_embedding,
    write_segmentation,
)

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-model.md").read_text(encoding="utf-8")


@pytest.fixture
def segmentation(tmp_path: Path) -> Path:
    return write_segmentation(tmp_path / "my-segmentation")


@pytest.fixture
def embedding(tmp_path: Path) -> Path:
    return write_embedding(tmp_path / "my-voices")


def _reworded(folder: Path, old: str, new: str) -> Path:
    card = folder / "card.toml"
    text = card.read_text()
    assert old in text
    card.write_text(text.replace(old, new))
    return folder


def test_two_folders_make_a_diarizer(segmentation: Path, embedding: Path) -> None:
    pair = open_models(segmentation=segmentation, embedding=embedding, runtime="portable")
    assert pair.names == {
        "segmentation": f"levels ({segmentation})",
        "embedding": f"spectra ({embedding})",
    }
    diarizer = Diarizer(pair.segmenter, pair.embedder)
    audio = conversation([None, None, 0, None, 1, None, 0, 1, None, 1, 0], seconds=2)
    for start in range(0, len(audio), RATE // 3):
        diarizer.push(audio[start : start + RATE // 3])
    diarizer.finish()
    # Frames of 25 ms, half of one on either side.
    heard = [(turn.speaker, turn.start, turn.end) for turn in diarizer.annotation()]
    assert [speaker for speaker, _, _ in heard] == ["S1", "S2", "S1", "S2", "S2", "S1"]
    np.testing.assert_allclose(
        [(start, end) for _, start, end in heard],
        [(4, 6), (8, 10), (12, 14), (14, 16), (18, 20), (20, 22)],
        atol=0.03,
    )


def test_they_can_be_verified(segmentation: Path, embedding: Path) -> None:
    for folder in (segmentation, embedding):
        found = verify(find_subject(str(folder)))
        assert found.outputs
        assert found.faults == ()


def test_the_page_shows_these_cards() -> None:
    assert SEGMENTATION_CARD in PAGE
    assert EMBEDDING_CARD in PAGE


def test_the_pages_python_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(program, scope)
    diarizer: Diarizer = scope["diarizer"]
    audio = np.random.default_rng(0).normal(0, 0.1, 16000 * 6).astype(np.float32)
    audio[: 16000 * 3] = 0
    diarizer.push(audio)
    diarizer.finish()
    (turn,) = diarizer.annotation()
    assert (turn.start, turn.end) == (pytest.approx(3, abs=0.05), pytest.approx(6, abs=0.05))


def test_a_model_in_the_wrong_role_is_told_so(embedding: Path) -> None:
    with pytest.raises(ModelRoleError, match="holds spectra, a model for embedding, not for segmentation"):
        open_models(segmentation=embedding)


def test_a_pair_that_hears_at_two_rates_is_refused(segmentation: Path) -> None:
    with pytest.raises(
        ModelRoleError, match=r"levels .* hears 8000 Hz, campplus-zh-en hears 16000 Hz: a pair"
    ):
        open_models(segmentation=segmentation)


def test_a_field_that_is_not_there_is_named(segmentation: Path) -> None:
    folder = _reworded(segmentation, 'scores = "logits"', "")
    with pytest.raises(ModelError, match=r"card\.toml does not say 'scores'; docs/your-own-model\.md"):
        open_models(segmentation=folder)


def test_a_field_that_does_not_exist_is_named(segmentation: Path) -> None:
    folder = _reworded(segmentation, "frame_offset", "frame_offest")
    with pytest.raises(ModelError, match=r"card\.toml cannot be read: .*'frame_offest'"):
        open_models(segmentation=folder)


def test_a_card_that_is_no_toml_is_named(segmentation: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.toml cannot be read: "):
        open_models(segmentation=_reworded(segmentation, "[segmentation]", "[segmentation"))


def test_half_an_embedder_is_told_so(embedding: Path) -> None:
    folder = _reworded(embedding, '[packages.head]\npath = "head.mlmodelc"', "")
    with pytest.raises(
        ModelError, match=r"names packages \['trunk'\], a model for embedding has \['head', 'trunk'\]"
    ):
        open_models(embedding=folder)


def test_a_package_that_is_not_there_is_named(segmentation: Path) -> None:
    with pytest.raises(UnknownModel, match=r"no model folder at .*ten\.mlmodelc"):
        open_models(segmentation=_reworded(segmentation, "net.mlmodelc", "ten.mlmodelc"))


def test_a_package_outside_its_folder_is_refused(segmentation: Path) -> None:
    with pytest.raises(PackageError, match=r"names '\.\./net\.mlmodelc', which is outside its folder"):
        open_models(segmentation=_reworded(segmentation, "net.mlmodelc", "../net.mlmodelc"))
