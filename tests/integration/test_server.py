"""The service as its users meet it: through sockets."""

import asyncio
import base64
import json
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hocket.streaming.errors import ConfigError, ServiceError
from hocket.streaming.events import Gap, SessionEnd, SpeakerUpdate
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.door.access import Door, Tokens
from hocket.streaming.server.sessions.limits import Limits
from tests.served import Babble, service
from tests.talking import START, closed, followed, heard, run, said

TOKENS = Tokens(("p" * 20,), ("s" * 20,))


def test_subscribers_get_what_the_engine_says_whenever_they_come(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(1, 20)
        async with service(tmp_path) as url:
            early = asyncio.create_task(followed(url, "room"))
            await asyncio.sleep(0.1)
            published = await Publisher(url, "room").run(source)
            expected = source.said("room")
            assert await early == expected
            assert published.sample == len(source.samples)
            assert published.seq == len(expected)
            assert await followed(url, "room", from_seq=7) == expected[6:]
            finals = await followed(url, "room", finals=True)
            assert 0 < len(finals) < len(expected)
            assert isinstance(finals[-1], SessionEnd)
        async with service(tmp_path) as url:
            assert await followed(url, "room") == expected

    run(test())


def test_sessions_side_by_side_say_what_they_say_alone(tmp_path: Path) -> None:
    async def test() -> None:
        sources = {f"room-{seed}": Babble(seed, 15, pace=0.02) for seed in range(6)}
        async with service(tmp_path) as url:
            await asyncio.gather(*(Publisher(url, name).run(source) for name, source in sources.items()))
            for name, source in sources.items():
                assert await followed(url, name) == source.said(name)

    run(test())


def test_a_lost_connection_loses_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(2, 20)
        async with service(tmp_path) as url:
            async with connect(f"{url}/v1/sessions/room/audio", proxy=None) as first:
                await said(first, **START)
                token = (await heard(first, "started"))["token"]
                await first.send(source.pcm()[: 2 * 70_001])
                await heard(first, "received")
                first.transport.abort()
            await Publisher(url, "room", resume=token).run(source)
            assert await followed(url, "room") == source.said("room")

    run(test())


def test_a_producer_that_comes_back_takes_the_place_of_its_former_self(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as first,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as second,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as stranger,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as other,
        ):
            await said(first, **START)
            token = (await heard(first, "started"))["token"]
            await said(stranger, **START | {"resume": {"token": "guessed"}})
            assert (await closed(stranger))[1:] == (4403, "forbidden")
            await said(other, **START | {"resume": {"token": token}, "sample_rate": 8000})
            [refused], code, _ = await closed(other)
            assert code == 4400
            assert refused["message"] == (
                "session 'room' has sample_rate 16000, channels 1, channel mix: send that, as at its start"
            )
            await said(second, **START | {"resume": {"token": token, "sample": 1600}})
            assert (await heard(second, "started"))["sample"] == 1600
            assert (await closed(first))[1:] == (4409, "superseded")
            await said(second, type="stop")
            await closed(second)
            [gap] = [event for event in await followed(url, "room") if isinstance(event, Gap)]
            assert (gap.start, gap.end) == (0.0, 0.1)
            with pytest.raises(ServiceError, match="session 'room' exists"):
                await Publisher(url, "room").run(Babble(1, 1))

    run(test())


def test_one_socket_for_both_ends(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(3, 5)
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/live?session=page&sample_rate=16000", proxy=None) as socket,
        ):
            await socket.send(source.pcm())
            await said(socket, type="finalize", id="so far")
            await said(socket, type="name", speaker="S1", name="Ännchen")
            await said(socket, type="merge", speaker="S1", into="S99")
            await said(socket, type="dance")
            await said(socket, type="stop")
            messages, code, _ = await closed(socket)
            assert code == 1000
            by_type = {message["type"]: message for message in messages}
            assert by_type["finalized"] == {"type": "finalized", "id": "so far", "sample": 80_000}
            assert by_type["stopped"]["seq"] == by_type["session.end"]["seq"]
            errors = [message["message"] for message in messages if message["type"] == "error"]
            assert len(errors) == 2
            assert errors[0].startswith("unknown message type 'dance'")
            assert "no speaker 'S99'" in errors[1]
            events = await followed(url, "page")
            assert "Ännchen" in [event.name for event in events if isinstance(event, SpeakerUpdate)]
            assert [m["seq"] for m in messages if "at" in m] == list(range(1, len(events) + 1))

    run(test())


def test_errors_go_out_before_the_close(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            for frame in (b"\0\0", json.dumps(START | {"sample_rate": 1}), b"RIFF"):
                async with connect(f"{url}/v1/sessions/room/audio", proxy=None) as socket:
                    await socket.send(frame)
                    [error], code, reason = await closed(socket)
                    assert (error["type"], error["fatal"], error["close_code"]) == ("error", True, 4400)
                    assert (code, reason) == (4400, error["code"])
            async with connect(f"{url}/v1/sessions/room/events?from=0", proxy=None) as socket:
                assert (await closed(socket))[1:] == (4400, "bad_config")
            async with connect(f"{url}/v1/sessions/big/audio", proxy=None) as socket:
                await socket.send(bytes((1 << 20) + 1))
                assert (await closed(socket))[1] == 1009
            async with connect(f"{url}/v1/sessions/chatty/audio", proxy=None) as socket:
                for _ in range(200):
                    await said(socket, type="keepalive")
                assert (await closed(socket))[1] == 4429

    run(test())


def ticket_for(url: str, role: str, token: str) -> str:
    """A ticket for a session called room, as a page asks for one."""
    address = f"{url}/v1/tickets?role={role}&session=room"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"}, method="POST")
    with urllib.request.urlopen(asked) as response:
        return str(json.load(response)["ticket"])


def test_tokens_open_their_role_only(tmp_path: Path) -> None:
    async def status(uri: str, **given: Any) -> int:
        try:
            async with connect(uri, proxy=None, **given) as socket:
                with suppress(ConnectionClosed):
                    await socket.send("{}")
                return (await closed(socket))[1] or 0
        except InvalidStatus as error:
            return error.response.status_code

    async def test() -> None:
        async with service(tmp_path, Door(port=0, tokens=TOKENS)) as url:
            audio, events = f"{url}/v1/sessions/room/audio", f"{url}/v1/sessions/room/events"
            opened = 4400
            assert await status(audio) == 401
            assert await status(audio, additional_headers={"Authorization": f"Bearer {'s' * 20}"}) == 401
            assert await status(audio, additional_headers={"Authorization": f"Bearer {'p' * 20}"}) == opened
            assert await status(events, additional_headers={"Authorization": f"Bearer {'p' * 20}"}) == 401
            offered = [
                "hocket.v1",
                "hocket.bearer." + base64.urlsafe_b64encode(b"p" * 20).decode().rstrip("="),
            ]
            assert await status(audio, subprotocols=offered) == opened
            own = url.replace("ws:", "http:")
            assert await status(audio, origin=own) == 4401
            ticket = await asyncio.to_thread(ticket_for, own, "produce", "p" * 20)
            assert await status(f"{events}?ticket={ticket}") == 401
            ticket = await asyncio.to_thread(ticket_for, own, "produce", "p" * 20)
            assert await status(f"{audio}?ticket={ticket}") == opened
            assert await status(f"{audio}?ticket={ticket}", origin=own) == 4401
            assert await status(audio, origin="https://elsewhere.example") == 403
            assert await status(f"{url}/v1/sessions/room/video") == 404
            assert await status(f"{url}/v1/sessions/a%2Fb/audio", subprotocols=offered) == 400
            await Publisher(url, "room", bearer="p" * 20).run(Babble(1, 2))
            assert await followed(url, "room", bearer="s" * 20)
            with pytest.raises(ServiceError, match="a token that may subscribe is needed"):
                await followed(url, "room")
            health = await asyncio.to_thread(lambda: urllib.request.urlopen(f"{own}/healthz").read())
            assert health == b"ok, 0 sessions\n"

    run(test())


def test_a_public_address_wants_tokens(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(ConfigError, match=r"0\.0\.0\.0 can be reached from other machines"):
            async with service(tmp_path, Door(host="0.0.0.0", port=0)):
                pass
        async with service(tmp_path, Door(host="0.0.0.0", port=0, insecure=True)):
            pass

    run(test())


def test_who_says_nothing_is_sent_away_and_its_session_ends(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path, limits=Limits(idle_seconds=0.4, most_sessions=1)) as url:
            async with connect(f"{url}/v1/sessions/room/audio", proxy=None) as socket:
                await said(socket, **START)
                await heard(socket, "started")
                async with connect(f"{url}/v1/sessions/second/audio", proxy=None) as second:
                    await said(second, **START)
                    assert (await closed(second))[1] == 1013
                assert (await closed(socket))[1:] == (4408, "idle")
            end = (await followed(url, "room"))[-1]
            assert isinstance(end, SessionEnd)
            assert end.reason == "producer gone"

    run(test())


def test_a_server_that_stops_finishes_its_sessions(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            socket = await connect(f"{url}/v1/live?session=room&sample_rate=16000", proxy=None)
            await socket.send(Babble(1, 5).pcm())
            await heard(socket, "turn")
        messages, code, _ = await closed(socket)
        assert code in (1000, 1001)
        [end] = [message for message in messages if message["type"] == "session.end"]
        assert (end["reason"], end["duration"]) == ("server stopped", 5.0)

    run(test())


def test_a_source_that_cannot_wait_has_a_gap_where_the_server_was_behind(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            uri = f"{url}/v1/live?session=room&sample_rate=16000&realtime=1"
            async with connect(uri, proxy=None) as socket:
                for second in range(40):
                    await socket.send(Babble(second, 1).pcm())
                await said(socket, type="stop")
                messages, _, _ = await closed(socket)
            gaps = [message for message in messages if message["type"] == "gap"]
            assert gaps
            assert gaps[0]["reason"] == "dropped: the engine was behind"
            [end] = [message for message in messages if message["type"] == "session.end"]
            assert end["duration"] == 40.0

    run(test())


def test_a_reader_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url:
            idle = await connect(f"{url}/v1/sessions/room/events", proxy=None, max_queue=1)
            source = Babble(4, 30)
            await Publisher(url, "room").run(source)
            assert await followed(url, "room") == source.said("room")
            idle.transport.abort()

    run(test())
