"""A session of each channel, from one producer: each as if it were alone, whatever happens to the others."""

from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.client import connect

from hocket.streaming.errors import ServiceError
from hocket.streaming.events import Event, Gap, SessionEnd
from hocket.streaming.server.clients.admin import Admin
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.protocol.messages import End
from hocket.streaming.sources.base import Block
from tests.script import Script
from tests.served import Babble, service
from tests.talking import closed, followed, heard, run, said

LEFT, RIGHT = Babble(1, 15), Babble(2, 15)
BOTH = np.stack([LEFT.samples, RIGHT.samples], axis=1)
PCM = (BOTH * 32_768).astype("<i2").tobytes()
SEPARATELY = "sample_rate=16000&channels=2&channel=separate"
SEPARATE = {"type": "start", "sample_rate": 16_000, "channels": 2, "channel": "separate"}


def stereo() -> Script:
    return Script([Block(BOTH[start : start + 4000]) for start in range(0, len(BOTH), 4000)], channels=2)


def test_each_channel_has_a_session_of_its_own(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            published = await Publisher(url, "room", channel="separate").run(stereo())
            assert published.sample == len(BOTH)
            assert await followed(url, "room.1") == LEFT.said("room.1")
            assert await followed(url, "room.2") == RIGHT.said("room.2")
            with pytest.raises(ServiceError, match=r"session 'room\.1' exists"):
                await Publisher(url, "room", channel="separate").run(stereo())

    run(test())


def test_channels_resume_where_each_of_them_was(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, connect(f"{url}/v1/sessions/room/audio", proxy=None) as first:
            await said(first, **SEPARATE)
            started = await heard(first, "started")
            assert started["sessions"] == ["room.1", "room.2"]
            await first.send(PCM[: 4 * 70_001])
            assert (await heard(first, "received"))["sample"] <= 70_001
            await said(first, type="finalize", id="all")
            assert await heard(first, "finalized") == {"type": "finalized", "id": "all", "sample": 70_001}
            await said(first, type="name", id="1", speaker="S1", name="Anna")
            refused = await heard(first, "error")
            assert refused["message"].endswith("a session of each channel: tell room.1, room.2 as an admin")
            first.transport.abort()
            # of one channel alone, as a death between two rounds would leave it
            async with connect(f"{url}/v1/sessions/room.2/audio", proxy=None) as second:
                resume = {"token": started["token"]}
                await said(second, type="start", sample_rate=16_000, resume=resume)
                assert (await heard(second, "started"))["sample"] == 70_001
                right = (RIGHT.samples[70_001:80_000] * 32_768).astype("<i2").tobytes()
                await second.send(right)
                await said(second, type="finalize", id="ahead")
                await heard(second, "finalized")
            await Publisher(url, "room", channel="separate", resume=started["token"]).run(stereo())
            assert await followed(url, "room.1") == LEFT.said("room.1")
            assert await followed(url, "room.2") == RIGHT.said("room.2")

    run(test())


def test_the_server_may_die_between(tmp_path: Path) -> None:
    async def test() -> None:
        tokens: list[str] = []
        async with service(tmp_path) as url:
            socket = await connect(f"{url}/v1/sessions/room/audio", proxy=None)
            await said(socket, **SEPARATE)
            tokens.append((await heard(socket, "started"))["token"])
            await socket.send(PCM[: 4 * 50_000])
            await said(socket, type="finalize", id="x")
            await heard(socket, "finalized")
            copy = tmp_path / "copy"
            copy.mkdir()
            for file in tmp_path.glob("sessions.db*"):
                (copy / file.name).write_bytes(file.read_bytes())
            socket.transport.abort()
        async with service(copy) as url:
            await Publisher(url, "room", channel="separate", resume=tokens[0]).run(stereo())
            assert await followed(url, "room.1") == LEFT.said("room.1")
            assert await followed(url, "room.2") == RIGHT.said("room.2")

    run(test())


def test_one_channel_may_end_before_the_others(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            service(tmp_path) as url,
            connect(
                f"{url}/v1/live?session=room&sample_rate=16000&channels=2&channel=separate", proxy=None
            ) as page,
        ):
            await page.send(PCM[: 4 * 40_000])
            await said(page, type="finalize", id="x")
            await heard(page, "finalized")
            async with Admin(url, "room.1") as admin:
                await admin.tell(End())
            await said(page, type="gap", samples=16_000)
            await page.send(PCM[4 * 56_000 :])
            await said(page, type="stop")
            messages, code, _ = await closed(page)
            assert code == 1000
            assert messages[-1]["type"] == "stopped"
            ends = [message["session"] for message in messages if message["type"] == "session.end"]
            assert ends == ["room.1", "room.2"] or ends == ["room.2"]
            events: list[Event] = await followed(url, "room.2")
            assert isinstance(events[-1], SessionEnd)
            assert events[-1].duration == 15.0
            assert [gap.start for gap in events if isinstance(gap, Gap)] == [2.5]
            assert (await followed(url, "room.1"))[-1].at == 2.5

    run(test())
