"""WeSpeaker ResNet34 and TitaNet-Large from checkpoint to events, the one in two packages, the other in one.

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
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.hearing.frames import FrameCache
from hocket.streaming.hearing.ring import Ring
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
    """One model: its networks in PyTorch by package, and a folder of packages for each precision."""

    name: str
    parts: list[Part]
    folders: dict[str, Path]


@pytest.fixture(scope="module", params=_NAMES)
def seed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = write_checkpoint(request.param, folder)
    ((name, state),) = find_checkpoints(checkpoint)
    parts = parts_of(name, state)
    folders = {"fp32": folder / "fp32", "fp16": folder / "fp16"}
    for precision in ("fp32", "fp16"):
        assert [package.precision for package in convert(checkpoint, folders[precision], precision=precision)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOCKET_CACHE_DIR", str(folder / "cache"))
        yield Seed(_NAMES[request.param], parts, folders)


def _embedder(seed: Seed, precision: str = "fp32") -> Embedder:
    return open_models(embedding=seed.folders[precision], runtime="portable").embedder


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _probes(part: Part) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Inputs of several admitted shapes."""
    rng = np.random.default_rng(0)
    (first, *rest) = part.inputs
    ranged = [(1, first.ranges[1][0]), (1, 37), (3, 100)] if first.ranges else []
    for shape in first.enumerated[:4] or [(*sizes, first.default[-1]) for sizes in ranged]:
        probe = {first.name: np.abs(rng.normal(0, 1, shape)).astype(np.float32)}
        yield probe | {item.name: rng.random(shape[:2], np.float32) for item in rest}


@pytest.mark.parametrize("precision", _TOLERANCES)
def test_packages_of_any_shape_equal_pytorch(seed: Seed, precision: str) -> None:
    for part in seed.parts:
        predictor = open_predictor(seed.folders[precision] / f"{part.name}.mlpackage", runtime="portable")
        for probe in _probes(part):
            found, expected = predictor.predict(probe)[part.output], part.reference(probe)
            assert np.abs(found - expected).max() <= _TOLERANCES[precision] * np.abs(expected).max()


@pytest.mark.parametrize("emulate_fp16", [False, True])
def test_half_precision_costs_little_on_speech(seed: Seed, emulate_fp16: bool) -> None:
    for part in seed.parts:
        path = seed.folders["fp16"] / f"{part.name}.mlpackage"
        predictor = open_predictor(path, runtime="portable", emulate_fp16=emulate_fp16)
        probe = part.probe()
        found, expected = predictor.predict(probe)[part.output], part.reference(probe)
        assert np.abs(found - expected).max() <= _TOLERANCES["fp16"] * np.abs(expected).max()


def test_a_folder_of_the_package_is_recognised(seed: Seed) -> None:
    pair = open_models(embedding=seed.folders["fp16"], runtime="portable")
    assert pair.names["embedding"] == f"{seed.name} ({seed.folders['fp16']})"
    assert pair.embedder.spec.size == {"titanet-large": 192}.get(seed.name, 256)


@pytest.mark.parametrize("seed", ["titanet"], indirect=True)
def test_a_card_beside_the_package_is_believed_before_its_interface(seed: Seed, tmp_path: Path) -> None:
    package = f"{seed.name}.mlpackage"
    shutil.copytree(seed.folders["fp16"] / package, tmp_path / package)
    (tmp_path / "card.toml").write_text(
        f"""
        name = "of-my-own"
        role = "embedding"
        [utterance]
        rate = 16000
        size = 192
        channels = 80
        frame_step = 160
        hop = 16000
        lookback = 0
        kept = 16000
        min_frames = 20
        preroll = 241
        front_end = {{ kind = "nemo" }}
        calibration = {{ different = 0.2, noise_floor = 0.2, noise_per_second = 0.3 }}
        [packages.net]
        path = "{package}"
        """,
        encoding="utf-8",
    )
    pair = open_models(embedding=tmp_path, runtime="portable")
    assert pair.names["embedding"] == f"of-my-own ({tmp_path})"
    assert pair.embedder.spec.hop == 16000


def _cached(embedder: Embedder, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames of audio on the grid, fetched hop by hop as the engine does."""
    cache = FrameCache(embedder.spec, len(audio))
    ring = Ring(len(audio))
    for start in range(0, len(audio), embedder.spec.hop):
        ring.append(audio[start : start + embedder.spec.hop])
        cache.extend(ring.stop)
        for call in cache.calls_for([(0, ring.stop)], is_last=False):
            request = cache.request(call, ring)
            cache.put(request.start, request.stop, embedder.frames(request.audio[None])[0])
    found = cache.view(0, len(audio))
    assert found is not None
    return found[1]


def test_cached_frames_give_nearly_the_vector_of_the_network_on_the_stretch(seed: Seed) -> None:
    """Hop by hop against PyTorch on the whole: the same where features are cached, close where frames are."""
    embedder = _embedder(seed)
    hop, preroll = embedder.spec.hop, embedder.spec.preroll
    audio = voice("voice_a")[: 32000 // hop * hop]
    frames = _cached(embedder, audio)
    (vector,) = embedder.embed([frames], [np.ones(len(frames), np.float32)])
    heard = np.concatenate([np.zeros(preroll, np.float32), audio])
    front_end = NemoMel() if seed.name == "titanet-large" else Fbank(window="hamming", scale=32768)
    outputs = {"features": front_end.normalised(front_end(heard))[None]}
    for part in seed.parts:
        outputs["weights"] = np.ones((1, len(frames)), np.float32)
        outputs[part.output] = np.ascontiguousarray(part.reference(outputs))
    cosine = float(vector @ _unit(outputs["embedding"])[0])
    assert cosine >= {"titanet-large": 0.99999}.get(seed.name, 0.98)


def test_overlap_changes_a_vector_only_through_its_weight(seed: Seed) -> None:
    embedder = _embedder(seed)
    frames = _cached(embedder, voice("voice_a")[: 5 * embedder.spec.hop])
    weights = np.ones(len(frames), np.float32)
    weights[10:-10] = 0
    whole, clean = embedder.embed([frames, frames], [np.ones(len(frames), np.float32), weights])
    assert np.abs(whole - clean).max() > 1e-4
    without = np.concatenate([frames[:10], frames[-10:]])
    (cut,) = embedder.embed([without], [np.ones(20, np.float32)])
    np.testing.assert_allclose(clean, cut, atol=1e-5)


@pytest.mark.parametrize("precision", _TOLERANCES)
def test_the_engine_runs_end_to_end(seed: Seed, precision: str) -> None:
    _hear_two_voices(open_models(embedding=seed.folders[precision], runtime="portable"))


def test_the_engine_runs_with_the_pair_of_that_name_once_it_was_pulled(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path))
    pair = {"titanet-large": "pyannote-titanet"}.get(seed.name, "pyannote-wespeaker")
    with pytest.raises(UnknownModel, match=f"{pair} needs {seed.name}, .*: hocket models pull {pair}"):
        open_models(pair, runtime="portable")
    shutil.copytree(seed.folders["fp16"], tmp_path / seed.name / CONVERTED)
    record(tmp_path / seed.name, "somebody/some-model", "0" * 40)
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
