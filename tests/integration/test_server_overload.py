"""More live audio than the models bear: hops are stretched, all at once and out loud, before any is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.events import Event, Gap, SessionEnd, Status, Turn
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from tests.served import Babble, UnrulyModels
from tests.unruly_models import UnrulyDetectingSegmenter


class SlowSegmenter(UnrulyDetectingSegmenter):
    """Takes its time over every window."""

    def segment(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        time.sleep(0.15 * len(audio))
        return super().segment(audio)


class SlowModels(UnrulyModels):
    segmenter = SlowSegmenter()


@asynccontextmanager
async def slow_service(folder: Path, longest_hop: float = 2.0) -> AsyncIterator[str]:
    hub = Hub(SlowModels(), folder, Limits(longest_hop=longest_hop))
    async with serving(hub, Door(port=0)) as port:
        yield f"ws://127.0.0.1:{port}"


async def live(url: str, session: str, seconds: float, pace: float = 1.0) -> list[Event]:
    """What is said of a live source, whose blocks come at real time or, with a lower pace, faster."""
    source = Babble(ord(session), seconds, pace=pace, block=2000)
    source.live = True
    events = asyncio.create_task(_followed(url, session))
    await Publisher(url, session).run(source)
    return await events


async def _followed(url: str, session: str) -> list[Event]:
    return [event async for event in Subscriber(url, session).events()]


def test_hops_are_stretched_before_audio_is_dropped_and_every_session_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        async with slow_service(tmp_path) as url, asyncio.timeout(50):
            rooms = ["a", "b", "c", "d", "e"]  # of which the models bear 1 / 0.15 / 2
            logs = await asyncio.gather(*(live(url, room, 9) for room in rooms))
        for log in logs:
            told = [event for event in log if isinstance(event, Status)]
            assert told
            assert 1.0 <= max(event.hop for event in told) <= 2.0
            assert not [event for event in log if isinstance(event, Gap)]
            assert [event for event in log if isinstance(event, Turn)]
            assert isinstance(log[-1], SessionEnd)
            assert log[-1].duration == 9.0

    asyncio.run(test())


def test_a_server_told_never_to_stretch_drops_audio_instead(tmp_path: Path) -> None:
    async def test() -> None:
        async with slow_service(tmp_path, longest_hop=0.0) as url, asyncio.timeout(50):
            log = await live(url, "a", 12, pace=0.1)
        assert not [event for event in log if isinstance(event, Status)]
        assert [event for event in log if isinstance(event, Gap)]

    asyncio.run(test())
