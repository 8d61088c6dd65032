"""Who is slow, stuck, early or has nothing to send: none of it is anybody else's trouble."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.sync.client import connect as sync_connect

from hocket.streaming.events import Event, Gap, SessionEnd, SpeakerUpdate
from hocket.streaming.server.door import conversing, wire
from hocket.streaming.server.door.conversing import Replies
from hocket.streaming.server.protocol.messages import KeepAlive
from hocket.streaming.server.sessions import live
from hocket.streaming.server.sessions.figures import Figures
from hocket.streaming.server.sessions.store import Step, Store
from tests.served import Babble, UnrulyModels, service
from tests.talking import START, closed, followed, heard, run, said

NUM_EVENTS = 4000


def long_log(folder: Path) -> None:
    """A session that has ended, whose log is more than fits into the buffers of a connection."""
    events: list[Event] = [
        SpeakerUpdate(seq=seq, session="long", at=0.0, speaker="S1", name="n" * 500)
        for seq in range(1, NUM_EVENTS)
    ]
    events.append(SessionEnd(seq=NUM_EVENTS, session="long", at=0.0, duration=0.0, speakers=[], reason="end"))
    store = Store(folder)
    store.create("long", b"", "{}", b"", [])
    store.add([Step("long", (), events, 0, 0.0, is_last=True)])
    store.close()


async def deaf(url: str) -> ClientConnection:
    """A subscriber that has not read anything yet, and has little room for it."""
    host, port = url.removeprefix("ws://").split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    raw.connect((host, int(port)))
    raw.setblocking(False)
    return await connect(f"{url}/v1/sessions/long/events", sock=raw, proxy=None, max_queue=1)


def test_a_slow_reader_is_closed_and_goes_on_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        long_log(tmp_path)
        async with service(tmp_path) as url:
            reader = await deaf(url)
            await asyncio.sleep(3 * wire.SEND_SECONDS)
            messages, code, reason = await closed(reader)
            assert code == 4508
            last = messages[-1]["seq"]
            assert [message["seq"] for message in messages] == list(range(1, last + 1))
            assert last < NUM_EVENTS
            assert reason == "slow_consumer: come back, from the next seq"
            rest = await followed(url, "long", from_seq=last + 1)
            assert [event.seq for event in rest] == list(range(last + 1, NUM_EVENTS + 1))

    monkeypatch.setattr(wire, "SEND_SECONDS", 0.2)
    run(test())


def test_who_never_reads_is_cut_off_while_others_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        long_log(tmp_path)
        async with service(tmp_path) as url:
            readers = [await deaf(url) for _ in range(5)]
            assert len(await followed(url, "long")) == NUM_EVENTS
            await asyncio.sleep(wire.SEND_SECONDS + wire.CLOSE_SECONDS + 0.3)
            for reader in readers:
                assert (await closed(reader))[1] == 1006

    monkeypatch.setattr(wire, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(wire, "CLOSE_SECONDS", 0.2)
    run(test())


def test_who_asks_without_reading_the_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Transport:
        aborted = False

        def abort(self) -> None:
            self.aborted = True

    class Socket:
        transport = Transport()

    async def test() -> None:
        replies = Replies(Socket(), Figures(int, int, int))  # type: ignore[arg-type]
        for _ in range(conversing.WAITING_MESSAGES):
            replies.tell(KeepAlive())
        assert not Socket.transport.aborted
        replies.tell(KeepAlive())
        assert Socket.transport.aborted

    run(test())


def test_a_producer_that_is_stuck_costs_others_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(4, 20)
        async with service(tmp_path) as url:
            stuck = []
            for number in range(4):
                producer = await connect(f"{url}/v1/sessions/stuck{number}/audio", proxy=None)
                await said(producer, **START)
                await producer.send(b"\0" * 333)  # half a sample is still to come
                stuck.append(producer)
            async with connect(f"{url}/v1/sessions/room/audio", proxy=None) as producer:
                await said(producer, **START)
                await producer.send(source.pcm())
                await said(producer, type="stop")
                await closed(producer)
            assert await followed(url, "room") == source.said("room")
            for producer in stuck:
                producer.transport.abort()

    run(test())


def test_what_piled_up_unread_while_the_server_was_held_up_is_no_later_than_may_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_LAG_SECONDS", 0.6)
    source, held_up = Babble(1, 3), 1.5

    def speak(url: str) -> list[dict[str, Any]]:
        uri = f"{url}/v1/live?session=room&sample_rate=16000&realtime=1"
        pcm, began, heard = source.pcm(), time.monotonic(), []
        with sync_connect(uri, proxy=None) as socket:
            for number in range(30):
                time.sleep(max(0.0, began + number / 10 - time.monotonic()))
                socket.send(pcm[3200 * number : 3200 * (number + 1)])
            socket.send(json.dumps({"type": "finalize", "id": "all"}))
            for text in socket:
                heard.append(json.loads(text))
                if heard[-1]["type"] == "finalized":
                    heard.append({"type": "late", "seconds": time.monotonic() - began - 3})
                    return heard
        raise AssertionError("closed before all was heard")

    async def test() -> None:
        async with service(tmp_path) as url:
            speaking = asyncio.create_task(asyncio.to_thread(speak, url))
            await asyncio.sleep(0.5)
            time.sleep(held_up)  # nothing is read meanwhile
            heard = await speaking
        dropped = sum(each["end"] - each["start"] for each in heard if each["type"] == "gap")
        assert held_up - 0.8 <= dropped < held_up + 0.6
        assert heard[-1]["seconds"] < 1.5

    run(test())


def test_a_subscriber_may_come_before_its_session_and_ask_for_finals_only(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(2, 15)
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/room/events?finals=1", proxy=None) as early,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as producer,
        ):
            await said(producer, **START)
            await producer.send(source.pcm())
            await said(producer, type="stop")
            messages, code, _ = await closed(early)
            assert code == 1000
            seqs = [message["seq"] for message in messages]
            assert seqs == sorted(set(seqs))
            turns = [message for message in messages if message["type"] == "turn"]
            assert turns
            assert {turn["state"] for turn in turns} == {"final"}
            assert "change" not in {message["type"] for message in messages}
            said_alone = source.said("room")
            assert messages[0] == said_alone[0].to_dict()
            assert messages[-1] == said_alone[-1].to_dict()

    run(test())


def test_a_gap_of_minutes_is_one_event_and_holds_nobody_up(tmp_path: Path) -> None:
    seconds = 600
    source = Babble(1, 5)

    async def test() -> None:
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/gap/audio", proxy=None) as away,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as producer,
        ):
            await said(away, **START)
            await away.send(source.pcm())
            await said(producer, **START)
            await said(away, type="gap", samples=seconds * 16_000, reason="tunnel")
            await away.send(source.pcm())
            await said(away, type="finalize", id="over")
            waiting = asyncio.create_task(heard(away, "finalized"))
            num_answers, slowest = 0, 0.0
            while not waiting.done():
                began = asyncio.get_running_loop().time()
                await producer.send(b"\0" * 3200)
                await said(producer, type="finalize", id="here")
                await heard(producer, "finalized")
                slowest = max(slowest, asyncio.get_running_loop().time() - began)
                num_answers += 1
                await asyncio.sleep(0.1)  # no more than a producer may ask
            assert num_answers > 5
            assert slowest < 2.0
            await said(away, type="stop")
            await closed(away)
            events = await followed(url, "gap")
            assert [(e.start, e.end, e.reason) for e in events if isinstance(e, Gap)] == [
                (5.0, 5.0 + seconds, "tunnel")
            ]
            assert events == alone()

    def alone() -> list[Event]:
        from hocket.streaming.engine.diarizer import Diarizer

        models = UnrulyModels()
        diarizer = Diarizer(models.segmenter, models.embedder, session="gap", models=models.names)
        events = diarizer.push(source.samples)
        events += diarizer.gap(seconds * 16_000, "tunnel")
        events += diarizer._answer()
        return [*events, *diarizer.push(source.samples), *diarizer.finish()]

    run(test())


def test_a_log_that_is_no_longer_kept_is_said_to_be_gone(tmp_path: Path) -> None:
    async def test() -> None:
        long_log(tmp_path)
        store = Store(tmp_path)
        store._db.execute("DELETE FROM events WHERE seq < 100")
        store.close()
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/long/events?from=5", proxy=None) as reader,
        ):
            [error], code, reason = await closed(reader)
            assert json.dumps(error["message"]) == '"events before 100 are no longer kept"'
            assert (code, reason) == (4410, "expired")

    run(test())
