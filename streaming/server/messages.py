"""What the two ends of a socket say to each other besides events: frozen messages and their JSON form.

Version `hocket.v1`, which is also the websocket subprotocol. Messages carry no `seq`: what belongs into the
log is an event. Unknown fields are ignored, so that old servers survive new clients.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from hocket.streaming.errors import FormatError
from hocket.streaming.events import event_schema, object_schema, read_record

VERSION = "hocket.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What all messages have: a type by which they are told apart."""

    type: ClassVar[str]

    def to_json(self) -> str:
        """The message as ASCII text; absent options left out."""
        fields = {key: value for key, value in asdict(self).items() if value is not None}
        return json.dumps({"type": self.type} | fields)


# From a producer


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """token: as `started` gave it. sample: the first one that can still be sent, if not all can."""

    token: str
    sample: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Start(Message):
    """First message of a producer: what the binary frames that follow hold.

    sample_rate: 8,000 to 96,000 Hz. channel: the one to listen to, from 0; absent for the mean of all.
    realtime: whether audio is dropped, as a gap, rather than waited with when the server is behind.
    options: any of hop, latency, num_speakers, min_speakers, max_speakers.
    """

    type: ClassVar[str] = "start"
    sample_rate: int
    encoding: str = "pcm_s16le"
    channels: int = 1
    channel: int | None = None
    realtime: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    resume: Resume | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing(Message):
    """So many samples per channel existed and will never be sent: the clock moves on through them."""

    type: ClassVar[str] = "gap"
    samples: int
    reason: str = "not sent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finalize(Message):
    """Answered by `finalized` once all that was sent before is heard and its events are stored."""

    type: ClassVar[str] = "finalize"
    id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Name(Message):
    """A speaker is called so."""

    type: ClassVar[str] = "name"
    speaker: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge(Message):
    """Two speakers are one, who goes by the id `into`."""

    type: ClassVar[str] = "merge"
    speaker: str
    into: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepAlive(Message):
    """Nothing to say for now; not answered."""

    type: ClassVar[str] = "keepalive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop(Message):
    """No more audio: answered by `stopped`, after the last event is stored, and close 1000."""

    type: ClassVar[str] = "stop"


# From the server


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Message):
    """The producer's audio goes on from `sample`; `token` resumes the session after a lost connection."""

    type: ClassVar[str] = "started"
    version: str = VERSION
    session: str
    token: str
    sample: int
    idle_seconds: float
    frame_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Received(Message):
    """All samples before this one are stored, come what may. lag: seconds from arrival to events."""

    type: ClassVar[str] = "received"
    sample: int
    lag: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Finalized(Message):
    """The answer to the `finalize` of that id."""

    type: ClassVar[str] = "finalized"
    id: str
    sample: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped(Message):
    """The session has ended; its last event has this number."""

    type: ClassVar[str] = "stopped"
    session: str
    sample: int
    seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat(Message):
    """To subscribers, every few seconds: the newest event's number, and how far events are behind."""

    type: ClassVar[str] = "heartbeat"
    seq: int
    lag: float
    rtf: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal(Message):
    """What went wrong. Where it is fatal, the connection is closed next, with `close_code`."""

    type: ClassVar[str] = "error"
    code: str
    message: str
    fatal: bool = False
    close_code: int | None = None
    sample: int | None = None


FROM_PRODUCER: dict[str, type[Message]] = {
    kind.type: kind for kind in (Start, Missing, Finalize, Name, Merge, KeepAlive, Stop)
}
FROM_SERVER: dict[str, type[Message]] = {
    kind.type: kind for kind in (Started, Received, Finalized, Stopped, Heartbeat, Refusal)
}


def read_message(text: str, kinds: Mapping[str, type[Message]]) -> Message:
    """The message that a text frame holds.

    Raises FormatError for what is not JSON, not an object, of an unknown type or with a wrong field.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"a text frame wants JSON: {error}"[:200]) from error
    if not isinstance(data, dict):
        raise FormatError(f"a text frame wants a JSON object, got {type(data).__name__}")
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        raise FormatError(f"unknown message type {str(kind)[:40]!r}: expected one of {', '.join(kinds)}")
    return read_record(kinds[kind], data)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def protocol_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every text frame: what producers send, what servers send, and the events."""
    messages = FROM_PRODUCER | FROM_SERVER
    events = event_schema()["$defs"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": VERSION,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in [*messages, *events]],
        "$defs": {name: object_schema(kind, name) for name, kind in messages.items()} | events,
    }
