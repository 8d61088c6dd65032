"""The ends of the protocol as state machines: text or bytes in, orders out. No socket, no clock.

A producer says `start` (or what a start holds, in the query of the address), then sends binary frames and, at
any time, controls; `stop` ends it. An admin sends controls alone. What they get wrong becomes a `Refusal` to
be sent, and where that is fatal nothing more is taken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.errors import ConfigError, FormatError, HocketError
from hocket.streaming.events import (
    Caption,
    Event,
    Gap,
    Revision,
    SessionEnd,
    SessionStart,
    SpeakerNew,
    SpeakerUpdate,
    Turn,
)

from .controls import LONGEST_TEXT, check_control, id_asked, minor
from .encoding import HEAD, LONGEST_MAGIC, OPUS, OPUS_RATE, Decoder, container_of, encoding_named
from .messages import (
    FROM_ADMIN,
    FROM_PRODUCER,
    Control,
    KeepAlive,
    Message,
    Missing,
    Refusal,
    Start,
    Stop,
    read_message,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # of a session
FRAME_BYTES = 1 << 20
LOWEST_RATE, HIGHEST_RATE = 8_000, 96_000
MOST_CHANNELS = 8
CHANNELS = ("mix", "separate")  # instead of a number
LONGEST_GAP_SECONDS = 24 * 3600
LONGEST_REPLY = 500
LONGEST_LIST = 100_000  # characters
OPTIONS = ("hop", "latency", "num_speakers", "min_speakers", "max_speakers")
FINALS = (SessionStart, SessionEnd, SpeakerNew, SpeakerUpdate, Revision, Gap)


class Close:
    """Close codes: 44xx means not again like this, 45xx reconnect and resume."""

    DONE, GOING_AWAY, INTERNAL, RESTARTING, FULL = 1000, 1001, 1011, 1012, 1013
    BAD_MESSAGE, UNAUTHORIZED, FORBIDDEN, NO_SESSION = 4400, 4401, 4403, 4404
    IDLE, TAKEN, EXPIRED, TOO_MANY, SLOW = 4408, 4409, 4410, 4429, 4508


class Rejected(HocketError):
    """A producer, subscriber or admin cannot have what it asked for."""

    def __init__(self, code: str, close_code: int, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code=code, message=message, fatal=True, close_code=close_code)


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples (n, channels) float32, full scale ±1, at the rate that `start` declared."""

    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes of a container with Opus in it, cut anywhere."""

    data: bytes


Order = Start | Audio | Packed | Missing | Control | KeepAlive | Stop | Refusal


class State(Enum):
    """Where a producer stands."""

    EXPECTING_START = auto()
    STREAMING = auto()
    OVER = auto()


class Producer:
    """What a producer's frames mean, in order. Takes anything, raises nothing.

    query: of the address; its keys are those of `start`, whose own win.
    """

    def __init__(self, query: Mapping[str, str] | None = None) -> None:
        self.state = State.EXPECTING_START
        self._query = dict(query or {})
        self._decoder: Decoder | None = None
        self._start: Start | None = None
        self._head: bytes | None = b""  # of the stream, until enough of it is known

    def receive(self, data: str | bytes) -> list[Order]:
        """What to do about a frame: orders to carry out, refusals to send, in this order."""
        if self.state is State.OVER:
            return []
        try:
            return self._text(data) if isinstance(data, str) else self._binary(data)
        except (ConfigError, FormatError) as error:
            text = str(error)[:LONGEST_REPLY]
            if self.state is State.EXPECTING_START:
                return [self._fatal("bad_config", text)]
            return [minor("bad_message", text, id_asked(data) if isinstance(data, str) else None)]

    def _text(self, text: str) -> list[Order]:
        message = read_message(text, FROM_PRODUCER)
        if isinstance(message, Start):
            if self.state is State.STREAMING:
                return [
                    minor("bad_message", "a second start: what was declared holds until the connection ends")
                ]
            return [self._begin(message)]
        if isinstance(message, KeepAlive):
            return [message]
        if self.state is State.EXPECTING_START:
            return [self._declared(), *self.receive(text)]
        return [self._told(message)]

    def _told(self, message: Message) -> Order:
        match message:
            case Stop():
                self.state = State.OVER
                return message
            case Missing(samples=count, reason=reason):
                assert self._start is not None  # nothing else leads here
                most = LONGEST_GAP_SECONDS * self._start.sample_rate
                if not 0 < count <= most:
                    raise FormatError(f"gap of {count} samples: expected 1 to {most}")
                return replace(message, reason=reason[:LONGEST_TEXT])
            case Control():
                check_control(message)
                return message
        raise AssertionError(f"nobody reads {message.type}")

    def _binary(self, data: bytes) -> list[Order]:
        orders: list[Order] = []
        if self.state is State.EXPECTING_START:
            if not data:
                return []
            orders.append(self._declared())
        assert self._start is not None  # by now
        if self._start.encoding in OPUS:
            return [*orders, Packed(data)]
        if self._head is not None:
            self._head += data[:HEAD]
            if kind := container_of(self._head):
                return [self._fatal("bad_message", f"this looks like {kind}")]
            self._head = None if len(self._head) >= LONGEST_MAGIC else self._head
        assert self._decoder is not None  # made with the start
        samples = self._decoder.decode(data)
        return [*orders, Audio(samples)] if len(samples) else orders

    def _declared(self) -> Start:
        """The start that the query stands for, where none was sent."""
        if "sample_rate" not in self._query:
            raise ConfigError(
                'no sample rate declared: send {"type": "start", "sample_rate": 16000} first, with the rate '
                "that the audio has, or ?sample_rate=16000 in the address"
            )
        return self._begin(None)

    def _begin(self, sent: Start | None) -> Start:
        start = sent if sent is not None else _start_of(self._query)
        channel = None if start.channel == "mix" else start.channel
        start = replace(start, encoding=encoding_named(start.encoding), channel=channel)
        _check(start)
        self._decoder = None if start.encoding in OPUS else Decoder(start.encoding, start.channels)
        self._start = start
        self.state = State.STREAMING
        return start

    def _fatal(self, code: str, message: str) -> Refusal:
        self.state = State.OVER
        return Refusal(code=code, message=message, fatal=True, close_code=Close.BAD_MESSAGE)


def told_by_admin(frame: str | bytes) -> Control | KeepAlive | Refusal:
    """What to do about a frame of an admin, which stands for itself. Takes anything, raises nothing."""
    try:
        if isinstance(frame, bytes):
            raise FormatError(f"{len(frame)} bytes: an admin sends text, audio comes from producers")
        message = read_message(frame, FROM_ADMIN)
        if isinstance(message, Control):
            check_control(message)
            return message
        return KeepAlive()
    except FormatError as error:
        asked = id_asked(frame) if isinstance(frame, str) else None
        return minor("bad_message", str(error)[:LONGEST_REPLY], asked)


def _start_of(query: Mapping[str, str]) -> Start:
    given: dict[str, Any] = {key: query[key] for key in ("encoding",) if key in query}
    given |= {key: _number(query, key) for key in ("sample_rate", "channels") if key in query}
    if "channel" in query:
        given["channel"] = query["channel"] if query["channel"] in CHANNELS else _number(query, "channel")
    if "realtime" in query:
        given["realtime"] = query["realtime"].lower() in ("", "1", "true", "yes")
    return Start(**given)


def _number(query: Mapping[str, str], key: str) -> int:
    text = query[key]
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ConfigError(f"{key} {text[:40]!r}: expected a whole number")
    return int(text)


def _check(start: Start) -> None:
    if not LOWEST_RATE <= start.sample_rate <= HIGHEST_RATE:
        raise ConfigError(f"sample_rate {start.sample_rate}: expected {LOWEST_RATE} to {HIGHEST_RATE}")
    if start.encoding in OPUS and start.sample_rate != OPUS_RATE:
        raise ConfigError(f"sample_rate {start.sample_rate}: Opus comes out at {OPUS_RATE}, send that")
    if not 1 <= start.channels <= MOST_CHANNELS:
        raise ConfigError(f"channels {start.channels}: expected 1 to {MOST_CHANNELS}")
    if isinstance(start.channel, int) and not 0 <= start.channel < start.channels:
        raise ConfigError(f"channel {start.channel}: expected 0 to {start.channels - 1}, mix or separate")
    if start.resume is not None and not 0 <= start.resume.sample < 2**53:
        raise ConfigError(f"resume at sample {start.resume.sample}: expected 0 or more")
    if start.people is not None and sum(map(len, start.people)) + len(start.people) > LONGEST_LIST:
        raise ConfigError(
            f"{len(start.people)} people: expected {LONGEST_LIST} characters of profiles at most"
        )
    settings_of(start.options)


def settings_of(options: Mapping[str, Any]) -> DiarizerConfig:
    """The settings that a start's options stand for. Raises ConfigError for others, and out of range."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise ConfigError(f"option {name[:40]!r}: expected one of {', '.join(OPTIONS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6:
            raise ConfigError(f"option {name}: expected a number, got {str(value)[:40]!r}")
    return DiarizerConfig.from_dict(dict(options))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscriber asked for: events from this number on, all or those that stay."""

    from_seq: int = 1
    finals: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Subscription":
        """As the query of the address says: from, finals. Raises ConfigError."""
        first = _number(query, "from") if "from" in query else 1
        if first < 1:
            raise ConfigError(f"from={first}: the first event has number 1")
        return cls(first, query.get("finals", "0").lower() in ("", "1", "true", "yes"))

    def wants(self, event: Event) -> bool:
        """Whether the subscriber is to see this event."""
        if not self.finals or isinstance(event, FINALS):
            return True
        return isinstance(event, Turn | Caption) and event.state == "final"
