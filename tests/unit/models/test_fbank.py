"""Filter banks against Kaldi's own numbers, as stored by torchaudio and kaldi-native-fbank."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.fbank import Fbank
from tests.shared_data import shared


def _voice(name: str) -> NDArray[np.float32]:
    samples: NDArray[np.float32] = np.load(shared("parity/inputs.npz"))[name].astype(np.float32) / 32768
    return samples


def _golden(name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.load(shared("parity/golden_fbank.npz"))[name].astype(np.float64)
    return values


def test_hamming_features_equal_kaldis() -> None:
    features = Fbank(window="hamming", scale=32768)(_voice("voice_a"))
    np.testing.assert_allclose(features, _golden("voice_a.fbank_float64"), atol=1e-3)
    np.testing.assert_allclose(features, _golden("voice_a.fbank_knf"), atol=2e-3)


def test_povey_features_equal_kaldis() -> None:
    features = Fbank(window="povey", scale=32768)(_voice("voice_a"))
    # A few bins lie 14 orders of magnitude of power below their frame's loudest: float32 ends there.
    np.testing.assert_allclose(features, _golden("voice_a.fbank_povey"), atol=5e-3)
    assert np.abs(features - _golden("voice_a.fbank_povey")).mean() < 2e-5


@pytest.mark.parametrize("name", ["voice_a", "voice_b", "voice_a_short"])
def test_mean_subtracted_features_equal_kaldis(name: str) -> None:
    features = Fbank(window="hamming", scale=32768)(_voice(name))
    np.testing.assert_allclose(features - features.mean(0), _golden(f"{name}.cmn"), atol=2e-3)


def test_unscaled_samples_equal_kaldi_native_fbank() -> None:
    knf = pytest.importorskip("kaldi_native_fbank")
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "povey"
    options.mel_opts.num_bins = 80
    options.mel_opts.low_freq = 20
    options.mel_opts.high_freq = 0
    options.energy_floor = 0.0
    reference = knf.OnlineFbank(options)
    samples = _voice("voice_b")
    reference.accept_waveform(16000, samples.tolist())
    reference.input_finished()
    expected = np.stack([reference.get_frame(k) for k in range(reference.num_frames_ready)])
    np.testing.assert_allclose(Fbank()(samples), expected, atol=2e-3)


def test_only_whole_frames_count() -> None:
    fbank = Fbank()
    assert [fbank.num_frames(n) for n in (0, 399, 400, 559, 560, 24240)] == [0, 0, 1, 1, 2, 150]
    assert fbank(np.zeros(399, np.float32)).shape == (0, 80)
    assert fbank(np.zeros((3, 24240), np.float32)).shape == (3, 150, 80)


def test_silence_lies_on_the_floor() -> None:
    np.testing.assert_allclose(
        Fbank()(np.zeros(800, np.float32)), np.log(np.finfo(np.float32).eps), rtol=1e-6
    )


def test_a_constant_offset_of_the_samples_changes_nothing() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    np.testing.assert_allclose(Fbank()(samples + np.float32(0.25)), Fbank()(samples), atol=2e-2)


def test_a_batch_gives_what_each_row_gives_alone() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, (3, 4000)).astype(np.float32)
    rows = [Fbank()(row) for row in samples]
    np.testing.assert_array_equal(Fbank()(samples), np.stack(rows))


def test_the_samples_are_left_alone() -> None:
    samples = np.random.default_rng(2).normal(0, 0.1, 4000).astype(np.float32)
    before = samples.copy()
    Fbank()(samples)
    np.testing.assert_array_equal(samples, before)
