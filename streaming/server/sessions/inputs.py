"""What a session was given, at the engine's rate and in order: the same again gives the same events.

Kept on disk from one snapshot to the next, so that a session survives its process.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import StoreError

from ..protocol.messages import CONTROLS, Control, read_message


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples (n,) float32 at the engine's rate."""

    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Absence:
    """Samples at the engine's rate that never arrived. whole: as in `Session.gap`."""

    num_samples: int
    reason: str
    whole: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody said of the session, as the message that brought it."""

    message: Control


@dataclass(frozen=True, slots=True)
class Enrolling:
    """A person is known by their voice, as `VoicePrint.to_dict` has it."""

    profile: str
    name: str
    voice: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stretching:
    """Nobody's audio is looked at more often than every `hop` seconds for now; 0: as often as was asked for.

    lag, rtf: as they were then, in seconds and as a ratio. dropped: seconds of audio so far.
    """

    hop: float
    lag: float
    rtf: float
    dropped: float


@dataclass(frozen=True, slots=True)
class Ending:
    """No more will come."""

    reason: str


Input = Sound | Absence | Told | Enrolling | Stretching | Ending
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Absence, Enrolling, Stretching, Ending)}


def write_input(given: Input) -> tuple[str, bytes]:
    """Kind and content, as they are stored."""
    match given:
        case Sound(samples):
            return "Sound", samples.astype("<f4", copy=False).tobytes()
        case Told(message):
            return "Told", message.to_json().encode()
    return type(given).__name__, json.dumps(asdict(given)).encode()


def read_input(kind: str, content: bytes) -> Input:
    """The input that was stored so. Raises StoreError for a kind that is unknown."""
    if kind == "Sound":
        return Sound(np.frombuffer(content, "<f4").astype(np.float32))
    if kind == "Told":
        message = read_message(content.decode(), CONTROLS)
        assert isinstance(message, Control)
        return Told(message)
    if kind not in _KINDS:
        raise StoreError(f"an input of kind {kind!r}: expected Sound, Told or one of {', '.join(_KINDS)}")
    made: Input = _KINDS[kind](**json.loads(content))
    return made
