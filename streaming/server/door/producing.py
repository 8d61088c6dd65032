"""A producer's socket: frames in, messages out, and events too where it reads them."""

import asyncio

from websockets.asyncio.server import ServerConnection

from hocket.streaming.errors import FormatError, MissingDependency

from ..protocol.encoding import OPUS
from ..protocol.ends import LONGEST_REPLY, Audio, Close, Order, Packed, Producer, Subscription
from ..protocol.messages import Control, Missing, Refusal, Start, Stop
from ..protocol.metering import Meter
from ..protocol.opus import OpusStream
from ..sessions.attending import Channels, Seat, attend
from ..sessions.hub import Hub
from .addresses import Route
from .conversing import Allowance, Replies, all_of
from .feeding import feed


class ProducerEnd:
    """A producer's connection, from its opening to its close."""

    def __init__(self, hub: Hub, socket: ServerConnection, route: Route) -> None:
        self._hub = hub
        self._socket = socket
        self._route = route
        self._opus: OpusStream | None = None
        self._place: Seat | Channels | None = None
        self._has_begun = asyncio.Event()
        self._rate = 0  # Hz
        self._meter = Meter(hub.limits.most_speed)
        self._replies = Replies(socket, hub.figures)
        if not route.reads_events:
            self._replies.may_end.set()

    async def run(self) -> None:
        # who writes ends with the connection; who reads events, with the session
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._replies.send())]
        if self._route.reads_events:
            tasks.append(asyncio.create_task(self._feed_itself()))
        try:
            await all_of(*tasks)
        finally:
            if self._place is not None:
                self._place.leave()
            if self._opus is not None:
                self._opus.close()

    async def _feed_itself(self) -> None:
        await self._has_begun.wait()
        feeds = [
            asyncio.create_task(feed(self._hub, self._socket, session, Subscription()))
            for session in self._taken_place.sessions
        ]
        await all_of(*feeds)
        self._replies.may_end.set()

    async def _read(self) -> None:
        protocol, allowance = Producer(self._route.query), Allowance()
        idle = self._hub.limits.idle_seconds
        while True:
            try:
                async with asyncio.timeout(idle):
                    frame = await self._socket.recv()
            except TimeoutError:
                message = f"nothing came for {idle:g} s: send keepalive where there is no audio; resume later"
                self._replies.tell(Refusal(code="idle", message=message, fatal=True, close_code=Close.IDLE))
                return
            if refusal := allowance.refusal(frame):
                self._replies.tell(refusal)
                return
            for order in protocol.receive(frame):
                try:
                    await self._obey(order)
                except (FormatError, MissingDependency) as error:
                    message, code = str(error)[:LONGEST_REPLY], Close.BAD_MESSAGE
                    self._replies.tell(
                        Refusal(code="bad_message", message=message, fatal=True, close_code=code)
                    )
                    return
            self._meter.frame()
            await asyncio.sleep(self._meter.wait())

    async def _obey(self, order: Order) -> None:
        match order:
            case Refusal():
                self._replies.tell(order)
            case Start():
                if order.encoding in OPUS:
                    self._opus = OpusStream(order.encoding, order.channels)
                self._rate = order.sample_rate
                session, holder, tell = self._route.session, self._route.holder, self._replies.tell
                self._place, started = await attend(self._hub, session, order, tell, holder)
                self._replies.tell(started)
                self._has_begun.set()
            case Audio() | Missing():
                await self._hear(order)
            case Packed(data):
                assert self._opus is not None  # as declared
                async for piece in self._opus.decode(data):
                    await self._hear(piece)
            case Control():
                await self._taken_place.tell(order, self._replies.tell)
            case Stop():
                if self._opus is not None:
                    async for piece in self._opus.finish():
                        await self._hear(piece)
                self._taken_place.stop()
        self._hub.wake()

    async def _hear(self, piece: Audio | Missing) -> None:
        if isinstance(piece, Audio):
            self._meter.audio(len(piece.samples) / self._rate)
        await self._taken_place.hear(piece)
        self._hub.wake()

    @property
    def _taken_place(self) -> Seat | Channels:
        assert self._place is not None  # the protocol gives a start first
        return self._place
