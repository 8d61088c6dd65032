"""NVIDIA NeMo's log mel features, as its models up to release 2.4 were trained on, in numpy.

Same numbers as NeMo's AudioToMelSpectrogramPreprocessor without dither. Release 3.0 pads edges with zeros and
counts a frame less; TitaNet is older.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .fbank import BANDS_TOGETHER, Features, Samples, Triangles

FLOOR = np.float32(2.0**-24)  # added under the logarithm
FFT_SIZE = 512
DEVIATION_FLOOR = 1e-5

KNEE_HZ = 1000.0  # Slaney's mel scale is linear below, logarithmic above
LINEAR_HZ = 200.0 / 3  # per mel
LOG_STEP = np.log(6.4) / 27


def slaney_mel(hz: float) -> float:
    """Slaney's mel scale (Auditory Toolbox, 1998), as librosa has it."""
    return float(hz / LINEAR_HZ if hz < KNEE_HZ else KNEE_HZ / LINEAR_HZ + np.log(hz / KNEE_HZ) / LOG_STEP)


def slaney_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of slaney_mel."""
    above = np.maximum(mel - KNEE_HZ / LINEAR_HZ, 0)
    return np.where(above == 0, mel * LINEAR_HZ, KNEE_HZ * np.exp(LOG_STEP * above))


@dataclass(frozen=True)
class NemoMel:
    """25 ms frames every 10 ms: pre-emphasis, symmetric Hann, power, Slaney's triangles from 0 Hz, logarithm.

    Called on a stretch it gives whole frames only, so that stretches on a grid give what the whole gives;
    `clip` gives NeMo's own frames of a whole recording, edges included.
    """

    rate: int = 16000
    num_bins: int = 80
    preemphasis: float = 0.97

    @property
    def size(self) -> int:
        """Samples in one frame."""
        return self.rate * 25 // 1000

    @property
    def step(self) -> int:
        """Samples from frame to frame."""
        return self.rate * 10 // 1000

    def num_frames(self, num_samples: int) -> int:
        """Frames in so many samples, of which the first only serves the pre-emphasis of the second."""
        return max(0, 1 + (num_samples - 1 - self.size) // self.step)

    def __call__(self, samples: Samples) -> Features:
        """Log mel energies of each stretch, not normalised; a new array.

        samples: (..., n) float32, full scale ±1. Returns (..., num_frames(n), num_bins) float32.
        """
        *batch, length = samples.shape
        features = np.zeros((*batch, self.num_frames(length), self.num_bins), np.float32)
        if features.size:
            for index in np.ndindex(*batch):
                row = samples[index]
                self._write(row[1:] - np.float32(self.preemphasis) * row[:-1], features[index])
        return features

    def clip(self, samples: Samples) -> Features:
        """The features of a whole recording as NeMo makes them, not normalised.

        samples: (n,) float32, n more than half a frame. Returns (1 + n // step, num_bins): frames centred on
        multiples of the step, the recording mirrored at both ends.
        """
        shaped = np.append(samples[:1], samples[1:] - np.float32(self.preemphasis) * samples[:-1])
        features = np.empty((1 + len(samples) // self.step, self.num_bins), np.float32)
        self._write(np.pad(shaped, self.size // 2, mode="reflect"), features)
        return features

    def normalised(self, features: Features) -> Features:
        """(n, bins) features with every bin's mean subtracted and divided by its deviation; n at least 2."""
        # Double precision: over a silent stretch, what a single one rounds off is as large as the divisor.
        exact = features.astype(np.float64)
        deviations = exact.std(axis=0, ddof=1) + DEVIATION_FLOOR
        return np.asarray((exact - exact.mean(axis=0)) / deviations, np.float32)

    def _write(self, shaped: Samples, features: Features) -> None:
        from scipy.fft import rfft  # slow to import, and most who import this module only read cards

        frames = sliding_window_view(shaped, self.size)[:: self.step]
        spectrum = rfft(frames * self._taper, FFT_SIZE)
        power = spectrum.real**2 + spectrum.imag**2
        for triangles in self._triangles:
            np.matmul(power[:, triangles.bins], triangles.weights, out=features[:, triangles.bands])
        np.log(features + FLOOR, out=features)

    @cached_property
    def _taper(self) -> NDArray[np.float32]:
        return np.hanning(self.size).astype(np.float32)

    @cached_property
    def bank(self) -> NDArray[np.float32]:
        """(257, num_bins): triangles of equal area, equally spaced on Slaney's scale up to half the rate."""
        edges = slaney_hz(np.linspace(0.0, slaney_mel(self.rate / 2), self.num_bins + 2))
        bins = (np.arange(FFT_SIZE // 2 + 1) * self.rate / FFT_SIZE)[:, None]
        left, centre, right = edges[:-2], edges[1:-1], edges[2:]
        rise, fall = (bins - left) / (centre - left), (right - bins) / (right - centre)
        heights = 2.0 / (right - left)
        return np.asarray(np.maximum(0, np.minimum(rise, fall)) * heights, np.float32)

    @cached_property
    def _triangles(self) -> tuple[Triangles, ...]:
        return tuple(
            Triangles.cut(self.bank, slice(first, min(first + BANDS_TOGETHER, self.num_bins)))
            for first in range(0, self.num_bins, BANDS_TOGETHER)
        )
