"""What both clients share: addresses, connections, and which failures are worth another try."""

import logging
import random
import ssl
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from hocket.streaming.errors import ServiceError

from ..protocol.ends import FRAME_BYTES, Close
from ..protocol.messages import VERSION, Refusal

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.2, 10.0
OPEN_SECONDS = 10.0
logger = logging.getLogger(__name__)
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def address(url: str, session: str, end: str, query: Mapping[str, str] | None = None) -> str:
    """The address of a session's `audio` or `events` at a service. Raises ServiceError for no URL."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ServiceError(f"{url!r} is no address of a service: expected one like ws://127.0.0.1:8765")
    path = f"{parts.path.rstrip('/')}/v1/sessions/{quote(session, safe='')}/{end}"
    asked = f"?{urlencode(query)}" if query else ""
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{path}{asked}"


async def opened(uri: str, token: str | None) -> ClientConnection:
    """A connection. Raises ServiceError where trying again is no use, else OSError or TimeoutError."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        return await connect(
            uri,
            additional_headers=headers,
            subprotocols=[Subprotocol(VERSION)],
            compression=None,
            open_timeout=OPEN_SECONDS,
            ping_timeout=None,  # a pong waits behind seconds of audio; what is not received in time tells
            max_size=FRAME_BYTES,
        )
    except InvalidStatus as error:
        body = (error.response.body or b"").decode(errors="replace").strip()
        message = f"{uri} refuses: {body or error.response.status_code}"
        if 400 <= error.response.status_code < 500:
            raise ServiceError(message) from error
        raise OSError(message) from error
    except ssl.SSLCertVerificationError as error:
        raise ServiceError(
            f"{uri} shows no certificate that is trusted here ({error.verify_message}): "
            "SSL_CERT_FILE=FILE names one to trust"
        ) from error
    except InvalidURI as error:
        raise ServiceError(str(error)) from error
    except (InvalidHandshake, EOFError) as error:
        raise OSError(f"{uri} does not answer like a hocket service: {error}") from error


def raise_if_final(error: ConnectionClosed) -> None:
    """Raises ServiceError for a close after which the same again would end the same way."""
    code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd is not None else (0, "")
    if 4400 <= code < 4500 or code == 1009:
        raise ServiceError(f"the service closed the connection: {reason or code}", reason or None) from error


def raise_if_fatal(refusal: Refusal) -> None:
    """Raises ServiceError for a refusal after which the same again would be refused again."""
    if refusal.fatal and refusal.close_code not in (Close.INTERNAL, Close.RESTARTING, Close.FULL, Close.SLOW):
        raise ServiceError(f"the service refuses: {refusal.message}", refusal.code)


class Patience:
    """Waits between attempts: longer each time, and not for ever; success starts it anew."""

    def __init__(self, seconds: float) -> None:
        self._left = self._seconds = seconds
        self._delay = FIRST_RETRY_SECONDS

    def renew(self) -> None:
        """It worked."""
        self._left, self._delay = self._seconds, FIRST_RETRY_SECONDS

    def next_delay(self, error: Exception) -> float:
        """Seconds to wait before the next attempt; the first of an outage is warned of.

        Raises ServiceError, from `error`, at the end.
        """
        if self._left <= 0:
            raise ServiceError(
                f"gave up after {self._seconds:g} s: {error or type(error).__name__}"
            ) from error
        if self._delay == FIRST_RETRY_SECONDS:
            logger.warning("no connection to the service (%s): trying again", error or "no answer")
        delay = min(self._delay, self._left)
        self._left -= delay
        self._delay = min(2 * self._delay, LAST_RETRY_SECONDS)
        return delay * random.uniform(0.5, 1)  # not all clients of a service at the same time
