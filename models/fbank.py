"""Kaldi-compatible log mel filter banks, for whole batches of stretches at once.

Same numbers as Kaldi's `compute-fbank-feats` without dither (and so as torchaudio.compliance.kaldi.fbank
and kaldi-native-fbank), to single precision.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (..., samples)
Features = NDArray[np.float32]  # (..., frames, bins)

FLOOR = np.float32(np.finfo(np.float32).eps)  # Kaldi's energy floor under the logarithm
BANDS_TOGETHER = 8  # of 80: measured fastest, and below any BLAS library's threshold for threads


def mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """HTK mel scale, natural logarithm."""
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))


@dataclass(frozen=True)
class Triangles:
    """A few neighbouring mel bands as one small product: `power[:, bins] @ weights`.

    The whole bank is 97 % zeros, and as one product it is large enough for a BLAS library to spread over
    threads, which on a busy machine costs milliseconds.
    """

    bands: slice
    bins: slice
    weights: NDArray[np.float32]

    @classmethod
    def cut(cls, bank: NDArray[np.float32], bands: slice) -> Self:
        """The non-zero part of some columns of a (bins, bands) bank."""
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1)
        return cls(bands, bins, np.ascontiguousarray(bank[bins, bands]))


@dataclass(frozen=True)
class Fbank:
    """The front end of one embedding model: 25 ms frames every 10 ms, only whole ones ("snip edges").

    Per frame: subtract the mean, pre-emphasise by 0.97 (the first sample by itself), window, power
    spectrum over the next power of two, triangles equally spaced in mel from 20 Hz to half the rate
    (without the last bin), natural logarithm.

    scale: factor on the samples; models trained on 16-bit numbers want 32768.
    """

    rate: int = 16000
    num_bins: int = 80
    window: Literal["povey", "hamming"] = "povey"
    scale: float = 1.0
    low_hz: float = 20.0
    preemphasis: float = 0.97

    @property
    def size(self) -> int:
        """Samples in one frame."""
        return self.rate * 25 // 1000

    @property
    def step(self) -> int:
        """Samples from frame to frame."""
        return self.rate * 10 // 1000

    @property
    def fft_size(self) -> int:
        """Samples in one frame, with zeros up to the next power of two."""
        return 1 << (self.size - 1).bit_length()

    def num_frames(self, num_samples: int) -> int:
        """Frames in so many samples."""
        return max(0, 1 + (num_samples - self.size) // self.step)

    def __call__(self, samples: Samples) -> Features:
        """Log mel energies of each stretch; a new array.

        samples: (..., n) float32, full scale ±1. Returns (..., num_frames(n), num_bins) float32. No mean
        is subtracted over time.
        """
        *batch, length = samples.shape
        features = np.zeros((*batch, self.num_frames(length), self.num_bins), np.float32)
        if features.size:
            # One stretch at a time: its intermediate arrays stay in the processor's cache.
            for index in np.ndindex(*batch):
                self._write(samples[index], features[index])
        return features

    def normalised(self, features: Features) -> Features:
        """(n, bins) features with every bin's mean subtracted, as speaker models want them."""
        return np.asarray(features - features.mean(axis=0), np.float32)

    def _write(self, samples: Samples, features: Features) -> None:
        from scipy.fft import rfft  # slow to import, and most who import this module only read cards

        frames = sliding_window_view(samples, self.size)[:: self.step]
        centred = frames - frames.mean(axis=1, keepdims=True)
        shaped = np.empty_like(centred)
        np.multiply(centred[:, :-1], -self.preemphasis, out=shaped[:, 1:])
        shaped[:, 0] = -self.preemphasis * centred[:, 0]
        shaped += centred
        shaped *= self.taper
        spectrum = rfft(shaped, self.fft_size)
        power = spectrum.real**2 + spectrum.imag**2
        for triangles in self._triangles:
            np.matmul(power[:, triangles.bins], triangles.weights, out=features[:, triangles.bands])
        np.log(np.maximum(features, FLOOR, out=features), out=features)

    @cached_property
    def taper(self) -> NDArray[np.float32]:
        """(size,) the window, with the scale of the samples in it."""
        phase = np.cos(2 * np.pi * np.arange(self.size) / (self.size - 1))
        taper = (0.5 - 0.5 * phase) ** 0.85 if self.window == "povey" else 0.54 - 0.46 * phase
        return (self.scale * taper).astype(np.float32)

    @cached_property
    def bank(self) -> NDArray[np.float32]:
        """(fft_size / 2, num_bins): triangles of height 1."""
        edges = np.linspace(mel(self.low_hz), mel(self.rate / 2), self.num_bins + 2)
        bins = mel(np.arange(self.fft_size // 2) * self.rate / self.fft_size)[:, None]
        left, centre, right = edges[:-2], edges[1:-1], edges[2:]
        rise, fall = (bins - left) / (centre - left), (right - bins) / (right - centre)
        return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)

    @cached_property
    def _triangles(self) -> tuple[Triangles, ...]:
        return tuple(
            Triangles.cut(self.bank, slice(first, min(first + BANDS_TOGETHER, self.num_bins)))
            for first in range(0, self.num_bins, BANDS_TOGETHER)
        )
