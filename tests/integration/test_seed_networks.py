"""WeSpeaker ResNet34 and TitaNet-Large under random but seeded weights, against the original implementations.

Real weights of either cannot be had here; names, shapes and golden outputs come from the originals.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.errors import ModelError
from hocket.models.fbank import Fbank
from tests.golden_weights import voice
from tests.seed_checkpoints import titanet_state, wespeaker_state
from tests.shared_data import shared

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")

from hocket.models.convert.part import load_strictly  # noqa: E402  (needs the extra)
from hocket.models.convert.recipes import parts_of  # noqa: E402
from hocket.models.convert.wespeaker import Head, Trunk, WeSpeakerResNet34  # noqa: E402

pytestmark = pytest.mark.convert

_VOICES = ("voice_a", "voice_b", "voice_a_short")
# Of single precision; one frame of weight leaves nothing but rounding to take a deviation of.
_TOLERANCE, _TOLERANCE_OF_ONE_FRAME = 1e-3, 1e-2


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def wespeaker() -> Any:
    return load_strictly(WeSpeakerResNet34(), "golden", wespeaker_state())


@pytest.fixture(scope="module")
def titanet() -> Any:
    (part,) = parts_of("golden", titanet_state())
    return part.net


def _embed(net: Any, *arrays: NDArray[Any]) -> NDArray[np.float32]:
    with torch.inference_mode():
        vectors: NDArray[np.float32] = net(*map(torch.from_numpy, arrays)).numpy()
    return vectors


def _features(name: str) -> NDArray[np.float32]:
    front_end = Fbank(window="hamming", scale=32768)
    return front_end.normalised(front_end(voice(name)))[None]


def _pooled(weights: NDArray[np.float32], num_frames: int) -> NDArray[np.float32]:
    """Weights at any rate for each 8 frames: the nearest, as pyannote.audio has it."""
    count = -(-num_frames // 8)
    return np.ascontiguousarray(weights[:, np.arange(count) * weights.shape[1] // count])


@pytest.mark.parametrize("name", _VOICES)
def test_wespeaker_without_weights_gives_the_golden_vectors(wespeaker: Any, name: str) -> None:
    golden = np.load(shared("parity/golden_wespeaker.npz"))
    features = _features(name)
    vectors = _embed(wespeaker, features, _pooled(np.ones((1, 1), np.float32), features.shape[1]))
    np.testing.assert_allclose(vectors, golden[f"embedding.{name}.f32"], rtol=0, atol=_TOLERANCE)


@pytest.mark.parametrize("kind", ["ones", "binary_half_rate", "soft", "tail", "single", "zeros"])
def test_wespeaker_with_weights_gives_the_golden_vectors(wespeaker: Any, kind: str) -> None:
    golden = np.load(shared("parity/golden_wespeaker.npz"))
    features = _features("voice_a")
    vectors = _embed(wespeaker, features, _pooled(golden[f"weights.{kind}"], features.shape[1]))
    tolerance = _TOLERANCE_OF_ONE_FRAME if kind == "single" else _TOLERANCE
    np.testing.assert_allclose(vectors, golden[f"embedding.voice_a.{kind}.f32"], rtol=0, atol=tolerance)


def test_wespeaker_gives_the_golden_vectors_of_three_speakers(wespeaker: Any) -> None:
    golden = np.load(shared("parity/golden_wespeaker.npz"))
    features = _features("voice_a")
    masks = _pooled(golden["weights.speakers"][0], features.shape[1])
    vectors = _embed(wespeaker, features.repeat(3, axis=0), masks)
    np.testing.assert_allclose(vectors, golden["embedding.voice_a.speakers.f32"][0], rtol=0, atol=_TOLERANCE)


def test_wespeakers_own_names_are_taken_and_its_training_head_is_left() -> None:
    state = {name.removeprefix("resnet."): value for name, value in wespeaker_state().items()}
    parts = parts_of("golden", {**state, "projection.weight": torch.ones(17982, 256)})
    assert [part.name.rpartition(".")[2] for part in parts] == ["trunk", "head"]


def test_wespeakers_trunk_and_head_are_the_whole_network(wespeaker: Any) -> None:
    features = np.ascontiguousarray(_features("voice_a")[:, :200])
    weights = np.random.default_rng(0).random((1, 25), np.float32)
    vectors = _embed(Head(wespeaker), _embed(Trunk(wespeaker), features), weights)
    whole = _embed(wespeaker, features, weights)
    np.testing.assert_allclose(vectors, whole, rtol=0, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize("release", ["1.x", "3.x"])
@pytest.mark.parametrize("name", _VOICES)
def test_titanet_gives_the_golden_vectors(titanet: Any, name: str, release: str) -> None:
    """Padded features with a length, and the same without their padding."""
    golden = np.load(shared("parity/golden_titanet.npz"))[f"embedding.{name}.{release}.f32"]
    mel = np.load(shared("parity/golden_nemo_mel.npz"))
    features = np.ascontiguousarray(mel[f"{name}.{release}"].T[None])
    length = mel[f"{name}.{release}.valid"]
    np.testing.assert_allclose(_embed(titanet, features, length), golden, rtol=0, atol=_TOLERANCE)
    alone = features[:, : length[0]]
    np.testing.assert_allclose(_embed(titanet, alone), golden, rtol=0, atol=_TOLERANCE)


def test_titanet_gives_the_golden_vectors_of_a_batch_of_unequal_lengths(titanet: Any) -> None:
    golden = np.load(shared("parity/golden_titanet.npz"))
    mel = np.load(shared("parity/golden_nemo_mel.npz"))
    batch = np.zeros((2, 240, 80), np.float32)
    batch[0], batch[1, :48] = mel["voice_a.1.x"].T, mel["voice_a_short.1.x"].T
    vectors = _embed(titanet, batch, golden["batch.valid"])
    np.testing.assert_allclose(vectors, golden["embedding.batch.1.x.f32"], rtol=0, atol=_TOLERANCE)


def test_a_nemo_checkpoint_of_another_front_end_is_refused() -> None:
    state = titanet_state()
    state["preprocessor.featurizer.fb"] = state["preprocessor.featurizer.fb"] * 1.1
    with pytest.raises(
        ModelError, match=r"golden was trained on other features \(filter bank \(1, 80, 257\)"
    ):
        parts_of("golden", state)


@pytest.mark.parametrize("name", ["resnet.layer3.5.bn2.weight", "resnet.seg_1.bias"])
def test_a_missing_parameter_is_named(name: str) -> None:
    state = wespeaker_state()
    del state[name]
    with pytest.raises(ModelError, match=f"does not fit WeSpeakerResNet34: missing {name}"):
        parts_of("golden", state)
