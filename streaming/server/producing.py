"""A producer's socket: frames in, messages out, and events too where it reads them."""

import asyncio

from websockets.asyncio.server import ServerConnection

from .addresses import Route
from .feeding import feed
from .hub import Hub
from .inputs import Ending
from .live import Connection, LiveSession
from .messages import Finalize, KeepAlive, Merge, Message, Missing, Name, Refusal, Start, Stop, Stopped
from .protocol import Audio, Close, Producer, Subscription
from .wire import close, refuse, send

WAITING_MESSAGES = 256
CONTROLS_PER_SECOND, MOST_CONTROLS = 20.0, 100.0


class ProducerEnd:
    """A producer's connection: frames in, messages out, and events too where it reads them."""

    def __init__(self, hub: Hub, socket: ServerConnection, route: Route) -> None:
        self._hub = hub
        self._socket = socket
        self._route = route
        self._live: LiveSession | None = None
        self._has_begun, self._is_fed = asyncio.Event(), asyncio.Event()
        if not route.reads_events:
            self._is_fed.set()
        self._messages: asyncio.Queue[Message] = asyncio.Queue(WAITING_MESSAGES)
        self._connection = Connection(self._tell, self._tell)
        self._controls_left, self._counted_at = MOST_CONTROLS, asyncio.get_running_loop().time()

    async def run(self) -> None:
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write())}
        if self._route.reads_events:
            tasks.add(asyncio.create_task(self._feed_itself()))
        try:
            # who writes ends with the connection; who reads events, with the session
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._live is not None:
                self._hub.leave(self._live, self._connection)

    async def _feed_itself(self) -> None:
        await self._has_begun.wait()
        await feed(self._hub, self._socket, self._route.session, Subscription())
        self._is_fed.set()

    async def _read(self) -> None:
        protocol = Producer(self._route.query)
        idle = self._hub.limits.idle_seconds
        while True:
            try:
                async with asyncio.timeout(idle):
                    frame = await self._socket.recv()
            except TimeoutError:
                message = f"nothing came for {idle:g} s: send keepalive where there is no audio; resume later"
                self._tell(Refusal(code="idle", message=message, fatal=True, close_code=Close.IDLE))
                return
            if isinstance(frame, str) and not self._has_allowance():
                message = f"more than {CONTROLS_PER_SECOND:g} text frames a second"
                self._tell(Refusal(code="too_many", message=message, fatal=True, close_code=Close.TOO_MANY))
                return
            for order in protocol.receive(frame):
                if isinstance(order, Refusal):
                    self._tell(order)
                elif isinstance(order, Start):
                    self._live, started = await self._hub.begin(self._route.session, order, self._connection)
                    self._tell(started)
                    self._has_begun.set()
                else:
                    await self._obey(order)

    async def _obey(self, order: Audio | Missing | Finalize | Name | Merge | KeepAlive | Stop) -> None:
        if isinstance(order, KeepAlive):
            return
        live = self._live
        assert live is not None  # the protocol gives a start first
        match order:
            case Audio() | Missing():
                await live.hear(order, self._connection)
            case Stop():
                live.give(Ending("end"))
            case _:
                live.give(order)
        self._hub.wake()

    async def _write(self) -> None:
        """Sends messages until one of them is the last, and then closes."""
        while True:
            message = await self._messages.get()
            if isinstance(message, Refusal) and message.fatal:
                await refuse(self._socket, message)
                return
            if isinstance(message, Stopped):
                await self._is_fed.wait()
            await send(self._socket, message.to_json())
            if isinstance(message, Stopped):
                await close(self._socket, Close.DONE, "done")
                return

    def _tell(self, message: Message) -> None:
        if self._messages.full():
            self._socket.transport.abort()  # it sends without ever reading
        else:
            self._messages.put_nowait(message)

    def _has_allowance(self) -> bool:
        now = asyncio.get_running_loop().time()
        earned = (now - self._counted_at) * CONTROLS_PER_SECOND
        self._controls_left = min(MOST_CONTROLS, self._controls_left + earned) - 1
        self._counted_at = now
        return self._controls_left >= 0
