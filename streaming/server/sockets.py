"""The websocket side: addresses, who may come in, reading producers, feeding subscribers."""

import asyncio
import contextlib
import http
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Event

from .access import Tokens, bearer, check_bind, origin_allowed
from .hub import FRAME_BYTES, NAME, Hub, Rejected
from .inputs import Ending
from .live import Connection, LiveSession
from .messages import (
    VERSION,
    Finalize,
    Heartbeat,
    KeepAlive,
    Merge,
    Message,
    Missing,
    Name,
    Refusal,
    Start,
    Stop,
    Stopped,
)
from .protocol import Audio, Close, Producer, Subscription

logger = logging.getLogger(__name__)

SOCKETS = re.compile(r"/v1/(?:live|sessions/(?P<session>[^/]*)/(?P<end>audio|events))")
SEND_SECONDS = 10.0  # that a message may take to leave before its reader counts as gone
CLOSE_SECONDS = 2.0
HEARTBEAT_SECONDS = 5.0
WAITING_MESSAGES = 256
CONTROLS_PER_SECOND, MOST_CONTROLS = 20.0, 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where a server listens and whom it lets in. origins: of pages from elsewhere."""

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Tokens = field(default_factory=Tokens)
    origins: tuple[str, ...] = ()
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """What an address asks for: role produce or subscribe, and events too where a producer reads them."""

    role: str
    session: str
    query: dict[str, str]
    reads_events: bool


@contextlib.asynccontextmanager
async def serving(hub: Hub, door: Door) -> AsyncIterator[int]:
    """A server that accepts connections, as long as the context lasts; gives the port it listens on.

    On leaving, sessions under way are finished, what they last said goes out, and connections are closed.
    Raises ConfigError for a public address without tokens, OSError for one that cannot be had.
    """
    check_bind(door.host, door.tokens, insecure=door.insecure)
    service = _Service(hub, door)
    owner, running = asyncio.current_task(), asyncio.create_task(hub.run())
    assert owner is not None
    running.add_done_callback(lambda _: running.cancelled() or owner.cancel())
    try:
        async with serve(
            service.handle,
            door.host,
            door.port,
            process_request=service.answer,
            select_subprotocol=_chosen,
            compression=None,
            max_size=FRAME_BYTES,
            close_timeout=CLOSE_SECONDS,
            server_header=None,
        ) as server:
            yield next(iter(server.sockets)).getsockname()[1]
            service.is_closing = True
            server.close(close_connections=False)
            await hub.finish("server stopped")
            await service.say_goodbye()
    except asyncio.CancelledError:
        if running.done():
            running.result()  # what broke it is what is to be said
        raise
    finally:
        running.cancel()
        await asyncio.wait({running})
        hub.close()


class _Service:
    def __init__(self, hub: Hub, door: Door) -> None:
        self.is_closing = False
        self._hub = hub
        self._door = door
        self._handlers: dict[asyncio.Task[Any], ServerConnection] = {}

    async def say_goodbye(self) -> None:
        """Give connections a moment to take what is left, then close those that remain."""
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=CLOSE_SECONDS)
        for connection in list(self._handlers.values()):
            await _close(connection, Close.GOING_AWAY, "server stopped")

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Plain requests, and sockets that are refused before they open; None lets a socket open."""
        path = urlsplit(request.path).path
        if path == "/healthz":
            return connection.respond(http.HTTPStatus.OK, f"ok, {self._hub.num_sessions} sessions\n")
        try:
            route = self._route(request)
        except Rejected as rejected:
            # a page sees any refusal of the handshake as 1006, without a word: it is told after opening
            if "Origin" in request.headers and rejected.refusal.close_code != Close.FORBIDDEN:
                return None
            status = _STATUS.get(rejected.refusal.close_code or 0, http.HTTPStatus.BAD_REQUEST)
            return connection.respond(status, f"{rejected}\n")
        if route.role == "produce":
            # behind seconds of audio, a pong comes late: the idle limit tells whether a producer is there
            connection.ping_timeout = None
        return None

    def _route(self, request: Request) -> Route:
        """What a request asks for. Raises Rejected."""
        address = urlsplit(request.path)
        match = SOCKETS.fullmatch(address.path)
        if match is None:
            raise Rejected(
                "no_session", Close.NO_SESSION,
                f"nothing at {address.path[:80]!r}: expected /v1/live, /v1/sessions/NAME/audio or "
                "/v1/sessions/NAME/events",
            )  # fmt: skip
        if not origin_allowed(request.headers, self._door.origins):
            raise Rejected("forbidden", Close.FORBIDDEN, "pages from elsewhere are not let in: see --origin")
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        role = "subscribe" if match["end"] == "events" else "produce"
        if not self._door.tokens.allow(role, bearer(request.headers)):
            raise Rejected("unauthorized", Close.UNAUTHORIZED, f"a token that may {role} is needed")
        session = match["session"] or query.get("session") or secrets.token_hex(4)
        if not NAME.fullmatch(session):
            raise Rejected(
                "bad_config", Close.BAD_MESSAGE,
                f"session {session[:80]!r}: expected up to 64 letters, digits, '_', '.' and '-'",
            )  # fmt: skip
        return Route(role, session, query, match["end"] is None)

    async def handle(self, connection: ServerConnection) -> None:
        """One connection, from its opening to its close."""
        task = asyncio.current_task()
        assert task is not None
        self._handlers[task] = connection
        try:
            assert connection.request is not None
            if self.is_closing:
                await _close(connection, Close.RESTARTING, "server stopped")
                return
            route = self._route(connection.request)
            if route.role == "produce":
                await _ProducerEnd(self._hub, connection, route).run()
            else:
                await _feed(self._hub, connection, route.session, Subscription.of(route.query))
                await _close(connection, Close.DONE, "done")
        except Rejected as rejected:
            await _refuse(connection, rejected.refusal)
        except ConfigError as error:
            await _refuse(connection, _bad_request(str(error)))
        except TimeoutError:
            logger.info("%s does not read", connection.remote_address)
            connection.transport.abort()
        except ConnectionClosed:
            logger.info("%s went away", connection.remote_address)
        finally:
            del self._handlers[task]


class _ProducerEnd:
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
        await _feed(self._hub, self._socket, self._route.session, Subscription())
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
                await _refuse(self._socket, message)
                return
            if isinstance(message, Stopped):
                await self._is_fed.wait()
            await _send(self._socket, message.to_json())
            if isinstance(message, Stopped):
                await _close(self._socket, Close.DONE, "done")
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


async def _feed(hub: Hub, socket: ServerConnection, session: str, asked: Subscription) -> None:
    """Events from the one asked for to the session's last; sends away whom it cannot serve."""
    seq = asked.from_seq - 1
    with hub.follow(session) as log:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    rows = await log.after(seq)
            except TimeoutError:
                beat = Heartbeat(seq=log.seq, lag=round(log.lag, 3), rtf=round(log.rtf, 3))
                await _send(socket, beat.to_json())
                continue
            if not rows:
                return
            if rows[0][0] != seq + 1:
                gone = f"events before {rows[0][0]} are no longer kept"
                await _refuse(
                    socket, Refusal(code="expired", message=gone, fatal=True, close_code=Close.EXPIRED)
                )
                return
            for number, text in rows:
                if not asked.finals or asked.wants(Event.from_dict(json.loads(text))):
                    try:
                        await _send(socket, text)
                    except TimeoutError:
                        await _close(socket, Close.SLOW, f"slow_consumer: resume from={number}")
                        return
                seq = number


async def _send(socket: ServerConnection, text: str) -> None:
    """Raises TimeoutError where the peer does not take it."""
    async with asyncio.timeout(SEND_SECONDS):
        await socket.send(text)


async def _refuse(socket: ServerConnection, refusal: Refusal) -> None:
    """Says why, then closes."""
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        await _send(socket, refusal.to_json())
    await _close(socket, refusal.close_code or Close.INTERNAL, refusal.code)


async def _close(socket: ServerConnection, code: int, reason: str) -> None:
    """Closes, politely for a while: a peer that does not read would hold up a polite close for ever."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code, reason)
    except TimeoutError:
        socket.transport.abort()


def _chosen(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Our own, where it is offered; who offers none is spoken to all the same."""
    return next((each for each in offered if each == VERSION), None)


def _bad_request(message: str) -> Refusal:
    return Refusal(code="bad_config", message=message, fatal=True, close_code=Close.BAD_MESSAGE)


_STATUS = {
    Close.UNAUTHORIZED: http.HTTPStatus.UNAUTHORIZED,
    Close.FORBIDDEN: http.HTTPStatus.FORBIDDEN,
    Close.NO_SESSION: http.HTTPStatus.NOT_FOUND,
}
