import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.streaming.errors import BlockError, ConfigError
from hocket.streaming.resample import Resampler

Samples = NDArray[np.float32]


def tone(frequency: float, rate: int, seconds: float = 1.0) -> Samples:
    times = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def resampled(samples: Samples, rate_in: int, rate_out: int = 16_000) -> Samples:
    resampler = Resampler(rate_in, rate_out, 1)
    return np.concatenate([resampler.push(samples[:, np.newaxis]), resampler.finish()])


def decibels(samples: Samples, reference: Samples) -> float:
    return float(20 * np.log10(np.std(samples) / np.std(reference) + 1e-12))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("frequency", [100, 1_000, 3_400])
def test_speech_band_keeps_level_and_time(rate: int, frequency: int) -> None:
    inner = slice(2_000, -2_000)
    ideal = tone(frequency, 16_000)[inner]
    error = resampled(tone(frequency, rate), rate)[inner] - ideal
    # -60 dB of a sine at 3.4 kHz is 50 ns: any delay left in would be far above it
    assert decibels(error, ideal) < -60


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("frequency", [8_050, 9_500])
def test_nothing_folds_back_from_above_half_the_new_rate(rate: int, frequency: int) -> None:
    assert decibels(resampled(tone(frequency, rate), rate)[2_000:-2_000], tone(frequency, rate)) < -110


@pytest.mark.parametrize(
    ("rate", "seconds"), [(8_000, 0.12), (44_100, 0.045), (48_000, 0.04), (192_000, 0.08)]
)
def test_filter_holds_back_no_more_than_it_says(rate: int, seconds: float) -> None:
    resampler, samples, given = Resampler(rate, 16_000, 1), tone(440, rate, 2.0), 0
    for stop in range(rate // 1_000, len(samples), rate // 1_000):
        given += len(resampler.push(samples[stop - rate // 1_000 : stop, np.newaxis]))
        assert stop / rate - given / 16_000 <= seconds


def test_equal_rates_pass_every_sample_at_once() -> None:
    samples = tone(440, 16_000)
    assert np.array_equal(Resampler(16_000, 16_000, 1).push(samples[:, np.newaxis]), samples)


def test_channels_are_averaged_or_chosen() -> None:
    left, right = tone(440, 16_000), tone(1_000, 16_000)
    both = np.stack([left, right], axis=1)
    assert np.allclose(Resampler(16_000, 16_000, 2).push(both), (left + right) / 2)
    assert np.array_equal(Resampler(16_000, 16_000, 2, channel=1).push(both), right)


def test_samples_that_are_no_sound_become_silence_and_are_counted() -> None:
    samples = tone(440, 16_000)[:, np.newaxis].copy()
    samples[[10, 20, 30, 40], 0] = [np.nan, np.inf, -np.inf, 1e30]
    resampler = Resampler(16_000, 16_000, 1)
    mixed = resampler.push(samples)
    assert np.array_equal(np.flatnonzero(mixed != tone(440, 16_000)), [10, 20, 30, 40])
    assert np.isfinite(mixed).all()
    assert resampler.num_invalid == 4


def test_clipped_audio_passes_as_it_is() -> None:
    clipped = np.clip(3 * tone(440, 16_000), -1, 1)
    assert np.array_equal(Resampler(16_000, 16_000, 1).push(clipped[:, np.newaxis]), clipped)


def test_gap_gives_what_was_inside_and_its_length_at_the_new_rate() -> None:
    resampler = Resampler(48_000, 16_000, 1)
    before = resampler.push(tone(440, 48_000, 0.1)[:, np.newaxis])
    rest, lost = resampler.gap(4_800)
    assert (len(before) + len(rest), lost) == (1_600, 1_600)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3_000, 16_000, 1), "sample rate 3000 Hz: expected 8000 to 192000"),
        ((16_000, 384_000, 1), "sample rate 384000 Hz: expected 8000 to 192000"),
        ((16_000, 16_000, 0), "0 channels: expected at least 1"),
        ((16_000, 16_000, 2, 2), "channel 2 of 2: expected 'mix' or 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Resampler(*arguments)


def test_block_of_another_shape_is_refused() -> None:
    with pytest.raises(BlockError, match=r"block of shape \(160,\): expected \(n, 2\)"):
        Resampler(16_000, 16_000, 2).push(np.zeros(160, np.float32))
