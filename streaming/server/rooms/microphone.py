"""A room's microphone, which speaks no protocol: its messages become a session, and after its end the next.

They are a producer's frames but for what nobody says here: when a session begins, what it is called, and when
it is enough.
"""

import asyncio
import contextlib
import hashlib
import hmac
import re
import time
from calendar import timegm
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..protocol.encoding import DTYPES
from ..protocol.ends import FRAME_BYTES, Audio, Order, Rejected
from ..protocol.messages import Message, Missing, Refusal, Resume, Start, Started, Stopped
from ..sessions.attending import Channels, Seat, attend
from ..sessions.hub import Hub
from ..sessions.live import MAX_LAG_SECONDS
from .book import RoomBook
from .datagrams import Datagram, Datagrams

HOLD_OFF_SECONDS = 5.0  # before a room that was refused is heard again
END_SECONDS = 30.0
BEGAN = "%Y%m%d-%H%M%S"  # UTC, behind the room in a session's name
_MEANWHILE = "lost while the server was away"


class Microphone:
    """The sessions of one room.

    declared: how its audio comes. book: by which its sessions go on in another process.
    answer: is called with what is wrong with it, and with None when a session begins.
    """

    def __init__(
        self, hub: Hub, room: str, declared: Start, book: RoomBook, answer: Callable[[str | None], object]
    ) -> None:
        self._hub = hub
        self._room = room
        self._declared = declared
        self._book = book
        self._answer = answer
        self._datagrams = self._reader(declared)
        self._waiting: deque[Datagram] = deque()
        self._num_bytes = self._lost = 0
        self._changed = asyncio.Event()
        self._reason: str | None = None  # why the session is to end, or has
        self._has_ended = asyncio.Event()
        self._began = 0  # seconds since 1970, the last session

    def hear(self, datagram: Datagram) -> None:
        """Take a message in; lets go of the oldest where too much is waiting."""
        self._waiting.append(datagram)
        self._num_bytes += len(datagram.payload)
        while self._num_bytes > self._most_bytes and len(self._waiting) > 1:
            gone = self._waiting.popleft()
            self._lost += len(gone.payload) + gone.lost
            self._num_bytes -= len(gone.payload)
        self._changed.set()

    def declare(self, declared: Start) -> None:
        """What comes from now on comes so; a session that began otherwise ends."""
        if declared != self._declared:
            self._declared = declared
            self._forget()
            self._over("its format was declared anew")

    def cut(self) -> None:
        """What was said until the next message is lost."""
        self._datagrams.cut()

    async def run(self) -> None:
        """Sessions, until nothing has come for long."""
        while (datagram := await self._next()) is not None:
            self._reason = None
            orders = self._reader(self._declared).orders(datagram) if datagram.payload else []
            if not any(isinstance(order, Audio) for order in orders):
                self._complain(orders)
                continue
            try:
                await self._converse(self._declared, datagram)
            except Rejected as rejected:
                self._hub.figures.refused(rejected.refusal.code)
                self._answer(str(rejected))
                await asyncio.sleep(HOLD_OFF_SECONDS)
                self._forget()
            self._reason = None

    def _reader(self, declared: Start, expected: int | None = None) -> Datagrams:
        return Datagrams(declared, self._hub.limits.idle_seconds, expected)

    @property
    def _most_bytes(self) -> int:
        a_sample = DTYPES[self._declared.encoding].itemsize * self._declared.channels
        return max(FRAME_BYTES, round(MAX_LAG_SECONDS * self._declared.sample_rate) * a_sample)

    async def _converse(self, start: Start, first: Datagram) -> None:
        """One session, from the first message to its end. Raises Rejected where there is none to be had."""
        self._has_ended.clear()
        seat, gap = await self._attend(start, first.sample)
        self._answer(None)
        try:
            await self._obey(seat, [*gap, *self._datagrams.orders(first)])
            while self._reason is None:
                datagram = await self._next()
                if datagram is None:
                    self._reason = self._reason or f"nothing came for {self._hub.limits.idle_seconds:g} s"
                elif not datagram.payload:
                    self._reason = "end"
                else:
                    await self._obey(seat, self._datagrams.orders(datagram))
            if not self._has_ended.is_set():
                seat.stop(self._reason)
                self._hub.wake()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(END_SECONDS):
                        await self._has_ended.wait()
        finally:
            seat.leave()

    async def _obey(self, seat: Seat | Channels, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Audio | Missing):
                await seat.hear(order)
        self._complain(orders)
        self._hub.wake()

    def _complain(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Refusal):
                self._answer(order.message)
                if order.fatal:
                    self._over("what came is no audio")

    async def _next(self) -> Datagram | None:
        """The next message; None where nothing comes for long, and where the session is to end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._hub.limits.idle_seconds):
                while not self._waiting and self._reason is None:
                    self._changed.clear()
                    await self._changed.wait()
        if not self._waiting or self._reason is not None:
            return None
        datagram = self._waiting.popleft()
        self._num_bytes -= len(datagram.payload)
        lost, self._lost = self._lost + datagram.lost, 0
        return replace(datagram, lost=lost)

    def _forget(self) -> None:
        self._waiting.clear()
        self._num_bytes = self._lost = 0

    def _over(self, reason: str) -> None:
        self._reason = reason
        self._changed.set()

    def _told(self, message: Message) -> None:
        """What the session says to its producer."""
        if isinstance(message, Stopped) or (isinstance(message, Refusal) and message.fatal):
            self._has_ended.set()
            self._over("it has ended")

    # Sessions and their names

    async def _attend(self, start: Start, sample: int | None) -> tuple[Seat | Channels, list[Missing]]:
        """A place at the room's session that goes on, or at a new one, which begins with the sample of that
        number; what was lost of the former, by the clock."""
        for name in self._under_way():
            resuming = replace(start, resume=Resume(token=self._token(name)))
            try:
                seat, started = await attend(self._hub, name, resuming, self._told)
            except Rejected as rejected:
                if rejected.refusal.code == "full":
                    raise
            else:
                number = self._book.first(name)
                if number is not None and sample is not None:
                    self._datagrams = self._reader(start, number + started.sample)
                    return seat, []
                self._datagrams = self._reader(start)
                return seat, self._meanwhile(name, start, started)
        self._began = max(round(time.time()), self._began + 1)  # no two sessions have the same name
        name = f"{self._room}.{time.strftime(BEGAN, time.gmtime(self._began))}"
        seat, _ = await attend(self._hub, name, start, self._told, token=self._token(name))
        self._book.begin(name, sample, self._hub.sessions)
        self._datagrams = self._reader(start)
        return seat, []

    def _under_way(self) -> list[str]:
        """The room's sessions that go on without anybody, the newest first: of a process before this one."""
        named = re.compile(rf"({re.escape(self._room)}\.\d{{8}}-\d{{6}})(\.\d+)?")
        found = (named.fullmatch(name) for name in self._hub.sessions)
        return sorted({match[1] for match in found if match}, reverse=True)

    def _meanwhile(self, name: str, start: Start, started: Started) -> list[Missing]:
        """What was said while the server was away, by the clock; nothing where it was away for too long."""
        began = timegm(time.strptime(name.rpartition(".")[2], BEGAN))
        missing = round((time.time() - began) * start.sample_rate) - started.sample
        if not 0 < missing <= self._hub.limits.idle_seconds * start.sample_rate:
            return []
        return [Missing(samples=missing, reason=_MEANWHILE)]

    def _token(self, name: str) -> str:
        return hmac.new(self._book.key, name.encode(), hashlib.sha256).hexdigest()
