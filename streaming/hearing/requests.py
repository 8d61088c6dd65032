"""What a session needs from the models next. One model call may answer the requests of many sessions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """Class scores of a window: answer (frames, classes).

    start, stop: absolute samples; audio: (stop - start,).
    """

    start: int
    stop: int
    audio: Samples


@dataclass(frozen=True, slots=True)
class DetectRequest:
    """Speech in the next chunks: answer (n + size,), probabilities and the next memory.

    start, stop: absolute samples; chunks: (n, lookback + chunk); memory: (size,).
    """

    start: int
    stop: int
    chunks: Samples
    memory: Samples


@dataclass(frozen=True, slots=True)
class FramesRequest:
    """Frame features of a stretch: answer (frames, channels).

    start, stop: absolute samples; audio: (preroll + stop - start,).
    """

    start: int
    stop: int
    audio: Samples


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """A speaker vector from cached frames: answer (size,), unit length.

    start, stop: the atom's cells; frames: (n, channels); weights: (n,) in [0, 1].
    """

    start: int
    stop: int
    frames: Samples
    weights: Samples


Request = SegmentRequest | DetectRequest | FramesRequest | EmbedRequest
