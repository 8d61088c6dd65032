"""NeMo's features against the numbers of NeMo itself, and stretches against the whole."""

import numpy as np
import pytest

from hocket.models.nemo_mel import NemoMel
from tests.golden_weights import voice
from tests.shared_data import shared


def test_the_filter_bank_is_nemos() -> None:
    golden = np.load(shared("parity/golden_nemo_mel.npz"))["filterbank"]
    np.testing.assert_allclose(NemoMel().bank.T, golden, atol=1e-7)


@pytest.mark.parametrize("name", ["voice_a", "voice_b", "voice_a_short", "voice_a_160x"])
def test_the_features_of_a_recording_equal_nemos(name: str) -> None:
    golden = np.load(shared("parity/golden_nemo_mel.npz"))
    samples = voice("voice_a")[:16000] if name == "voice_a_160x" else voice(name)
    features = NemoMel().normalised(NemoMel().clip(samples))
    assert len(features) == golden[f"{name}.1.x.valid"][0]
    np.testing.assert_allclose(features, golden[f"{name}.1.x"][:, : len(features)].T, atol=5e-3)


def test_a_stretch_gives_what_the_whole_gives() -> None:
    """Frame k of `clip` is centred on sample 160 k; of a stretch that begins at s, on s + 201 + 160 k."""
    samples = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    whole = NemoMel().clip(samples)
    stretch = NemoMel()(samples[160 * 20 - 201 : 160 * 20 - 201 + 401 + 160 * 29])
    assert stretch.shape == (30, 80)
    np.testing.assert_allclose(stretch, whole[20:50], atol=1e-4)


def test_a_batch_gives_what_each_stretch_gives_alone() -> None:
    stretches = np.random.default_rng(0).normal(0, 0.1, (2, 3, 2000)).astype(np.float32)
    together = NemoMel()(stretches)
    np.testing.assert_array_equal(together[1, 2], NemoMel()(stretches[1, 2]))


@pytest.mark.parametrize(("num_samples", "num_frames"), [(0, 0), (400, 0), (401, 1), (560, 1), (561, 2)])
def test_only_whole_frames_count(num_samples: int, num_frames: int) -> None:
    assert NemoMel()(np.zeros(num_samples, np.float32)).shape == (num_frames, 80)


def test_silence_stays_finite() -> None:
    features = NemoMel().normalised(NemoMel()(np.zeros(4000, np.float32)))
    np.testing.assert_array_equal(features, 0)
