"""A server with more to do than it can: what a second of audio costs it, whatever else the machine does."""

import asyncio
import json

from hocket.streaming.server.clients.connecting import address, opened
from hocket.streaming.server.protocol.messages import Start, Stop

from .bench import WARM_UP_SECONDS, Watched
from .callers import together
from .talk import RATE, Conversation

PIECE_SECONDS = 0.25


async def saturated_rtf(
    served: Watched,
    conversation: Conversation,
    num_sessions: int,
    seconds: float,
    *,
    hop: float = 0.5,
    warm_up: float = WARM_UP_SECONDS,
) -> float:
    """Processor time of the server per second of audio, of so many sessions that send as fast as they may.

    Measured from when all of them are through the warm-up until one of them is through with its `seconds`
    after it. Raises ServiceError where the server refuses a session.
    """
    heard = [0.0] * num_sessions
    looks: list[tuple[float, float]] = []  # audio heard of all, processor time

    def look() -> None:
        is_warm, is_over = min(heard) >= warm_up, max(heard) >= warm_up + seconds
        if (is_warm and not looks) or (is_over and len(looks) == 1):
            looks.append((sum(heard), served.processor_seconds))

    async def one(number: int) -> None:
        socket = await opened(address(served.url, f"saturated-{number}", "audio"), None)
        count = round(PIECE_SECONDS * RATE)

        async def send() -> None:
            await socket.send(Start(sample_rate=RATE, options={"hop": hop}).to_json())
            for piece in range(round((warm_up + 2 * seconds) / PIECE_SECONDS)):
                await socket.send(conversation.frame(number, piece * count, count))
            await socket.send(Stop().to_json())

        sending = asyncio.create_task(send())
        try:
            async for frame in socket:
                message = json.loads(frame)
                if message["type"] == "received":
                    heard[number] = message["sample"] / RATE
                    look()
                if len(looks) == 2:
                    return
        finally:
            sending.cancel()
            socket.transport.abort()

    await together([one(number) for number in range(num_sessions)])
    (before, began), (after, ended) = looks
    return (ended - began) / (after - before)
