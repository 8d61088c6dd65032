"""What microphones publish, told apart by topic and passed on to whoever makes sessions of it."""

import json
from typing import Protocol

from .connection import Request
from .message import Message, Topics

FORMAT, ERROR = "format", "error"
SAMPLE = "sample"  # user property: the number of a message's first sample
_DEFAULT = {"sample_rate": 16_000, "encoding": "pcm_s16le", "channels": 1}


class Ears(Protocol):
    """Who listens to microphones. Everything is called in the network's thread, and must not wait."""

    def hear(self, room: str, payload: bytes, sample: str | None) -> None:
        """Audio; an empty payload is its end. sample: the number of its first sample, as it was said."""

    def declare(self, room: str, payload: bytes) -> None:
        """How a room's audio comes from now on, as JSON; as ever where that is empty."""

    def cut(self) -> None:
        """The broker is gone, and with it whatever is said until it is back."""


def overhear(request: Request, topics: Topics, ears: Ears) -> bool:
    """Pass on what a microphone said; whether it was one."""
    said = topics.microphone(request.topic)
    match said:
        case None:
            return False
        case room, "format":
            ears.declare(room, request.payload)
        case _ if request.is_retained or said[1] == ERROR:
            pass  # old sound, or our own words
        case room, number:
            ears.hear(room, request.payload, number or request.user.get(SAMPLE))
    return True


def complaint(topics: Topics, room: str, error: str | None) -> Message:
    """What a room's microphone is told, and everybody who wonders why it is not heard; None: all is well."""
    topic = topics.audio(room)
    expected = (
        f"raw samples, 20 to 250 ms a message, on {topic}; their format, retained, on {topic}/{FORMAT}, "
        f"where it is not {json.dumps(_DEFAULT)}"
    )
    said = b"" if error is None else json.dumps({"error": error, "expected": expected}).encode()
    return Message(f"{topic}/{ERROR}", said, retain=True)
