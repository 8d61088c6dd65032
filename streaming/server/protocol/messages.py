"""What the two ends of a socket say to each other besides events: frozen messages and their JSON form.

Version `hocket.v1`, which is also the websocket subprotocol. Messages carry no `seq`: what belongs into the
log is an event. Unknown fields are ignored, so that old servers survive new clients.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from hocket.streaming.captions.words import HeardWord
from hocket.streaming.errors import FormatError
from hocket.streaming.events import read_record

VERSION = "hocket.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What all messages have: a type by which they are told apart."""

    type: ClassVar[str]

    def to_json(self) -> str:
        """The message as ASCII text; absent options left out."""
        return json.dumps({"type": self.type} | _present(asdict(self)))


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return [_present(item) for item in value] if isinstance(value, list) else value


# From a producer, or an admin


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """token: as `started` gave it. sample: the first one that can still be sent, if not all can."""

    token: str
    sample: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Start(Message):
    """First message of a producer: what the binary frames that follow hold.

    sample_rate: 8,000 to 96,000 Hz. channel: the one to listen to, from 0; `mix`, as if absent, for the mean
    of all; `separate` for a session of each, NAME.1, NAME.2 and so on.
    realtime: whether audio is dropped, as a gap, rather than waited with when the server is behind.
    options: any of hop, latency, num_speakers, min_speakers, max_speakers. people: profiles to listen for, of
    those that the server knows; absent for all.
    """

    type: ClassVar[str] = "start"
    sample_rate: int
    encoding: str = "pcm_s16le"
    channels: int = 1
    channel: int | Literal["mix", "separate"] | None = None
    realtime: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    people: list[str] | None = None
    resume: Resume | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing(Message):
    """So many samples per channel existed and will never be sent: the clock moves on through them."""

    type: ClassVar[str] = "gap"
    samples: int
    reason: str = "not sent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Control(Message):
    """What a session is told by its producer or an admin, in the order of arrival among the audio.

    id: asks for an answer, `done` or an `error`, that carries it. Without one, only errors are answered.
    """

    id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finalize(Control):
    """Answered by `finalized` once all that came before is heard and its events are stored."""

    type: ClassVar[str] = "finalize"


@dataclass(frozen=True, kw_only=True, slots=True)
class Name(Control):
    """A speaker is called so."""

    type: ClassVar[str] = "name"
    speaker: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge(Control):
    """Two speakers are one, who goes by the id `into`."""

    type: ClassVar[str] = "merge"
    speaker: str
    into: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Split(Control):
    """Some turns of a speaker, by id, or all that is said from `at` seconds on, are a new speaker's."""

    type: ClassVar[str] = "split"
    speaker: str
    turns: list[str] = field(default_factory=list)
    at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Correct(Control):
    """A turn, by id, or what is said from `start` to `end` seconds, is this speaker's, or a new one's.

    speaker: an id, or the profile of an enrolled person.
    """

    type: ClassVar[str] = "correct"
    turn: str | None = None
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Enroll(Control):
    """A person is to be known: one of the server's store, by `profile`, or who speaks from `start` to `end`.

    name: of who speaks there. Where that is somebody named or recognised already, under another name, the
    stretch becomes a new speaker's.
    """

    type: ClassVar[str] = "enroll"
    profile: str | None = None
    name: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Words(Control):
    """Words of a recogniser, which come out as captions; one that comes again replaces the one before."""

    type: ClassVar[str] = "words"
    words: list[HeardWord]


@dataclass(frozen=True, kw_only=True, slots=True)
class End(Control):
    """The session ends when all that came before is heard, whether or not its producer is there."""

    type: ClassVar[str] = "end"


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
    """The producer's audio goes on from `sample`; `token` resumes the session after a lost connection.

    sessions: where each channel has one of its own, those that go on.
    """

    type: ClassVar[str] = "started"
    version: str = VERSION
    session: str
    token: str
    sample: int
    idle_seconds: float
    frame_bytes: int
    sessions: list[str] | None = None


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
class Done(Message):
    """The answer to the control of that id: what came of it is stored, up to the event of number `seq`."""

    type: ClassVar[str] = "done"
    id: str
    seq: int


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
    """What went wrong. Where it is fatal, the connection is closed next, with `close_code`.

    id: of the control that was refused, if it had one.
    """

    type: ClassVar[str] = "error"
    code: str
    message: str
    fatal: bool = False
    close_code: int | None = None
    id: str | None = None


Kinds = Mapping[str, type[Message]]
CONTROLS: Kinds = {kind.type: kind for kind in (Finalize, Name, Merge, Split, Correct, Enroll, Words, End)}
FROM_ADMIN: Kinds = {**CONTROLS, KeepAlive.type: KeepAlive}
FROM_PRODUCER: Kinds = {**{kind.type: kind for kind in (Start, Missing, Stop)}, **FROM_ADMIN}
FROM_SERVER: Kinds = {
    kind.type: kind for kind in (Started, Received, Finalized, Done, Stopped, Heartbeat, Refusal)
}


def read_message(text: str, kinds: Kinds) -> Message:
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
