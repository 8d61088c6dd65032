"""The server's sockets: opened, handed to whoever serves them, closed when it stops."""

import asyncio
import contextlib
import http
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hocket.streaming.errors import ConfigError

from ..protocol.ends import FRAME_BYTES, Close, Rejected, Subscription
from ..protocol.messages import VERSION, Refusal
from ..sessions.hub import Hub
from .access import Door, bearer, check_bind
from .addresses import Route, joined, route_of
from .administering import AdminEnd
from .crowd import Crowd, counted_in, place_of
from .feeding import feed
from .pages import page
from .producing import ProducerEnd
from .tickets import ADDRESS as TICKETS
from .tickets import Tickets, answer_for_ticket
from .wire import CLOSE_SECONDS, close, log_refusal, peer_of, refuse

logger = logging.getLogger(__name__)
# the library logs a traceback for whatever somebody takes for a handshake
_library = logging.getLogger(f"{__name__}.library")
_library.setLevel(logging.CRITICAL)


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
            ssl=door.tls,
            server_header=None,
            logger=_library,
            create_connection=counted_in(service.crowd),
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
        self.crowd = Crowd(door)
        self._hub = hub
        self._door = door
        self._tickets = Tickets()
        self._routes: WeakKeyDictionary[ServerConnection, Route | Rejected] = WeakKeyDictionary()
        self._handlers: dict[asyncio.Task[Any], ServerConnection] = {}

    async def say_goodbye(self) -> None:
        """Give connections a moment to take what is left, then close those that remain."""
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=CLOSE_SECONDS)
        for connection in list(self._handlers.values()):
            await close(connection, Close.GOING_AWAY, "server stopped")

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Plain requests, and sockets that are refused before they open; None lets a socket open."""
        request.headers = joined(request.headers)
        try:
            path = urlsplit(request.path).path
        except ValueError:
            return connection.respond(http.HTTPStatus.BAD_REQUEST, "this is no address\n")
        if (request.method, path) == ("POST", TICKETS):
            return answer_for_ticket(request, self._door, self._tickets, self._hub.figures)
        if request.method not in ("GET", "HEAD"):
            allowed = "POST" if path == TICKETS else "GET"
            return connection.respond(http.HTTPStatus.METHOD_NOT_ALLOWED, f"expected {allowed}\n")
        told = self._told(path, request)
        if (found := page(request) if told is None else connection.respond(*told)) is not None:
            found.body = b"" if request.method == "HEAD" else found.body
            return found
        try:
            self.crowd.check(place_of(connection))
            route = self._routes[connection] = route_of(request, self._door, self._tickets)
        except Rejected as rejected:
            # a page sees any refusal of the handshake as 1006, without a word: it is told after opening
            if "Origin" in request.headers and rejected.refusal.close_code != Close.FORBIDDEN:
                self._routes[connection] = rejected
                return None
            self._hub.figures.refused(rejected.refusal.code)
            log_refusal(connection, rejected.refusal.code)
            status = _STATUS.get(rejected.refusal.close_code or 0, http.HTTPStatus.BAD_REQUEST)
            return connection.respond(status, f"{rejected}\n")
        if route.role == "produce":
            # behind seconds of audio, a pong comes late: the idle limit tells whether a producer is there
            connection.ping_timeout = None
        return None

    def _told(self, path: str, request: Request) -> tuple[http.HTTPStatus, str] | None:
        """What those who watch over the service ask for, and None for other addresses."""
        match path:
            case "/healthz":
                return http.HTTPStatus.OK, f"ok, {self._hub.num_sessions} sessions\n"
            case "/readyz" if self.is_closing or not self._hub.is_ready:
                why = "stopping" if self.is_closing else "nothing to compute on yet"
                return http.HTTPStatus.SERVICE_UNAVAILABLE, f"{why}\n"
            case "/readyz":
                return http.HTTPStatus.OK, "ready\n"
            case "/metrics" if not self._door.tokens.allow("metrics", bearer(request.headers)):
                return http.HTTPStatus.UNAUTHORIZED, "a token that may metrics or admin is needed\n"
            case "/metrics":
                return http.HTTPStatus.OK, self._hub.figures.text()
            case _:
                return None

    async def handle(self, connection: ServerConnection) -> None:
        """One connection, from its opening to its close."""
        task = asyncio.current_task()
        assert task is not None
        self._handlers[task] = connection
        try:
            if self.is_closing:
                await close(connection, Close.RESTARTING, "server stopped")
                return
            route = self._routes[connection]
            if isinstance(route, Rejected):
                raise route
            if route.role == "produce":
                await ProducerEnd(self._hub, connection, route).run()
            elif route.role == "admin":
                await AdminEnd(self._hub, connection, route).run()
            else:
                await feed(self._hub, connection, route.session, Subscription.of(route.query))
                await close(connection, Close.DONE, "done")
        except Rejected as rejected:
            await refuse(connection, rejected.refusal, self._hub.figures)
        except ConfigError as error:
            await refuse(connection, _bad_request(str(error)), self._hub.figures)
        except TimeoutError:
            peer = peer_of(connection)
            logger.info("%s does not read", peer, extra={"event": "cut_off", "peer": peer})
            connection.transport.abort()
        except ConnectionClosed:
            peer = peer_of(connection)
            logger.info("%s went away", peer, extra={"event": "left", "peer": peer})
        except Exception:
            logger.exception("a connection failed")
            await close(connection, Close.INTERNAL, "internal")
        finally:
            del self._handlers[task]


def _chosen(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Our own, where it is offered; who offers none is spoken to all the same."""
    return next((each for each in offered if each == VERSION), None)


def _bad_request(message: str) -> Refusal:
    return Refusal(code="bad_config", message=message, fatal=True, close_code=Close.BAD_MESSAGE)


_STATUS = {
    Close.UNAUTHORIZED: http.HTTPStatus.UNAUTHORIZED,
    Close.FORBIDDEN: http.HTTPStatus.FORBIDDEN,
    Close.NO_SESSION: http.HTTPStatus.NOT_FOUND,
    Close.TOO_MANY: http.HTTPStatus.TOO_MANY_REQUESTS,
    Close.FULL: http.HTTPStatus.SERVICE_UNAVAILABLE,
}
