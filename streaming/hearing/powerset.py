"""Class scores over sets of speakers, decoded to probabilities of speech, overlap and each local speaker."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Powerset:
    """Classes that are sets of local speakers; the empty set is silence.

    For three speakers, at most two at once: (), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2).
    Source: Plaquet & Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization",
    Interspeech 2023.
    """

    classes: tuple[tuple[int, ...], ...]

    @cached_property
    def members(self) -> Floats:
        """(classes, speakers): 1 where the class contains the speaker."""
        num_speakers = 1 + max(speaker for members in self.classes for speaker in members)
        table = np.zeros((len(self.classes), num_speakers), np.float32)
        for index, members in enumerate(self.classes):
            table[index, list(members)] = 1
        return table

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """(classes,): how many speakers each class contains."""
        return np.array([len(members) for members in self.classes])

    def probabilities(self, logits: Floats) -> Floats:
        """Softmax over the last axis. logits: (frames, classes), any finite scores. A new array."""
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        result: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
        return result

    def activity(self, probabilities: Floats) -> Floats:
        """(frames, speakers): probability that each local speaker is speaking."""
        result: Floats = probabilities @ self.members
        return result

    def speech(self, probabilities: Floats) -> Floats:
        """(frames,): probability that anybody is speaking."""
        result: Floats = probabilities[:, self.sizes > 0].sum(axis=1)
        return result

    def overlap(self, probabilities: Floats) -> Floats:
        """(frames,): probability that two or more are speaking."""
        result: Floats = probabilities[:, self.sizes > 1].sum(axis=1)
        return result
