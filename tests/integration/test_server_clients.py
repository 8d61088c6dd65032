"""Admin and Publisher as programs use them to tell a session things."""

import asyncio
from pathlib import Path

import pytest

from hocket.streaming.captions.words import HeardWord
from hocket.streaming.errors import ServiceError
from hocket.streaming.events import Caption
from hocket.streaming.replay import Replay
from hocket.streaming.server.clients.admin import Admin
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.protocol.messages import Done, End, Finalize, Finalized, Merge, Name, Words
from tests.served import Babble, service
from tests.talking import followed, run

WORDS = [HeardWord(text=f"word{n}", start=n / 2, end=n / 2 + 0.4, id=f"w{n}") for n in range(10)]


class Relay:
    """A way to a service that breaks on demand."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self) -> str:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self._server = server
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, back]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copy(reader, back))
            tasks.create_task(_copy(there, writer))

    async def close(self) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def test_what_is_told_is_done_through_lost_connections(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            relay = Relay(int(url.rpartition(":")[2]))
            publisher = Publisher(await relay.listen(), "room")
            source = Babble(3, 12, pace=0.25)
            publishing = asyncio.create_task(publisher.run(source))
            async with Admin(url, "room") as admin:
                while True:
                    try:
                        named = await admin.tell(Name(speaker="S1", name="Anna"))
                        break
                    except ServiceError:  # not begun yet, or nobody has spoken
                        await asyncio.sleep(0.02)
                assert isinstance(named, Done)
                telling = []
                for word in WORDS:
                    telling.append(asyncio.create_task(publisher.tell(Words(words=[word]))))
                    await asyncio.sleep(0.03)
                    if word.id in ("w3", "w6"):
                        relay.cut()
                answers = await asyncio.gather(*telling)
                assert all(isinstance(answer, Done) for answer in answers)
                assert isinstance(await admin.tell(Finalize()), Finalized)
                with pytest.raises(ServiceError, match="no speaker 'S99'"):
                    await admin.tell(Merge(speaker="S99", into="S1"))
                await publishing
                with pytest.raises(ServiceError, match="session 'room' has ended"):
                    await admin.tell(End())
            with pytest.raises(ServiceError, match="the session ended"):
                await publisher.tell(End())
            replay, shown = Replay(), dict[str, Caption]()
            for event in await followed(url, "room"):
                replay.add(event)
                if isinstance(event, Caption):
                    shown[event.id] = event
            assert replay.names["S1"] == "Anna"
            texts = sorted(word.text for caption in shown.values() for word in caption.words)
            assert texts == sorted(word.text for word in WORDS)
            await relay.close()

    run(test())


def test_an_admin_of_no_service_gives_up() -> None:
    async def test() -> None:
        async with Admin("ws://127.0.0.1:9", "room", patience=0.1) as admin:
            with pytest.raises(ServiceError, match="gave up"):
                await admin.tell(End())

    run(test())
