"""Server, producer and subscriber killed at any moment: nothing is lost, doubled or renumbered."""

import asyncio
import os
import random
import socket
import sys
from pathlib import Path

import pytest

from hocket.streaming.events import Event
from hocket.streaming.server.publisher import Publisher
from hocket.streaming.server.subscriber import Subscriber
from tests.served import Babble

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("HOCKET_KILLS", "3"))  # of each of the three; 50 takes minutes
SECONDS = 70.0  # of audio for each kill: more than goes through until then


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def serve(folder: Path, port: int) -> asyncio.subprocess.Process:
    """A server in a process of its own, once it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.served", str(folder), str(port), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline()
    return process


async def kill(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.communicate()


async def publish(url: str, tokens: list[str], chance: random.Random) -> None:
    """Producers, each killed after a while, until one gets through."""
    for _ in range(KILLS):
        publisher = Publisher(
            url, "room", resume=tokens[-1] if tokens else None, on_started=tokens.append, patience=60
        )
        running = asyncio.create_task(publisher.run(Babble(5, SECONDS * KILLS, pace=0.03)))
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        while not tokens:
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait({running})
    await Publisher(url, "room", resume=tokens[-1]).run(Babble(5, SECONDS * KILLS, pace=0.03))


async def follow(url: str, chance: random.Random) -> list[Event]:
    """What subscribers see who are cut off after a while, each going on after the one before."""
    seen: list[Event] = []
    while not seen or seen[-1].type != "session.end":
        subscriber = Subscriber(url, "room", from_seq=len(seen) + 1)
        events = subscriber.events()
        try:
            async with asyncio.timeout(chance.uniform(0.3, 3.0)):
                async for event in events:
                    seen.append(event)  # noqa: PERF401 what was seen before the time is up counts
        except TimeoutError:
            pass
        finally:
            await events.aclose()
    return seen


@pytest.mark.timeout(1800)
def test_nothing_is_lost_doubled_or_renumbered(tmp_path: Path) -> None:
    async def test() -> None:
        chance, tokens = random.Random(KILLS), list[str]()
        port = free_port()
        url = f"ws://127.0.0.1:{port}"
        process = await serve(tmp_path, port)
        publishing = asyncio.create_task(publish(url, tokens, random.Random(1)))
        following = asyncio.create_task(follow(url, random.Random(2)))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.3, 2.5))
            assert not publishing.done()
            await kill(process)
            process = await serve(tmp_path, port)
        try:
            await publishing
            seen = await following
        finally:
            await kill(process)
        assert seen == Babble(5, SECONDS * KILLS).said("room")

    asyncio.run(test())
