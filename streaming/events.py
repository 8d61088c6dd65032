"""What a session says: frozen, numbered events and their JSON form.

Every time is seconds of audio since the session's first sample, exact to a cell of 10 ms. `seq` starts at 1
and has no gap; replaying the events alone rebuilds the annotation (see `replay.py`). A final turn changes
only through a `revision` that names it.
"""

import contextlib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, Self, TypeVar

from .errors import FormatError

EVENT_VERSION = 1
TurnState = Literal["open", "provisional", "final"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What all events carry.

    seq: position in the session's log, from 1, without gaps.
    at: seconds of audio that the session had heard when it said this.
    """

    type: ClassVar[str]
    seq: int
    session: str
    at: float

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON-ready values; `type` first; absent options left out."""
        return {"type": self.type} | {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The event that `to_dict` wrote. Unknown keys are ignored, so old readers survive new writers.

        Raises FormatError for an unknown type, a missing field or a value of the wrong type.
        """
        kind = EVENT_TYPES.get(data.get("type", ""))
        if kind is None or not issubclass(kind, cls):
            raise FormatError(
                f"unknown event type {data.get('type')!r}: expected one of {', '.join(EVENT_TYPES)}"
            )
        return read_record(kind, data)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStart(Event):
    """First event of a session: sample rate, models by name, settings by name."""

    type: ClassVar[str] = "session.start"
    rate: int
    models: dict[str, str]
    config: dict[str, Any]
    version: int = EVENT_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnd(Event):
    """Last event of a session: seconds heard, speakers that remain, why it ended."""

    type: ClassVar[str] = "session.end"
    duration: float
    speakers: list[str]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerNew(Event):
    """A voice is shown for the first time. Ids ("S1", "S2" …) are never reused.

    name, profile: of the enrolled person whose voice it was recognised as.
    """

    type: ClassVar[str] = "speaker.new"
    speaker: str
    name: str | None = None
    profile: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerUpdate(Event):
    """A speaker was named, recognised, or found to be another (`merged_into`); the old id stays an alias.

    profile: of the enrolled person; "" takes back the one said before.
    """

    type: ClassVar[str] = "speaker.update"
    speaker: str
    name: str | None = None
    profile: str | None = None
    merged_into: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Event):
    """The set of people speaking changed at `t`. Emitted at once, and not taken back; turns are.

    A voice that was recognised late may have `t` before that of an earlier event. Where one who speaks
    turns out to be somebody else, that is another event with the `t` at which they started.
    """

    type: ClassVar[str] = "change"
    t: float
    speakers: list[str]
    started: list[str]
    ended: list[str]
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn(Event):
    """A stretch of one speaker, re-emitted under the same id whenever it changes.

    state: `open` while it grows, `provisional` when it has ended and may still change, then `final`.
    A turn that turns out not to exist is re-emitted with end == start before it was final, or named in
    a revision's `removed` after.
    """

    type: ClassVar[str] = "turn"
    id: str
    speaker: str
    start: float
    end: float
    state: TurnState
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RevisedTurn:
    """One final turn as it now reads."""

    id: str
    speaker: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision(Event):
    """Final turns that are now known better: all that changed, in one event.

    turns: as they now read (ids seen before, or new where one turn became two). removed: ids that are gone.
    merged: speaker ids that went into others, old to new.
    """

    type: ClassVar[str] = "revision"
    turns: list[RevisedTurn]
    removed: list[str]
    merged: dict[str, str]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap(Event):
    """Audio that never arrived; the clock moved on through it."""

    type: ClassVar[str] = "gap"
    start: float
    end: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One recognised word on the session's clock."""

    text: str
    start: float
    end: float
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption(Event):
    """Words with a speaker, re-emitted under the same id until final."""

    type: ClassVar[str] = "caption"
    id: str
    start: float
    end: float
    speaker: str | None = None
    text: str
    words: list[Word] = field(default_factory=list)
    state: TurnState


@dataclass(frozen=True, kw_only=True, slots=True)
class Status(Event):
    """Heartbeat. lag: seconds between a sample's arrival and its events. rtf: compute per second of audio.

    hop: seconds of audio from one look at it to the next, longer than asked for where computing falls behind.
    """

    type: ClassVar[str] = "status"
    lag: float
    rtf: float
    speakers: int
    dropped: float
    hop: float = 0.0


EVENT_TYPES: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        SessionStart, SessionEnd, SpeakerNew, SpeakerUpdate, Change, Turn, Revision, Gap, Caption, Status,
    )
}  # fmt: skip

_Record = TypeVar("_Record")
_UNIONS = (types.UnionType, typing.Union)  # X | Y is the one or the other, by what X and Y are


def read_record(kind: type[_Record], data: Mapping[str, Any]) -> _Record:
    """A dataclass from JSON values, unknown keys ignored. Raises FormatError, naming the field."""
    hints = typing.get_type_hints(kind)
    values = {}
    for spec in fields(kind):  # type: ignore[arg-type]
        if spec.name in data:
            values[spec.name] = _value(hints[spec.name], data[spec.name], f"{kind.__name__}.{spec.name}")
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise FormatError(f"{kind.__name__} needs {spec.name!r}: got only {sorted(data)}")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        kinds = [kind for kind in args if kind is not types.NoneType]
        if value is None or len(kinds) == 1:
            return None if value is None else _value(kinds[0], value, where)
        for kind in kinds:
            with contextlib.suppress(FormatError):
                return _value(kind, value, where)
    if origin is list and isinstance(value, list):
        return [_value(args[0], item, where) for item in value]
    if origin is dict and isinstance(value, dict):
        return dict(value)
    if origin is Literal and value in args:
        return value
    if hint is float and isinstance(value, float):
        return value
    if hint is float and type(value) is int:
        with contextlib.suppress(OverflowError):
            return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    if hasattr(hint, "__dataclass_fields__") and isinstance(value, Mapping):
        return read_record(hint, value)
    expected = hint.__name__ if isinstance(hint, type) and origin is None else str(hint)
    raise FormatError(f"{where} wants {expected}, got {value!r}")


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every event, keyed by type, under `$defs`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"hocket events, version {EVENT_VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in EVENT_TYPES],
        "$defs": {name: object_schema(kind, name) for name, kind in EVENT_TYPES.items()},
    }


def object_schema(kind: type[Any], event_type: str | None = None) -> dict[str, Any]:
    """JSON Schema of a dataclass; with the `type` that its JSON form carries, if it does."""
    hints = typing.get_type_hints(kind)
    properties = {spec.name: _schema(hints[spec.name]) for spec in fields(kind)}
    required = [s.name for s in fields(kind) if s.default is MISSING and s.default_factory is MISSING]
    if event_type is not None:
        properties = {"type": {"const": event_type}} | properties
        required = ["type", *required]
    return {"type": "object", "properties": properties, "required": required}


def _schema(hint: Any) -> dict[str, Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        kinds = [_schema(kind) for kind in args if kind is not types.NoneType]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    if origin is list:
        return {"type": "array", "items": _schema(args[0])}
    if origin is dict:
        return (
            {"type": "object"}
            if args[1] is Any
            else {"type": "object", "additionalProperties": _schema(args[1])}
        )
    if origin is Literal:
        return {"enum": list(args)}
    if hint in (int, float, str, bool):
        return {"type": {int: "integer", float: "number", str: "string", bool: "boolean"}[hint]}
    return object_schema(hint)
