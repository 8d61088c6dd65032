"""The networks behind FluidInference's interfaces against the golden vectors, before any conversion.

Recipe weights stand in for the real ones, which cannot be had here.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.golden_weights import voice
from tests.seed_checkpoints import wespeaker_state
from tests.shared_data import shared

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")

from hocket.models.convert.fluidinference import (  # noqa: E402  (needs the extra)
    ADDED,
    FilterBanks,
    MaskedEmbedding,
    PldaRho,
    WaveformEmbedding,
)
from hocket.models.convert.part import load_strictly  # noqa: E402
from hocket.models.convert.wespeaker import ResNet, WeSpeakerResNet34  # noqa: E402
from hocket.models.plda import open_plda  # noqa: E402

pytestmark = pytest.mark.convert

_KALDI_FLOOR = np.log(2e-7)  # what the golden filter banks show of digital silence lies below


@pytest.fixture(scope="module")
def resnet() -> ResNet:
    torch.set_num_threads(1)
    return load_strictly(WeSpeakerResNet34(), "recipe", wespeaker_state()).float().resnet


def _run(net: "torch.nn.Module", *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        output: NDArray[np.float32] = net(*map(torch.from_numpy, inputs)).numpy()
    return output


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def test_filter_banks_of_one_convolution_are_kaldis() -> None:
    golden = np.load(shared("parity/golden_fbank.npz"))["voice_a.cmn"]
    (features,) = _run(FilterBanks(), voice("voice_a")[None, None])[0]
    np.testing.assert_allclose(features.T, golden, atol=1e-3, rtol=0)


def test_what_fbank_adds_shows_in_digital_silence_alone() -> None:
    golden = np.load(shared("parity/golden_fbank.npz"))["voice_a.fbank_float64"]
    energies = np.where(golden > _KALDI_FLOOR, np.exp(golden), 0)
    expected = np.log(energies + ADDED)
    (features,) = _run(FilterBanks(ADDED), voice("voice_a")[None, None])[0]
    np.testing.assert_allclose(features.T, expected - expected.mean(0), atol=1e-3, rtol=0)


def test_embedding_gives_the_golden_vector_at_unit_length(resnet: ResNet) -> None:
    features = np.load(shared("parity/golden_fbank.npz"))["voice_a.cmn"].T[None, None].astype(np.float32)
    golden = np.load(shared("parity/golden_wespeaker.npz"))["embedding.voice_a.ones.f64"]
    net = MaskedEmbedding(resnet, num_frames=233, num_weights=117)
    found = _run(net, np.ascontiguousarray(features), np.ones((1, 117), np.float32))
    np.testing.assert_allclose(found, _unit(golden), atol=1e-6, rtol=0)


def test_embedding_interpolates_weights_between_the_nearest_two(resnet: ResNet) -> None:
    share = MaskedEmbedding(resnet).share.numpy()
    assert share.shape == (589, 125)
    ramp = np.arange(589, dtype=np.float32)
    np.testing.assert_allclose(ramp @ share, np.linspace(0, 588, 125), atol=1e-3)
    np.testing.assert_allclose(share.sum(0), 1, atol=1e-6)


def test_each_slot_of_wespeaker_v2_gives_the_golden_vector_of_its_mask(resnet: ResNet) -> None:
    golden = np.load(shared("parity/golden_wespeaker.npz"))
    audio, masks = voice("voice_a"), golden["weights.speakers"][0]
    net = WaveformEmbedding(resnet, len(audio), masks.shape[1])
    found = _run(net, np.stack([audio] * 3), masks)
    np.testing.assert_allclose(found, golden["embedding.voice_a.speakers.f64"][0], atol=1e-3, rtol=0)


def test_plda_rho_gives_the_features_of_a_real_clip() -> None:
    golden = np.load(shared("parity/golden_community1_sample.npz"))
    raw = golden["raw_embeddings"][golden["train_chunk"], golden["train_speaker"]]
    rho = _run(PldaRho(open_plda(shared("parity"))), raw)
    expected = np.abs(golden["post_plda"]) * np.sqrt(golden["phi"])
    np.testing.assert_allclose(np.abs(rho), expected, atol=1e-4, rtol=0)
