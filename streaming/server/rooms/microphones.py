"""Microphones that publish: what arrives in the network's thread, passed on to a session of each room."""

import asyncio
import contextlib
import json
import logging
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from hocket.streaming.errors import ConfigError, FormatError

from ..protocol.encoding import OPUS
from ..protocol.ends import Producer
from ..protocol.messages import Refusal, Start
from ..sessions.hub import Hub
from .book import RoomBook
from .datagrams import Datagram
from .microphone import Microphone

logger = logging.getLogger(__name__)

ROOM = re.compile(r"[a-z0-9]([a-z0-9_-]{0,44}[a-z0-9_])?")  # with the time behind it, the name of a session
MOST_ROOMS = 256  # that are heard, or have said how they will be
WAITING_BYTES = 16 << 20  # of all rooms, until the event loop has time for them
LONGEST_FORMAT = 16 << 10  # bytes
OVERHEAD_BYTES = 200  # of a message that waits
_NUMBER = re.compile(r"[0-9]{1,18}")
_ROOM_WORDS = "up to 46 lower case letters, digits, - and _ in its topic"
DEFAULT = Start(sample_rate=16_000, realtime=True)

Answer = Callable[[str, str | None], object]


@dataclass(frozen=True, slots=True)
class _Declared:
    """A room says how its audio comes, as JSON."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class _Misnumbered:
    """Audio came with something that is no number."""

    sample: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """Nothing that was said until now will still come."""


_Piece = Datagram | _Declared | _Misnumbered | _Cut


class Microphones:
    """All rooms. `hear`, `declare` and `cut` may be called from another thread, and never wait.

    answer: is called with a room and what is wrong with its audio, or None where all is well.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._came: deque[tuple[str, _Piece]] = deque()
        self._num_came = self._num_taken = 0  # bytes; each is one thread's
        self._lost: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._some_came = asyncio.Event()
        self._formats: dict[str, Start | None] = {}  # None: what was declared makes no sense
        self._rooms: dict[str, tuple[Microphone, asyncio.Task[None]]] = {}
        self._strange: set[str] = set()  # names that no room can have, and were told so
        self._is_crowded = False

    # From any thread

    def hear(self, room: str, payload: bytes, sample: str | None) -> None:
        """Audio of a room; an empty payload ends its session. sample: the number of its first sample."""
        lost = self._lost.pop(room, 0)
        if self._num_waiting > WAITING_BYTES:
            if len(self._lost) < MOST_ROOMS:
                self._lost[room] = lost + len(payload)
            return
        number = int(sample) if sample is not None and _NUMBER.fullmatch(sample) else None
        if sample is not None and number is None:
            self._put(room, _Misnumbered(sample[:40]))
        self._put(room, Datagram(payload, number, time.monotonic(), lost))

    def declare(self, room: str, payload: bytes) -> None:
        """How a room's audio comes from now on, as JSON with keys of `start`; as ever where that is empty."""
        self._put(room, _Declared(payload[: LONGEST_FORMAT + 1]))

    def cut(self) -> None:
        """The way to the microphones is broken: what they say until it is there again is lost."""
        self._put("", _Cut())

    @property
    def _num_waiting(self) -> int:
        """Bytes, for the event loop."""
        return self._num_came - self._num_taken

    def _put(self, room: str, piece: _Piece) -> None:
        if self._num_waiting > 2 * WAITING_BYTES:
            return  # nobody declares formats as fast as this
        self._num_came += _size(piece)
        self._came.append((room, piece))
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended a moment ago
                self._loop.call_soon_threadsafe(self._some_came.set)

    # In the event loop

    async def run(self, hub: Hub, book: RoomBook) -> None:
        """Makes sessions of what comes, until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._some_came.set()
        try:
            while True:
                await self._some_came.wait()
                self._some_came.clear()
                while self._came:
                    self._take(hub, book, *self._came.popleft())
        finally:
            self._loop = None
            tasks = [task for _, task in self._rooms.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, hub: Hub, book: RoomBook, room: str, piece: _Piece) -> None:
        self._num_taken += _size(piece)
        match piece:
            case _Cut():
                for microphone, _ in self._rooms.values():
                    microphone.cut()
            case _ if not self._is_welcome(room):
                pass
            case _Declared(payload):
                self._declare(room, payload)
            case _Misnumbered(sample):
                self._answer(room, f"sample {sample!r}: expected the number of the message's first sample")
            case Datagram(payload):
                declared = self._formats.get(room, DEFAULT)
                if declared is not None and (payload or room in self._rooms):
                    self._microphone(hub, book, room, declared).hear(piece)

    def _is_welcome(self, room: str) -> bool:
        """Whether a room is heard: by its name, and as one of so many."""
        if room in self._rooms or room in self._formats:
            return True
        if not ROOM.fullmatch(room):
            if room not in self._strange and len(self._strange) < MOST_ROOMS:
                self._strange.add(room)
                self._answer(room, f"a room called {room[:64]!r}: expected {_ROOM_WORDS}")
            return False
        if len(self._rooms.keys() | self._formats.keys()) < MOST_ROOMS:
            return True
        if not self._is_crowded:
            logger.warning("%d rooms publish audio, which is all that are heard", MOST_ROOMS)
        self._is_crowded = True
        return False

    def _declare(self, room: str, payload: bytes) -> None:
        try:
            declared = format_of(payload) if payload else DEFAULT
        except (ConfigError, FormatError) as error:
            self._formats[room] = None
            self._answer(room, str(error))
            return
        if room in self._formats and self._formats[room] is None:
            self._answer(room, None)
        if payload:
            self._formats[room] = declared
        else:
            self._formats.pop(room, None)
        if room in self._rooms:
            self._rooms[room][0].declare(declared)

    def _microphone(self, hub: Hub, book: RoomBook, room: str, declared: Start) -> Microphone:
        if room not in self._rooms:
            microphone = Microphone(hub, room, declared, book, lambda error: self._answer(room, error))
            task = asyncio.create_task(microphone.run())
            task.add_done_callback(lambda task: self._forget(room, task))
            self._rooms[room] = microphone, task
        return self._rooms[room][0]

    def _forget(self, room: str, task: asyncio.Task[None]) -> None:
        del self._rooms[room]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the microphone of %s failed", room, exc_info=error)


def format_of(payload: bytes) -> Start:
    """What a room declared. Raises ConfigError and FormatError, with what was expected."""
    if len(payload) > LONGEST_FORMAT:
        raise FormatError(f"a format of more than {LONGEST_FORMAT} bytes: expected some keys of JSON")
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"a format that is no JSON: {error}"[:200]) from error
    if not isinstance(said, dict):
        raise FormatError(f"a format wants a JSON object, got {type(said).__name__}")
    said = {"sample_rate": DEFAULT.sample_rate, **said, "type": Start.type, "realtime": True}
    [order] = Producer().receive(json.dumps(said))
    if isinstance(order, Refusal):
        raise FormatError(order.message)
    assert isinstance(order, Start)  # nothing else comes of a start
    if order.encoding in OPUS:
        raise ConfigError(f"encoding {order.encoding!r} bears no lost message: expected raw samples")
    return replace(order, resume=None)


def _size(piece: _Piece) -> int:
    return OVERHEAD_BYTES + (len(piece.payload) if isinstance(piece, Datagram | _Declared) else 0)
