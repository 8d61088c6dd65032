"""Sessions as their users have them: a producer at real time, and a subscriber that looks at its watch."""

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hocket.streaming.errors import ServiceError
from hocket.streaming.server.clients.connecting import address, opened
from hocket.streaming.server.protocol.messages import Start, Stop

from .talk import RATE, Conversation

FRAME_SECONDS = 0.25
_NO_NEWS = ("session.start", "session.end", "heartbeat", "status")


@dataclass
class Notes:
    """What a subscriber wrote down of a session.

    lags: (at, lag) of every event: its place in the audio and the seconds from when the last sample before
    that was due to be sent until the event was there. hops: (at, seconds) whenever the hop changed.
    """

    lags: list[tuple[float, float]] = field(default_factory=list)
    hops: list[tuple[float, float]] = field(default_factory=list)
    gap_seconds: float = 0.0
    has_ended: bool = False


async def together(callers: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them at the same time; the first that fails ends all.

    Raises what it raised, and ServiceError where the server does not answer.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller)
    except ExceptionGroup as failed:
        error: Exception = failed
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, OSError):
            raise ServiceError(
                f"the server does not answer ({error or 'in time'}): try fewer sessions"
            ) from error
        raise error from None


async def produce(
    url: str,
    session: str,
    conversation: Conversation,
    producer: int,
    began: float,
    seconds: float,
    hop: float,
) -> None:
    """Send so many seconds at real time, from the loop's time `began` on, then stop and wait for the end.

    Raises ServiceError where the service refuses.
    """
    clock = asyncio.get_running_loop().time
    socket = await opened(address(url, session, "audio"), None)
    reading = asyncio.create_task(_drain(socket))
    count = round(FRAME_SECONDS * RATE)
    start = Start(sample_rate=RATE, realtime=True, options={"hop": hop})
    try:
        await socket.send(start.to_json())
        for number in range(round(seconds / FRAME_SECONDS)):
            await asyncio.sleep(began + (number + 1) * FRAME_SECONDS - clock())
            await socket.send(conversation.frame(producer, number * count, count))
        await socket.send(Stop().to_json())
        await reading
    except ConnectionClosed as error:
        raise ServiceError(f"session {session!r} was cut off: {error}") from error
    finally:
        reading.cancel()
        socket.transport.abort()


async def subscribe(url: str, session: str, began: float, notes: Notes) -> None:
    """Follow a session that began at the loop's time `began` to its end, and write down when events came."""
    clock = asyncio.get_running_loop().time
    socket = await opened(address(url, session, "events"), None)
    try:
        with contextlib.suppress(ConnectionClosed):
            while True:
                event = json.loads(await socket.recv())
                if event["type"] not in _NO_NEWS:
                    notes.lags.append((event["at"], clock() - began - event["at"]))
                if event["type"] == "status":
                    notes.hops.append((event["at"], event["hop"]))
                if event["type"] == "gap":
                    notes.gap_seconds += event["end"] - event["start"]
                notes.has_ended = notes.has_ended or event["type"] == "session.end"
    finally:
        socket.transport.abort()


async def never_read(url: str, session: str) -> None:
    """Follow a session from its first event without ever reading, until cancelled."""
    socket = await opened(address(url, session, "events"), None)
    try:
        socket.transport.pause_reading()
        await asyncio.Event().wait()
    finally:
        socket.transport.abort()


async def get_stuck(url: str, session: str, conversation: Conversation) -> None:
    """Begin a session, send some seconds at once, then nothing more, and read nothing, until cancelled."""
    socket = await opened(address(url, session, "audio"), None)
    try:
        await socket.send(Start(sample_rate=RATE).to_json())
        socket.transport.pause_reading()
        for number in range(5):
            await socket.send(conversation.frame(0, number * RATE, RATE))
        await asyncio.Event().wait()
    finally:
        socket.transport.abort()


async def _drain(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
