"""Models that disagree with themselves: every window hears the same voices differently, vectors wander.

Made to provoke births, merges, overlaps and revisions. Deterministic functions of the audio, of no batch.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import (
    Audio,
    Calibration,
    Chunks,
    Detections,
    DetectorSpec,
    EmbedderSpec,
    Frames,
    Logits,
    Memory,
    SegmenterSpec,
    Weights,
)

RATE = 16_000
SIZE = 8
CLASSES = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))


def babble(seed: int, seconds: float, voices: int = 4) -> NDArray[np.float32]:
    """Audio (n,) float32: stretches of constant levels, each voice's own with some wander, and silences."""
    rng = np.random.default_rng(seed)
    pieces: list[NDArray[np.float32]] = []
    total = 0
    while total < seconds * RATE:
        length = int(rng.integers(0.1 * RATE, 3 * RATE))
        level = 0.0 if rng.random() < 0.2 else (1 + rng.integers(voices)) / 10 + rng.normal(0, 0.02)
        pieces.append(np.full(length, level, np.float32))
        total += length
    return np.concatenate(pieces)[: round(seconds * RATE)]


class UnrulySegmenter:
    """Scores swing with the level of the audio and with where the window begins."""

    spec = SegmenterSpec(
        rate=RATE,
        lengths=tuple(RATE * seconds for seconds in range(1, 11)),
        frame_step=270,
        frame_offset=495,
        classes=CLASSES,
    )

    def segment(self, audio: Audio) -> Logits:
        centres = np.arange(495, audio.shape[1] - 495, self.spec.frame_step)
        level = audio[:, centres].astype(np.float64)[..., None]
        phase = 7.0 * audio.astype(np.float64).mean(axis=1)[:, None, None]
        scores = 4 * np.sin(level * np.arange(11, 11 + len(CLASSES)) * 5 + phase)
        scores[..., 0] = np.where(level[..., 0] < 0.05, 6, -1)
        return scores.astype(np.float32)


class UnrulyDetectingSegmenter(UnrulySegmenter):
    """Brings a detector whose opinion swings with what it remembers of the levels so far."""

    spec = replace(
        UnrulySegmenter.spec,
        detector=DetectorSpec(rate=RATE, chunk=512, lookback=64, memory=2, delay=256, share=0.5, lean=0.1),
    )

    def detect(self, chunks: Chunks, memory: Memory) -> Detections:
        level, loudest = memory[:, 0], memory[:, 1]
        heard = []
        for chunk in np.moveaxis(chunks, 1, 0):
            level = np.float32(0.7) * level + np.float32(0.3) * chunk.mean(axis=1)
            loudest = np.maximum(np.float32(0.9) * loudest, chunk.max(axis=1))
            heard.append(np.abs(np.sin(17 * level)) * (loudest > 0.05))
        return np.stack([*heard, level, loudest], axis=1).astype(np.float32)


class UnrulyEmbedder:
    """Frames point where the level does; vectors are their mean, so short ones wander."""

    spec = EmbedderSpec(
        rate=RATE,
        size=SIZE,
        channels=SIZE,
        frame_step=320,
        hop=8000,
        lookback=16_000,
        kept=16_000,
        min_frames=3,
        preroll=240,
        calibration=Calibration(different=0.25, noise_floor=0.12, noise_per_second=1.145),
    )

    def frames(self, audio: Audio) -> Frames:
        level = audio[:, self.spec.preroll :].reshape(len(audio), -1, self.spec.frame_step).mean(axis=2)
        context = level.mean(axis=1, keepdims=True)
        angle = (level + 0.1 * context).astype(np.float64)[..., None] * np.arange(1, SIZE + 1) * 9
        return np.sin(angle).astype(np.float32)

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        pooled = np.stack([(w[:, None] * f).sum(axis=0) for f, w in zip(frames, weights, strict=True)])
        pooled += np.float32(1e-3)
        return (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
