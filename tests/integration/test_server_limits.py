"""How much a service takes on: of one address, one token, one producer; and what it says to the others."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from hocket.streaming.errors import ServiceError
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.door import feeding
from hocket.streaming.server.door.access import Door, Tokens
from hocket.streaming.server.protocol import metering
from hocket.streaming.server.sessions.limits import Limits
from tests.served import Babble, service
from tests.talking import START, closed, followed, heard, run, said

TOKENS = Tokens(("p" * 20, "q" * 20), ("s" * 20,), ("a" * 20,))


async def refused(uri: str, **given: Any) -> tuple[int, str]:
    """Status and words with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as raised:
        await connect(uri, proxy=None, **given)
    response = raised.value.response
    return response.status_code, (response.body or b"").decode()


async def begun(url: str, session: str, **given: Any) -> ClientConnection:
    """The producer of a new session."""
    socket = await connect(f"{url}/v1/sessions/{session}/audio", proxy=None, **given)
    await said(socket, **START)
    return socket


async def counted(url: str, token: str | None = None) -> dict[str, float]:
    """What the figures say of refusals, by their codes."""
    host, port = url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    allowed = "" if token is None else f"Authorization: Bearer {token}\r\n"
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n{allowed}\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    name = "hocket_refused_connections_total"
    rows = [line.split(" ") for line in text.splitlines() if line.startswith(f"{name}{{")]
    return {row[0].split('"')[1]: float(row[1]) for row in rows}


def test_one_address_has_so_many_connections_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "HEARTBEAT_SECONDS", 0.1)  # at the latest then, who left is missed

    async def test() -> None:
        async with service(tmp_path, Door(port=0, most_per_address=3)) as url:
            events = f"{url}/v1/sessions/room/events"
            there = [await connect(events, proxy=None) for _ in range(3)]
            status, words = await refused(events)
            assert status == 429
            assert words == (
                "3 connections from 127.0.0.1, which is all for one address: close some, or see "
                "--max-connections-per-address\n"
            )
            async with connect(events, proxy=None, origin=url.replace("ws:", "http:")) as page:
                assert (await closed(page))[1:] == (4429, "too_many")
            assert await counted(url) == {"too_many": 2}
            await there.pop().close()
            there.append(await connect(events, proxy=None))
            for socket in there:
                await socket.close()

    run(test())


def test_all_together_have_so_many_and_who_asks_for_nothing_is_cut_off(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path, Door(port=0, most_connections=2)) as url:
            host, port = url.removeprefix("ws://").split(":")
            silent = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
            assert (await refused(f"{url}/v1/live"))[0] == 503
            silent += [await asyncio.open_connection(host, int(port)) for _ in range(3)]
            reader, _ = silent[-1]
            async with asyncio.timeout(5):  # those let in have 10 s to ask for something
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
            for _, writer in silent:
                writer.close()

    run(test())


def test_one_token_has_so_many_sessions_and_no_more(tmp_path: Path) -> None:
    limits = Limits(most_sessions_per_token=2)
    one, other = ({"additional_headers": {"Authorization": f"Bearer {letter * 20}"}} for letter in "pq")

    async def test() -> None:
        async with service(tmp_path, Door(port=0, tokens=TOKENS), limits) as url:
            first, second = [await begun(url, f"room-{number}", **one) for number in range(2)]
            for socket in (first, second):
                await heard(socket, "started")
            third = await begun(url, "third", **one)
            [error], code, _ = await closed(third)
            assert code == 4429
            assert error["message"] == (
                "2 sessions of this token go on, which is all it may have: end one, or see "
                "--max-sessions-per-token"
            )
            anothers = await begun(url, "third", **other)
            await heard(anothers, "started")
            await said(first, type="stop")
            await closed(first)
            fourth = await begun(url, "fourth", **one)
            await heard(fourth, "started")
            assert await counted(url, "a" * 20) == {"too_many": 1}
            for socket in (second, anothers, fourth):
                await socket.close()

    run(test())


def test_a_file_comes_as_fast_as_it_may_and_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "BURST_SECONDS", 2.0)

    async def test() -> None:
        source, loop = Babble(1, 12), asyncio.get_running_loop()
        async with service(tmp_path, limits=Limits(most_speed=10)) as url:
            began = loop.time()
            await Publisher(url, "room").run(source)
            assert loop.time() - began > 0.9
            assert await followed(url, "room") == source.said("room")

    run(test())


def test_a_producer_that_dies_in_the_door_leaves_its_name_to_the_next(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(1, 10)
        async with service(tmp_path) as url:
            following = asyncio.create_task(followed(url, "room"))
            for _ in range(3):
                dead = await begun(url, "room")
                dead.transport.abort()
                await asyncio.sleep(0.1)
            await Publisher(url, "room").run(source)
            assert await followed(url, "room") == source.said("room")
            assert [event.type for event in await following] == ["session.start", "session.end"]
            with pytest.raises(ServiceError, match="session 'room' exists"):
                await Publisher(url, "room").run(source)

    run(test())


def test_a_name_is_taken_while_its_producer_is_there_or_has_sent_anything(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            silent, talking = await begun(url, "silent"), await begun(url, "talking")
            await heard(silent, "started")
            await talking.send(Babble(1, 1).pcm())
            await said(talking, type="finalize", id="heard")
            await heard(talking, "finalized")
            talking.transport.abort()
            await asyncio.sleep(0.1)
            for name in ("silent", "talking"):
                socket = await begun(url, name)
                assert (await closed(socket))[1:] == (4409, "taken")
            await silent.close()

    run(test())


def test_a_session_that_stayed_empty_keeps_no_name(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path, limits=Limits(idle_seconds=0.4)) as url:
            socket = await begun(url, "room")
            assert (await closed(socket))[1] == 4408
            assert [event.type for event in await followed(url, "room")] == ["session.start", "session.end"]
            source = Babble(1, 5)
            await Publisher(url, "room").run(source)
            assert await followed(url, "room") == source.said("room")

    run(test())
