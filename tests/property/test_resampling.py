"""What comes out of the resampler is a function of the samples alone."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket.streaming.resample import Resampler

Samples = NDArray[np.float32]
RATES = st.sampled_from([8_000, 11_025, 16_000, 16_001, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])


def pieces(samples: Samples, lengths: list[int]) -> Iterator[Samples]:
    """`samples` cut into the given lengths, over and over."""
    start, turn = 0, 0
    while start < len(samples):
        length = lengths[turn % len(lengths)]
        yield samples[start : start + length]
        start, turn = start + length, turn + 1


def resampled(resampler: Resampler, samples: Samples, lengths: list[int]) -> Samples:
    return np.concatenate([*map(resampler.push, pieces(samples, lengths)), resampler.finish()])


def noise(num_samples: int, channels: int, seed: int) -> Samples:
    return np.random.default_rng(seed).standard_normal((num_samples, channels)).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(
    rate_in=RATES,
    rate_out=st.sampled_from([16_000, 8_000]),
    channels=st.integers(1, 9),
    channel=st.just("mix") | st.just(0),
    num_samples=st.integers(0, 6_000),
    lengths=st.lists(st.integers(1, 5_000), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_cutting_does_not_change_a_bit(
    rate_in: int, rate_out: int, channels: int, channel: int, num_samples: int, lengths: list[int], seed: int
) -> None:
    samples = noise(num_samples, channels, seed)
    for cut in ([1], [7], [4096], lengths):
        apart = resampled(Resampler(rate_in, rate_out, channels, channel), samples, cut)
        whole = resampled(Resampler(rate_in, rate_out, channels, channel), samples, [num_samples or 1])
        assert apart.tobytes() == whole.tobytes()


@settings(deadline=None, max_examples=60)
@given(
    rate_in=RATES,
    stretches=st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 5_000)), max_size=8),
)
def test_clock_is_exact_through_any_number_of_gaps(rate_in: int, stretches: list[tuple[int, int]]) -> None:
    resampler = Resampler(rate_in, 16_000, 1)
    heard = given_out = 0
    for num_samples, num_lost in stretches:
        given_out += len(resampler.push(noise(num_samples, 1, 0)))
        rest, lost = resampler.gap(num_lost)
        given_out += len(rest) + lost
        heard += num_samples + num_lost
    assert abs(given_out - heard * 16_000 / rate_in) <= 0.5
