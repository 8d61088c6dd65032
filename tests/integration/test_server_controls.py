"""What a session is told while it goes on, by its producer and by others, through sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from hocket.streaming.events import Caption, Revision, SessionEnd, SpeakerNew, SpeakerUpdate
from hocket.streaming.replay import Replay
from hocket.streaming.server.door.access import Door, Tokens
from tests.served import Babble, service
from tests.talking import START, closed, followed, heard, run, said

TALK = Babble(3, 12)


@asynccontextmanager
async def talk(url: str, session: str = "room") -> AsyncIterator[ClientConnection]:
    """A producer that has been heard, and stays."""
    async with connect(f"{url}/v1/sessions/{session}/audio", proxy=None) as producer:
        await said(producer, **START)
        await producer.send(TALK.pcm())
        await said(producer, type="finalize", id="heard")
        await heard(producer, "finalized")
        yield producer


async def answer(socket: ClientConnection, **control: Any) -> dict[str, Any]:
    """What comes of a control."""
    await said(socket, id="asked", **control)
    while True:
        message = await heard(socket, "done", "error")
        if message.get("id") == "asked":
            return message


def admin(url: str, session: str = "room", query: str = "") -> connect:
    return connect(f"{url}/v1/sessions/{session}/admin{query}", proxy=None)


def test_an_admin_names_merges_splits_corrects_and_enrolls(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, talk(url) as producer, admin(url) as boss:
            done = await answer(boss, type="name", speaker="S1", name="Ännchen")
            assert done == {"type": "done", "id": "asked", "seq": done["seq"]}
            async with connect(f"{url}/v1/sessions/room/events?from={done['seq']}", proxy=None) as reader:
                assert (await heard(reader, "speaker.update"))["name"] == "Ännchen"
            assert (await answer(boss, type="merge", speaker="S2", into="S1"))["type"] == "done"
            assert (await answer(boss, type="split", speaker="S1", at=5.0))["type"] == "done"
            assert (await answer(boss, type="correct", start=1.0, end=2.0, speaker="S3"))["type"] == "done"
            assert (await answer(boss, type="enroll", name="Bert", start=6.0, end=9.0))["type"] == "done"
            refused = await answer(boss, type="correct", turn="t999")
            assert refused["message"].startswith("no turn 't999'")
            assert not refused["fatal"]
            refused = await answer(boss, type="enroll", profile="p1")
            assert (
                refused["message"] == "no profile 'p1': this server knows nobody: see hocket serve --people"
            )
            refused = await answer(boss, type="enroll", name="Bert", start=600, end=601)
            assert refused["message"].startswith("nobody speaks from 600.0 to 601.0 s")
            assert (await answer(producer, type="name", speaker="S1", name="Anna"))["type"] == "done"
            await said(producer, type="stop")
            await closed(producer)
            replay = Replay()
            for event in await followed(url, "room"):
                replay.add(event)
            assert replay.names["S1"] == "Anna"
            assert replay.aliases["S2"] == "S1"
            assert "Bert" in replay.names.values()

    run(test())


def test_who_comes_before_the_session_or_after_it_is_told_so(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, admin(url) as boss:
            name = {"type": "name", "speaker": "S1", "name": "Anna"}
            assert (await answer(boss, **name))["message"] == "no session 'room' goes on: start it first"
            async with talk(url):
                assert (await answer(boss, **name))["type"] == "done"
                assert (await answer(boss, type="end"))["type"] == "done"
            refused = await answer(boss, **name)
            assert refused["message"] == "session 'room' has ended: nothing changes it"
            assert refused["code"] == "no_session"
            [*_, end] = await followed(url, "room")
            assert isinstance(end, SessionEnd)
            assert end.reason == "ended by request"

    run(test())


def test_an_end_sends_the_producer_home_and_nothing_is_told_after_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, talk(url) as producer, admin(url) as boss:
            await said(boss, type="end")
            await said(boss, type="name", speaker="S1", name="Anna", id="late")
            assert "late" in (await heard(boss, "error"))["id"]
            messages, code, _ = await closed(producer)
            assert messages[-1]["type"] == "stopped"
            assert code == 1000

    run(test())


def test_an_admin_may_read_beside(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, admin(url, query="?from=1") as boss:
            async with talk(url) as producer:
                await said(boss, type="name", speaker="S1", name="Anna")
                await said(boss, type="finalize", id="so far")
                await heard(boss, "finalized")
                await said(producer, type="stop")
                await closed(producer)
            messages, code, _ = await closed(boss)
            assert code == 1000
            assert messages[-1]["type"] == "session.end"

    run(test())


def test_words_come_out_as_captions_in_the_same_log(tmp_path: Path) -> None:
    async def test() -> None:
        words = [{"text": f"word{n}", "start": n / 2, "end": n / 2 + 0.4, "id": f"w{n}"} for n in range(24)]
        async with service(tmp_path) as url:
            async with talk(url) as producer, admin(url) as recogniser:
                assert (await answer(recogniser, type="words", words=words[:12]))["type"] == "done"
                assert (await answer(producer, type="words", words=words[12:]))["type"] == "done"
                await said(producer, type="words", words=[words[3] | {"text": "corrected"}])
                refused = await answer(producer, type="words", words=[{"text": "x", "start": 3, "end": 30}])
                assert refused["message"].startswith("word 'x': takes 27.0 s")
                await said(producer, type="merge", speaker="S2", into="S1")
                await said(producer, type="stop")
                await closed(producer)
            events = await followed(url, "room")
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert isinstance(events[-1], SessionEnd)
        last = {event.id: event for event in events if isinstance(event, Caption)}
        shown = {number: caption for number, caption in last.items() if caption.words}
        text = " ".join(caption.text for caption in sorted(shown.values(), key=lambda c: c.start))
        expected = sorted([word["text"] for word in words if word["id"] != "w3"] + ["corrected"])
        assert sorted(text.split()) == expected
        assert all(caption.state == "final" for caption in shown.values())
        assert "S2" not in {caption.speaker for caption in shown.values()}

    run(test())


def test_an_admins_token_is_needed_where_there_are_any(tmp_path: Path) -> None:
    async def test() -> None:
        tokens = Tokens(("p" * 20,), ("s" * 20,), ("a" * 20,))
        async with service(tmp_path, Door(port=0, tokens=tokens)) as url:
            uri = f"{url}/v1/sessions/room/admin"
            for letter, is_let_in in (("p", False), ("s", False), ("a", True)):
                try:
                    async with connect(
                        uri, proxy=None, additional_headers={"Authorization": f"Bearer {letter * 20}"}
                    ) as boss:
                        assert (await answer(boss, type="end"))["code"] == "no_session"
                except Exception:
                    assert not is_let_in
                else:
                    assert is_let_in

    run(test())


def test_new_speakers_and_names_are_events(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, talk(url) as producer, admin(url) as boss:
            await said(boss, type="correct", start=1.0, end=2.0)
            await answer(boss, type="name", speaker="S1", name="Anna")
            await said(producer, type="stop")
            await closed(producer)
            events = await followed(url, "room")
            [corrected] = [e for e in events if isinstance(e, Revision) and e.reason == "corrected"]
            [born] = [e for e in events if isinstance(e, SpeakerNew) and e.seq == corrected.seq - 1]
            assert [(turn.start, turn.end) for turn in corrected.turns if turn.speaker == born.speaker] == [
                (1.0, 2.0)
            ]
            assert [e.name for e in events if isinstance(e, SpeakerUpdate) and e.name] == ["Anna"]

    run(test())


def test_an_admin_that_says_too_much_is_sent_away(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path) as url, admin(url) as boss:
            await boss.send(b"\0\0")
            assert (await heard(boss, "error"))["message"].startswith("2 bytes: an admin sends text")
            for _ in range(200):
                await said(boss, type="keepalive")
            assert (await closed(boss))[1] == 4429

    run(asyncio.wait_for(test(), 30))
