"""What a session was given, at the engine's rate and in order: the same again gives the same events.

Kept on disk from one snapshot to the next, so that a session survives its process.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import StoreError


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples (n,) float32 at the engine's rate."""

    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Absence:
    """Samples at the engine's rate that never arrived."""

    num_samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class Naming:
    """A speaker is called so."""

    speaker: str
    name: str


@dataclass(frozen=True, slots=True)
class Merging:
    """Two speakers are one."""

    speaker: str
    into: str


@dataclass(frozen=True, slots=True)
class Ending:
    """No more will come."""

    reason: str


Input = Sound | Absence | Naming | Merging | Ending
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Absence, Naming, Merging, Ending)}


def write_input(given: Input) -> tuple[str, bytes]:
    """Kind and content, as they are stored."""
    if isinstance(given, Sound):
        return "Sound", given.samples.astype("<f4", copy=False).tobytes()
    return type(given).__name__, json.dumps(asdict(given)).encode()


def read_input(kind: str, content: bytes) -> Input:
    """The input that was stored so. Raises StoreError for a kind that is unknown."""
    if kind == "Sound":
        return Sound(np.frombuffer(content, "<f4").astype(np.float32))
    if kind not in _KINDS:
        raise StoreError(f"an input of kind {kind!r}: expected Sound or one of {', '.join(_KINDS)}")
    made: Input = _KINDS[kind](**json.loads(content))
    return made
