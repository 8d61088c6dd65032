"""Models for which a voice is a level: speaker k speaks at a constant 0.1 · (k + 1), nobody at 0.

Exact and instant, so that a test may say beforehand who must be heard when.
"""

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Audio, Calibration, EmbedderSpec, Frames, Logits, SegmenterSpec, Weights
from hocket.streaming.replay import Segment

RATE = 16_000
NUM_VOICES = 4


def conversation(turns: list[Segment], seconds: float) -> NDArray[np.float32]:
    """Audio of speakers called "0", "1", …, (n,) float32; the later turn wins where two overlap."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    for turn in turns:
        samples[round(turn.start * RATE) : round(turn.end * RATE)] = 0.1 * (int(turn.speaker) + 1)
    return samples


def voices(samples: NDArray[np.float32]) -> NDArray[np.intp]:
    """Speaker by sample, -1 for nobody."""
    return np.rint(samples * 10).astype(np.intp) - 1


class LevelSegmenter:
    """Local speakers are the voices themselves."""

    spec = SegmenterSpec(
        rate=RATE,
        lengths=tuple(RATE * seconds for seconds in range(2, 11)),
        frame_step=270,
        frame_offset=495,
        classes=((), *((voice,) for voice in range(NUM_VOICES))),
    )

    def segment(self, audio: Audio) -> Logits:
        centres = np.arange(
            self.spec.frame_offset, audio.shape[1] - self.spec.frame_offset, self.spec.frame_step
        )
        classes = voices(audio[:, centres]) + 1
        return np.where(np.arange(NUM_VOICES + 1) == classes[..., None], 10, -10).astype(np.float32)


class LevelEmbedder:
    """A vector is the share of every voice."""

    spec = EmbedderSpec(
        rate=RATE,
        size=NUM_VOICES,
        channels=NUM_VOICES,
        frame_step=320,
        hop=8000,
        lookback=16_000,
        kept=16_000,
        min_frames=3,
        preroll=240,
        calibration=Calibration(different=0.0, noise_floor=0.01, noise_per_second=0.01),
    )

    def frames(self, audio: Audio) -> Frames:
        pieces = audio[:, self.spec.preroll :].reshape(len(audio), -1, self.spec.frame_step)
        return np.stack([(voices(pieces) == voice).mean(axis=2) for voice in range(NUM_VOICES)], 2).astype(
            np.float32
        )

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        pooled = np.stack([w @ f for f, w in zip(frames, weights, strict=True)]) + np.float32(1e-6)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
