"""How likely two vectors are one voice, given how much speech stands behind each.

A vector from d seconds of clean speech is its speaker's direction plus noise, whose variance falls as 1 / d:
two vectors of one speaker meet at a cosine of 1 / sqrt((1 + noise₁)(1 + noise₂)) on average. Multiplied back,
cosines from any amounts of speech lie on one scale: 1 for one speaker, `different` for two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Calibration

Floats = NDArray[np.float32]

SHORTEST = 0.1  # seconds of speech below which a vector is as noisy as at this length
SPREAD = 0.10  # standard deviation of the cosine between different speakers' vectors
VARIETY = 0.15  # standard deviation of the corrected cosine that no amount of speech removes


@dataclass(frozen=True)
class VoiceScorer:
    """Log-likelihood ratios of "this vector is that speaker" against "it is somebody else"."""

    calibration: Calibration

    def noise(self, seconds: Floats) -> Floats:
        """Variance of a vector's noise, relative to the speaker's own direction."""
        model = self.calibration
        noise = model.noise_floor + model.noise_per_second / np.maximum(seconds, SHORTEST)
        return noise.astype(np.float32)

    def llr(self, vectors: Floats, seconds: Floats, centres: Floats, behind: Floats) -> Floats:
        """(vectors, centres) log-likelihood ratios, linear in the cosine, flatter the less speech there is.

        vectors: (n, size), centres: (m, size), unit length; seconds: (n,), behind: (m,) clean speech.
        Two Gaussians of one variance around 1 and `different` on the corrected scale.
        """
        attenuation = np.sqrt((1 + self.noise(seconds))[:, None] * (1 + self.noise(behind))[None, :])
        corrected = (vectors @ centres.T) * attenuation
        variance = (SPREAD * attenuation) ** 2 + VARIETY**2
        different = self.calibration.different
        result: Floats = (1 - different) * (corrected - (1 + different) / 2) / variance
        return result
