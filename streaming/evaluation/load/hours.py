"""`hocket bench --server-hours`: hours of audio through a server as fast as it takes them, and its memory."""

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from hocket.streaming.server.clients.connecting import address, opened
from hocket.streaming.server.protocol.messages import Start, Stop

from ...sources.file import FileSource
from ..bench import clip
from .served import Served, serving, started
from .talk import RATE, Conversation

ROUND_SECONDS = 120.0  # of the conversation, after which it begins again: many whole hops, chunks and frames
REMEMBERED = "hocket.streaming.evaluation.load.remembered"
EVERY_SECONDS = 60.0  # of audio from one look at the memory to the next
SESSION = "hours"


def measure_hours(
    audio: Path, hours: float, hop: float, *, thinking: bool, say: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """The figures of one session of so many hours, JSON-ready: see docs/metrics.md.

    audio: what is said, over and over, the same every two minutes. hop: of the session. thinking: whether the
    networks compute every window, as in earnest, or look up those that they have computed before.
    """
    conversation = Conversation(clip(FileSource(audio), RATE), ROUND_SECONDS)
    return asyncio.run(_hours(conversation, hours, hop, thinking=thinking, say=say))


async def _hours(
    conversation: Conversation, hours: float, hop: float, *, thinking: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    began, memory = time.monotonic(), list[tuple[float, int]]()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        running: AbstractAsyncContextManager[Served] = (
            serving(Path(folder)) if thinking else started(["-m", REMEMBERED, folder])
        )
        async with running as served:
            events = asyncio.create_task(_follow(served))
            await _send(served, conversation, hours * 3600, hop, memory, say)
            num_events = await events
            processor = served.processor_seconds
    first_hour = [size for at, size in memory if at <= 3600] or [size for _, size in memory]
    later = [size for at, size in memory if at > 3600] or first_hour
    settled = first_hour[-1]
    return {
        "hours": hours,
        "hop": hop,
        "models": "thinking" if thinking else "remembering",
        "seconds": time.monotonic() - began,
        "processor_seconds": processor,
        "events": num_events,
        "memory_mb_after_first_hour": settled / 2**20,
        "memory_mb_least": min(later) / 2**20,
        "memory_mb_most": max(later) / 2**20,
        "memory_mb_by_hour": [
            size / 2**20
            for (at, size), (after, _) in itertools.pairwise(memory)
            if at // 3600 < after // 3600
        ],
        "flat": max(abs(size - settled) for size in later) <= 0.05 * settled,
    }


async def _send(
    served: Served,
    conversation: Conversation,
    seconds: float,
    hop: float,
    memory: list[tuple[float, int]],
    say: Callable[[str], None],
) -> None:
    """All of it, a second at a time, as fast as it is taken; writes down what memory the server has."""
    socket = await opened(address(served.url, SESSION, "audio"), None)
    stopped = asyncio.Event()

    async def read() -> None:
        async for frame in socket:
            message = json.loads(frame)
            if message["type"] == "received" and message["sample"] / RATE >= len(memory) * EVERY_SECONDS:
                memory.append((message["sample"] / RATE, served.resident_bytes))
                if len(memory) % 60 == 1:
                    say(f"{memory[-1][0] / 3600:.1f} h, {memory[-1][1] / 2**20:.0f} MB")
        stopped.set()

    reading = asyncio.create_task(read())
    await socket.send(Start(sample_rate=RATE, options={"hop": hop}).to_json())
    for second in range(round(seconds)):
        await socket.send(conversation.frame(0, second * RATE, RATE))
    await socket.send(Stop().to_json())
    await stopped.wait()
    await reading


async def _follow(served: Served) -> int:
    """How many events there are until the session ends."""
    socket, count = await opened(address(served.url, SESSION, "events"), None), 0
    async for frame in socket:
        count += json.loads(frame)["type"] not in ("heartbeat",)
    return count
