"""What the producers say: one endless conversation, from which each takes a stretch of its own."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..bench import looped

Samples = NDArray[np.float32]

RATE = 16_000
# In the references of ten real meetings (`ami` in docs/measured.md) somebody speaks 60 % of the time.
USUAL_SHARE = 0.6
STRETCH = (5.0, 25.0)  # seconds of conversation between two silences
ROOM_NOISE = 1e-3  # -60 dB of full scale
ANOTHER = 37.0  # seconds from where one producer begins to where the next does
FULL_SCALE = 32_767


class Conversation:
    """Sound for any number of producers: `seconds` of it at RATE, made of a clip, over and over.

    Each producer says it from another place on, as pcm_s16le. silences: with those of real meetings.
    """

    def __init__(self, clip: Samples, seconds: float, *, silences: bool = False) -> None:
        [spoken] = looped(clip, 1, round(seconds * RATE))
        self.samples = _with_silences(spoken) if silences else spoken
        self._pcm = (np.clip(self.samples, -1, 1) * FULL_SCALE).astype("<i2")

    def frame(self, producer: int, start: int, count: int) -> bytes:
        """Samples [start, start + count) of a producer's stream."""
        first = (round(producer * ANOTHER * RATE) + start) % len(self._pcm)
        found = self._pcm[first : first + count]
        return found.tobytes() + self._pcm[: count - len(found)].tobytes()


def _with_silences(spoken: Samples) -> Samples:
    """The same conversation with quiet stretches in it, as long as it was."""
    chance = np.random.default_rng(0)
    pieces = list(_stretches(spoken, chance))
    made: Samples = np.concatenate(pieces)[: len(spoken)]
    return made


def _stretches(spoken: Samples, chance: np.random.Generator) -> Iterator[Samples]:
    start = 0
    while start < len(spoken):
        count = round(chance.uniform(*STRETCH) * RATE)
        yield spoken[start : start + count]
        quiet = round(count * (1 - USUAL_SHARE) / USUAL_SHARE)
        yield ROOM_NOISE * chance.standard_normal(quiet, np.float32)
        start += count
