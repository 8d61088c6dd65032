"""A producer's socket: frames in, messages out, and events too where it reads them."""

import asyncio

from websockets.asyncio.server import ServerConnection

from .addresses import Route
from .conversing import Allowance, Replies, all_of
from .feeding import feed
from .hub import Hub
from .inputs import Ending
from .live import Connection, LiveSession
from .messages import Control, Missing, Refusal, Start, Stop
from .protocol import Audio, Close, Order, Producer, Subscription


class ProducerEnd:
    """A producer's connection, from its opening to its close."""

    def __init__(self, hub: Hub, socket: ServerConnection, route: Route) -> None:
        self._hub = hub
        self._socket = socket
        self._route = route
        self._live: LiveSession | None = None
        self._has_begun = asyncio.Event()
        self._replies = Replies(socket)
        if not route.reads_events:
            self._replies.may_end.set()
        self._connection = Connection(self._replies.tell, self._replies.tell)

    async def run(self) -> None:
        # who writes ends with the connection; who reads events, with the session
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._replies.send())]
        if self._route.reads_events:
            tasks.append(asyncio.create_task(self._feed_itself()))
        try:
            await all_of(*tasks)
        finally:
            if self._live is not None:
                self._hub.leave(self._live, self._connection)

    async def _feed_itself(self) -> None:
        await self._has_begun.wait()
        await feed(self._hub, self._socket, self._route.session, Subscription())
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
                await self._obey(order)

    async def _obey(self, order: Order) -> None:
        match order:
            case Refusal():
                self._replies.tell(order)
            case Start():
                self._live, started = await self._hub.begin(self._route.session, order, self._connection)
                self._replies.tell(started)
                self._has_begun.set()
            case Audio() | Missing():
                await self._session.hear(order, self._connection)
            case Control():
                await self._session.tell(order, self._replies.tell)
            case Stop():
                self._session.give(Ending("end"))
        self._hub.wake()

    @property
    def _session(self) -> LiveSession:
        assert self._live is not None  # the protocol gives a start first
        return self._live
