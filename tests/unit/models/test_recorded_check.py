"""What a model makes of a recording, way by way: on the packages that ship."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.errors import ModelError, ModelRoleError, UnknownModel
from hocket.models.recorded_check import AROUND, PYTORCH, check_recorded, choose_any
from hocket.models.subject import PORTABLE
from hocket.models.verification_plot import plot_recorded

EMBEDDER = "campplus-zh-en"


@pytest.fixture
def noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.05, 16_000 * 4).astype(np.float32)


def test_half_precision_differs_a_little_over_the_recording(
    noise: NDArray[np.float32], tmp_path: Path
) -> None:
    found = check_recorded(choose_any(EMBEDDER), noise)
    assert (found.model, found.reference, found.stretch) == (EMBEDDER, str(PORTABLE), 1.5)
    frames, vectors = (curve for curve in found.curves if "emulated" in curve.way)
    assert (frames.output, vectors.output) == ("frames", "vectors")
    assert frames.times[0] == pytest.approx(0.01)
    assert frames.times[-1] == pytest.approx(2.99)
    assert 0 < frames.differences.max() < 5e-3
    assert vectors.differences.max() < 1e-4
    for spent in found.stages.values():
        assert set(spent) == {f"{EMBEDDER}.trunk.mlpackage", f"{EMBEDDER}.head.mlpackage", AROUND}
    pytest.importorskip("matplotlib")
    plot_recorded(tmp_path / "recorded.png", [found])
    assert (tmp_path / "recorded.png").read_bytes().startswith(b"\x89PNG")


def test_pytorchs_answers_are_the_reference_where_every_package_has_some(
    noise: NDArray[np.float32],
) -> None:
    def trunk(inputs: Mapping[str, Any], threads: int) -> object:
        return np.ones((1, 75, 512), np.float32)

    def head(inputs: Mapping[str, Any], threads: int) -> object:
        return np.ones((1, 192), np.float32)

    networks = {f"{EMBEDDER}.trunk": trunk, f"{EMBEDDER}.head": head}
    found = check_recorded(choose_any(EMBEDDER), noise, networks=networks)
    assert found.reference == PYTORCH
    assert {curve.way for curve in found.curves} == set(found.stages) - {PYTORCH}


def test_a_recording_shorter_than_a_stretch_is_named() -> None:
    with pytest.raises(ModelError, match="recording of 16000 samples, expected at least 24000"):
        check_recorded(choose_any(EMBEDDER), np.zeros(16_000, np.float32))


def test_segmentation_is_found_by_its_name_and_nothing_else_is() -> None:
    assert choose_any("pyannote-segmentation-3.0").card.role == "segmentation"
    with pytest.raises(ModelRoleError):
        choose_any("silero-vad")
    with pytest.raises(UnknownModel):
        choose_any("no-such-model")
