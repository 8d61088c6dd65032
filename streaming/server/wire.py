"""One text frame out, one refusal, one close: none of them for ever, whatever the peer does."""

import asyncio
import contextlib

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .messages import Refusal
from .protocol import Close

SEND_SECONDS = 10.0  # that a message may take to leave before its reader counts as gone
CLOSE_SECONDS = 2.0


async def send(socket: ServerConnection, text: str) -> None:
    """Raises TimeoutError where the peer does not take it."""
    async with asyncio.timeout(SEND_SECONDS):
        await socket.send(text)


async def refuse(socket: ServerConnection, refusal: Refusal) -> None:
    """Says why, then closes."""
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        await send(socket, refusal.to_json())
    await close(socket, refusal.close_code or Close.INTERNAL, refusal.code)


async def close(socket: ServerConnection, code: int, reason: str) -> None:
    """Closes, politely for a while: a peer that does not read would hold up a polite close for ever."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code, reason)
    except TimeoutError:
        socket.transport.abort()
