"""What is published: topics, and a message with all that decides how it travels."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_NOT_IN_TOPICS = re.compile(r"[^a-z0-9_-]+")
_TIME = re.compile(r"\.\d{8}-\d{6}")  # of a session's beginning


class Source(NamedTuple):
    """The event that a message tells. run: as in `Room`."""

    session: str
    run: str
    seq: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish.

    expires: the wall clock (seconds of Unix time) from which on it is of no use, and may be dropped; None for
    what must arrive. reply_to: the request that it answers. source: the event that it tells, if it does.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expires: float | None = None
    reply_to: bytes | None = None
    content_type: str = "application/json"
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below a prefix. Sessions appear by their slug; payloads carry their full name."""

    prefix: str

    @property
    def status(self) -> str:
        """`online` or `offline`, retained; the last will speaks here."""
        return f"{self.prefix}/status"

    def event(self, session: str, kind: str) -> str:
        return f"{self.prefix}/{slug(session)}/event/{kind}"

    def state(self, session: str) -> str:
        """Who speaks now; retained."""
        return f"{self.prefix}/{slug(session)}/state"

    def speakers(self, session: str) -> str:
        """Everybody who was heard; retained."""
        return f"{self.prefix}/{slug(session)}/speakers"

    def control(self, session: str) -> str:
        """Where a session is told something."""
        return f"{self.prefix}/{slug(session)}/set"

    @property
    def every_control(self) -> str:
        """The pattern of all topics on which sessions are told something."""
        return f"{self.prefix}/+/set"

    def answer(self, session: str) -> str:
        """Where a session answers who named no topic of their own."""
        return f"{self.prefix}/{slug(session)}/answer"

    def audio(self, room: str) -> str:
        """Where a room's microphone publishes."""
        return f"{self.prefix}/{room}/audio"

    @property
    def every_audio(self) -> tuple[str, str]:
        """The patterns of what microphones publish: formats and numbered audio first, then plain audio."""
        return f"{self.prefix}/+/audio/+", f"{self.prefix}/+/audio"

    def microphone(self, topic: str) -> tuple[str, str] | None:
        """Room and the level after `audio`, "" for none, of a topic that a microphone publishes on."""
        match topic.removeprefix(f"{self.prefix}/").split("/"):
            case [room, "audio"]:
                return room, ""
            case [room, "audio", what]:
                return room, what
        return None

    def home_assistant_event(self, session: str) -> str:
        """What Home Assistant's event entity follows."""
        return f"{self.prefix}/{slug(session)}/home_assistant"


@lru_cache(maxsize=256)
def slug(session: str) -> str:
    """A session's name as a level of a topic: lower case letters, digits, - and _.

    "Küche 2" becomes "kuche-2", and so does "Küche 2.20261123-134601": each session of a room has the same
    topics. A name of which nothing remains becomes a number.
    """
    plain = unicodedata.normalize("NFKD", place(session)).encode("ascii", "ignore").decode().lower()
    return (
        _NOT_IN_TOPICS.sub("-", plain).strip("-")
        or f"session-{hashlib.sha256(session.encode()).hexdigest()[:8]}"
    )


def place(session: str) -> str:
    """A session's name without the time of its beginning, if it tells one: what is the same the next day."""
    return _TIME.sub("", session)
