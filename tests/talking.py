"""Talking to a service frame by frame, as a client in another language would."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import jsonschema
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hocket.streaming.events import Event
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.protocol.schema import protocol_schema

SCHEMA = protocol_schema()
FROM_SERVER = jsonschema.Draft202012Validator(
    {"oneOf": [{"$ref": "#/$defs/from_server"}, {"$ref": "#/$defs/event"}], "$defs": SCHEMA["$defs"]}
)
START = {"type": "start", "sample_rate": 16_000}


def run(test: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(limited())


async def followed(url: str, session: str, **asked: Any) -> list[Event]:
    return [event async for event in Subscriber(url, session, **asked).events()]


def valid(frame: str | bytes) -> dict[str, Any]:
    """What a service sent, which the published schema must allow."""
    message: dict[str, Any] = json.loads(frame)
    FROM_SERVER.validate(message)
    return message


async def said(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def heard(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message of these kinds, others passed over."""
    while True:
        message = valid(await socket.recv())
        if message["type"] in kinds:
            return message


async def closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None, str | None]:
    """Everything that still comes, and how it ends."""
    messages = []
    try:
        while True:
            messages.append(valid(await socket.recv()))
    except ConnectionClosed:
        return messages, socket.close_code, socket.close_reason
