"""Any rate and any number of channels to one channel at the engine's rate, in any cutting."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import BlockError, ConfigError

Samples = NDArray[np.float32]
Channel = Literal["mix"] | int

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
LOUDEST = 1e6  # 120 dB over full scale: no converter reaches it, so it is a damaged file and not sound


class Resampler:
    """Mixes a stream down to one channel and takes it to another rate.

    What comes out does not depend on how the stream was cut, to the last bit. Output sample k stands at
    k / rate_out seconds of the stream: the filter's delay is taken off, and rounding never adds up.
    The filter (soxr, "HQ": linear phase, 20 bit) looks ahead, so that up to 120 ms of audio at 8 kHz and
    40 ms at 48 kHz wait inside until more arrives; equal rates pass through at once.

    channel: "mix" for the mean of all, or the one to listen to, from 0.
    num_invalid: samples so far that were NaN, infinite or absurd, and became silence.
    Raises ConfigError for a rate outside 8 to 192 kHz or a channel that is not there.
    """

    def __init__(self, rate_in: int, rate_out: int, channels: int, channel: Channel = "mix") -> None:
        for rate in (rate_in, rate_out):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise ConfigError(f"sample rate {rate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE}")
        if channels < 1:
            raise ConfigError(f"{channels} channels: expected at least 1")
        if channel != "mix" and not 0 <= channel < channels:
            raise ConfigError(f"channel {channel} of {channels}: expected 'mix' or 0 to {channels - 1}")
        self.rate_in = rate_in
        self.rate_out = rate_out
        self.channels = channels
        self.channel = channel
        self.num_invalid = 0
        self._heard = 0  # samples in, lost ones among them
        self._given = 0  # samples out, lost ones among them
        self._filter = _new_filter(rate_in, rate_out)

    def push(self, samples: Samples) -> Samples:
        """What can be said so far.

        samples: (n, channels) float32, any n. Returns (m,) float32, a new array.
        Raises BlockError when the shape is another.
        """
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise BlockError(f"block of shape {samples.shape}: expected (n, {self.channels})")
        self._heard += len(samples)
        resampled = self._filter.resample_chunk(self._one_channel(samples))
        self._given += len(resampled)
        return resampled

    def finish(self) -> Samples:
        """What was still inside, as if silence followed. The stream may go on after it, as after a gap."""
        rest = self._filter.resample_chunk(np.zeros(0, np.float32), last=True)
        missing = self._due() - self._given
        self._given += missing
        self._filter = _new_filter(self.rate_in, self.rate_out)
        return np.pad(rest, (0, max(0, missing - len(rest))))[:missing]

    def gap(self, num_samples: int) -> tuple[Samples, int]:
        """Moves the clock over `num_samples` that never arrived.

        Returns what was still inside, and how many output samples the gap lasts.
        """
        rest = self.finish()
        self._heard += num_samples
        lost = self._due() - self._given
        self._given += lost
        return rest, lost

    def _due(self) -> int:
        """Output samples up to now: heard * rate_out / rate_in, halves rounded up, never fewer than given."""
        due = (2 * self._heard * self.rate_out + self.rate_in) // (2 * self.rate_in)
        return max(due, self._given)

    def _one_channel(self, samples: Samples) -> Samples:
        if self.channel != "mix":
            samples = samples[:, self.channel : self.channel + 1]
        valid = np.abs(samples) <= LOUDEST  # false for NaN too
        if not valid.all():
            self.num_invalid += int(valid.size - np.count_nonzero(valid))
            samples = np.where(valid, samples, np.float32(0))
        mixed = samples[:, 0].astype(np.float32)
        for other in range(1, samples.shape[1]):  # one by one: sum(axis=1) rounds by the array's layout
            mixed += samples[:, other]
        return mixed if samples.shape[1] == 1 else mixed / np.float32(samples.shape[1])


class _Filter(Protocol):
    def resample_chunk(self, samples: Samples, last: bool = False) -> Samples: ...


class _PassThrough:
    """Equal rates: every sample as it is."""

    def resample_chunk(self, samples: Samples, last: bool = False) -> Samples:
        return samples


def _new_filter(rate_in: int, rate_out: int) -> _Filter:
    if rate_in == rate_out:
        return _PassThrough()
    import soxr

    stream: _Filter = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")
    return stream
