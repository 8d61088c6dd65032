"""WeSpeaker ResNet34 and TitaNet-Large from checkpoint to events.

Under random but seeded weights, since real ones cannot be had here: who is who means nothing, and only that
every part fits the next is tested.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models import ModelPair, open_models, open_predictor
from hocket.models.errors import UnknownModel
from hocket.models.fbank import Fbank
from hocket.models.nemo_mel import NemoMel
from hocket.models.roles import Embedder
from hocket.models.store import CONVERTED, record
from hocket.streaming.diarizer import Diarizer
from tests.golden_weights import voice
from tests.seed_checkpoints import write_checkpoint

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")

from hocket.models.convert import convert  # noqa: E402  (needs the extra)
from hocket.models.convert.checkpoint import find_checkpoints  # noqa: E402
from hocket.models.convert.part import Part  # noqa: E402
from hocket.models.convert.recipes import parts_of  # noqa: E402

pytestmark = [pytest.mark.convert, pytest.mark.slow]

_NAMES = {"wespeaker": "wespeaker-voxceleb-resnet34-lm", "titanet": "titanet-large"}
_TOLERANCES = {"fp32": 1e-5, "fp16": 5e-3}  # over the output's scale


@dataclass(frozen=True)
class Seed:
    """One model: its network in PyTorch, and the folders of its two packages."""

    part: Part
    folders: dict[str, Path]


@pytest.fixture(scope="module", params=_NAMES)
def seed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = write_checkpoint(request.param, folder)
    ((name, state),) = find_checkpoints(checkpoint)
    (part,) = parts_of(name, state)
    folders = {"fp32": folder / "fp32", "fp16": folder / "fp16"}
    for precision in ("fp32", "fp16"):
        assert [package.precision for package in convert(checkpoint, folders[precision], precision=precision)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOCKET_CACHE_DIR", str(folder / "cache"))
        yield Seed(part, folders)


def _embedder(seed: Seed, precision: str = "fp32") -> Embedder:
    return open_models(embedding=seed.folders[precision], runtime="portable").embedder


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


@pytest.mark.parametrize("precision", _TOLERANCES)
@pytest.mark.parametrize("shape", [(1, 10), (1, 37), (3, 100), (1, 801)])
def test_packages_of_any_length_equal_pytorch(seed: Seed, precision: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    probe = {"features": rng.normal(0, 1, (*shape, 80)).astype(np.float32)}
    if len(seed.part.inputs) > 1:
        probe["weights"] = rng.random((shape[0], -(-shape[1] // 8)), np.float32)
    path = seed.folders[precision] / f"{seed.part.name}.mlpackage"
    found = open_predictor(path, runtime="portable").predict(probe)["embedding"]
    expected = seed.part.reference(probe)
    assert np.abs(found - expected).max() <= _TOLERANCES[precision] * np.abs(expected).max()


def test_a_folder_of_the_package_is_recognised(seed: Seed) -> None:
    pair = open_models(embedding=seed.folders["fp16"], runtime="portable")
    assert pair.names["embedding"] == f"{seed.part.name} ({seed.folders['fp16']})"
    assert pair.embedder.spec.size == {"titanet-large": 192}.get(seed.part.name, 256)


def test_a_card_beside_the_package_is_believed_before_its_interface(seed: Seed, tmp_path: Path) -> None:
    package = f"{seed.part.name}.mlpackage"
    shutil.copytree(seed.folders["fp16"] / package, tmp_path / package)
    titanet = seed.part.name == "titanet-large"
    front_end = 'kind = "nemo"' if titanet else 'kind = "kaldi", window = "hamming", scale = 32768.0'
    (tmp_path / "card.toml").write_text(
        f"""
        name = "of-my-own"
        role = "embedding"
        [utterance]
        rate = 16000
        size = {192 if titanet else 256}
        channels = 80
        frame_step = 160
        hop = 16000
        lookback = 0
        kept = 16000
        min_frames = 20
        preroll = {241 if titanet else 240}
        frames_per_weight = 8
        front_end = {{ {front_end} }}
        calibration = {{ different = 0.2, noise_floor = 0.2, noise_per_second = 0.3 }}
        [packages.net]
        path = "{package}"
        """,
        encoding="utf-8",
    )
    pair = open_models(embedding=tmp_path, runtime="portable")
    assert pair.names["embedding"] == f"of-my-own ({tmp_path})"
    assert pair.embedder.spec.hop == 16000


def test_cached_features_give_the_vector_of_the_network_on_the_stretch(seed: Seed) -> None:
    """From audio on the grid, fetched hop by hop, against the front end and PyTorch on the same samples."""
    embedder = _embedder(seed)
    preroll = embedder.spec.preroll
    audio = voice("voice_a")[: preroll + 32000]
    hops = [embedder.frames(audio[None, k : k + preroll + 8000])[0] for k in range(0, 32000, 8000)]
    frames = np.concatenate(hops)
    front_end = NemoMel() if seed.part.name == "titanet-large" else Fbank(window="hamming", scale=32768)
    probe = {
        "features": front_end.normalised(front_end(audio))[None],
        "weights": np.ones((1, 25), np.float32),
    }
    (vector,) = embedder.embed([frames], [np.ones(len(frames), np.float32)])
    np.testing.assert_allclose(vector, _unit(seed.part.reference(probe))[0], atol=1e-4)


def test_overlap_changes_a_vector_only_through_its_weight(seed: Seed) -> None:
    embedder = _embedder(seed)
    frames = embedder.frames(voice("voice_a")[None, : embedder.spec.preroll + 32000])[0]
    weights = np.ones(200, np.float32)
    weights[80:120] = 0
    whole, clean = embedder.embed([frames, frames], [np.ones(200, np.float32), weights])
    assert np.abs(whole - clean).max() > 1e-3
    if len(seed.part.inputs) == 1:
        without = np.concatenate([frames[:80], frames[120:]])
        (cut,) = embedder.embed([without], [np.ones(160, np.float32)])
        np.testing.assert_allclose(clean, cut, atol=1e-6)


@pytest.mark.parametrize("precision", _TOLERANCES)
def test_the_engine_runs_end_to_end(seed: Seed, precision: str) -> None:
    _hear_two_voices(open_models(embedding=seed.folders[precision], runtime="portable"))


def test_the_engine_runs_with_the_pair_of_that_name_once_it_was_pulled(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path))
    pair = {"titanet-large": "pyannote-titanet"}.get(seed.part.name, "pyannote-wespeaker")
    with pytest.raises(UnknownModel, match=f"{pair} needs {seed.part.name}, .*: hocket models pull {pair}"):
        open_models(pair, runtime="portable")
    shutil.copytree(seed.folders["fp16"], tmp_path / seed.part.name / CONVERTED)
    record(tmp_path / seed.part.name, "somebody/some-model", "0" * 40)
    _hear_two_voices(open_models(pair, runtime="portable"))


def _hear_two_voices(pair: ModelPair) -> None:
    pause = np.zeros(8000, np.float32)
    audio = np.concatenate([voice("voice_a"), pause, voice("voice_b"), pause, voice("voice_a")])
    diarizer = Diarizer(pair.segmenter, pair.embedder)
    events = [
        event for start in range(0, len(audio), 8000) for event in diarizer.push(audio[start : start + 8000])
    ]
    events += diarizer.finish()
    kinds = {event.type for event in events}
    assert {"session.start", "speaker.new", "turn", "change", "session.end"} <= kinds
    assert diarizer.annotation()
