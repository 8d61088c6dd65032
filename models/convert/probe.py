"""Deterministic test signals: two synthetic voices taking turns, talking at once and pausing.

They stand in for speech where a package is checked and no recording may be assumed. Formant synthesis is
enough: the networks hear voices in it, so that classes and embeddings vary as they do in use.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 16000
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def conversation(num_samples: int, seed: int = 0) -> NDArray[np.float32]:
    """(num_samples,) at 16 kHz, full scale ±1: a low voice, both, silence, a high voice, and again."""
    rng = np.random.default_rng(seed)
    low = _voice(num_samples, pitch_hz=105.0, formant_scale=1.0, rng=rng)
    high = _voice(num_samples, pitch_hz=215.0, formant_scale=1.17, rng=rng)
    phase = (np.arange(num_samples) / RATE % 4.0) / 4.0
    mix = low * (phase < 0.5) + high * ((phase > 0.35) & (phase < 0.5) | (phase > 0.6))
    return (0.1 * mix + 0.001 * rng.standard_normal(num_samples)).astype(np.float32)


def _voice(
    num_samples: int, pitch_hz: float, formant_scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Vowels of 0.2 s: harmonics under three formant peaks, rising and falling with each syllable."""
    time = np.arange(num_samples) / RATE
    pitch = pitch_hz * (1 + 0.06 * np.sin(2 * np.pi * 0.7 * time) + 0.02 * np.sin(2 * np.pi * 4.3 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    syllable = (time / 0.2).astype(int)
    vowels = rng.integers(len(VOWELS_HZ), size=syllable[-1] + 1)
    formants = formant_scale * np.array(VOWELS_HZ, float)[vowels][syllable]
    voice = np.zeros(num_samples)
    for harmonic in range(1, int(4000 / pitch_hz)):
        distance = (harmonic * pitch[:, None] - formants) / np.array([60.0, 90.0, 150.0])
        voice += (np.array([1.0, 0.5, 0.25]) / (1 + distance**2)).sum(1) * np.sin(harmonic * phase)
    return voice * np.sin(np.pi * (time / 0.2 % 1)) ** 2
