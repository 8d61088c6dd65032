"""One text frame out, one refusal, one close: none of them for ever, whatever the peer does."""

import asyncio
import contextlib
import logging
from socket import SO_SNDBUF, SOL_SOCKET

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ..protocol.ends import Close
from ..protocol.messages import Refusal
from ..sessions.figures import Figures

logger = logging.getLogger(__name__)

SEND_SECONDS = 10.0  # that a message may take to leave before its reader counts as gone
CLOSE_SECONDS = 2.0
SENT_AHEAD = 64 << 10  # bytes that the kernel may hold for a reader: else who is slow shows megabytes late


def hold_little(socket: ServerConnection) -> None:
    """Have the kernel keep little of what the peer has not read yet."""
    if (raw := socket.transport.get_extra_info("socket")) is not None:
        raw.setsockopt(SOL_SOCKET, SO_SNDBUF, SENT_AHEAD)


async def send(socket: ServerConnection, text: str) -> None:
    """Raises TimeoutError where the peer does not take it."""
    async with asyncio.timeout(SEND_SECONDS):
        await socket.send(text)


async def refuse(socket: ServerConnection, refusal: Refusal, figures: Figures) -> None:
    """Says why, then closes."""
    figures.refused(refusal.code)
    log_refusal(socket, refusal.code)
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        await send(socket, refusal.to_json())
    await close(socket, refusal.close_code or Close.INTERNAL, refusal.code)


def peer_of(socket: ServerConnection) -> str:
    """Who is at the other end, for logs."""
    host, port, *_ = socket.remote_address or ("somebody", 0)
    return f"{host}:{port}"


def log_refusal(socket: ServerConnection, code: str) -> None:
    """Say that somebody was refused, but not in which words: they may quote what was sent."""
    peer = peer_of(socket)
    logger.info("%s is refused: %s", peer, code, extra={"event": "refused", "peer": peer, "code": code})


async def close(socket: ServerConnection, code: int, reason: str) -> None:
    """Closes, politely for a while: a peer that does not read would hold up a polite close for ever."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code, reason)
    except TimeoutError:
        socket.transport.abort()
