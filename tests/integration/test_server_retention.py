"""What a running service forgets, with days as tenths of a second: never what goes on or is being read."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from hocket.streaming.errors import StoreError
from hocket.streaming.events import Event, SessionEnd, SpeakerUpdate
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.sessions import retention
from hocket.streaming.server.sessions.limits import Limits
from hocket.streaming.server.sessions.store import Step, Store
from tests.integration.test_server_pressure import deaf
from tests.served import Babble, service
from tests.talking import START, closed, followed, heard, run, said

DAY = 0.1  # seconds
NUM_EVENTS = 200


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SECONDS_A_DAY", DAY)
    monkeypatch.setattr(retention, "TIDY_SECONDS", DAY)


def long_log(folder: Path) -> int:
    """A session that has ended, with more to say than connections hold; the bytes that it takes."""
    events: list[Event] = [
        SpeakerUpdate(seq=seq, session="long", at=0.0, speaker="S1", name="n" * 5000)
        for seq in range(1, NUM_EVENTS)
    ]
    events.append(SessionEnd(seq=NUM_EVENTS, session="long", at=0.0, duration=0.0, speakers=[], reason="end"))
    store = Store(folder)
    store.create("long", b"", "{}", b"", [])
    store.add([Step("long", (), events, 0, 0.0, is_last=True)])
    size = store.num_bytes()
    store.close()
    return size


def kept(folder: Path) -> set[str]:
    store = Store(folder)
    names = {listing.id for listing in store.listings()}
    store.close()
    return names


async def until(folder: Path, is_so: Callable[[set[str]], bool]) -> None:
    """Waits for what is kept to be so."""
    while not is_so(kept(folder)):
        await asyncio.sleep(DAY)


def test_the_old_go_and_what_goes_on_or_is_read_stays(tmp_path: Path) -> None:
    async def test() -> None:
        long_log(tmp_path)
        source = Babble(1, 20)
        async with service(tmp_path, limits=Limits(keep_days=3)) as url:
            reader = await deaf(url)
            going_on = await connect(f"{url}/v1/sessions/going-on/audio", proxy=None)
            await said(going_on, **START)
            await heard(going_on, "started")
            await Publisher(url, "old").run(Babble(2, 5))
            assert "old" in kept(tmp_path)
            await until(tmp_path, lambda names: "old" not in names)
            await asyncio.sleep(5 * DAY)  # more than any may be kept
            assert kept(tmp_path) == {"long", "going-on"}
            messages, code, _ = await closed(reader)
            assert [message["seq"] for message in messages] == list(range(1, NUM_EVENTS + 1))
            assert code == 1000
            await until(tmp_path, lambda names: "long" not in names)
            following = asyncio.create_task(followed(url, "going-on"))
            await going_on.send(source.pcm())
            await said(going_on, type="stop")
            await closed(going_on)
            assert await following == source.said("going-on")
            await until(tmp_path, lambda names: not names)

    run(test())


def test_beyond_its_size_the_oldest_go_but_for_those_that_are_read(tmp_path: Path) -> None:
    async def test() -> None:
        most = long_log(tmp_path) + 2 * 4096  # two pages of the file
        async with service(tmp_path, limits=Limits(keep_bytes=most)) as url:
            reader = await deaf(url)
            await Publisher(url, "young").run(Babble(1, 30))
            await until(tmp_path, lambda names: names == {"long"})
            reader.transport.abort()
            await asyncio.sleep(3 * DAY)
            assert kept(tmp_path) == {"long"}
            await Publisher(url, "young").run(Babble(1, 30))
            await until(tmp_path, lambda names: names == {"young"})

    run(test())


def test_a_reader_of_what_somebody_deletes_is_told_that_it_is_gone(tmp_path: Path) -> None:
    async def test() -> None:
        long_log(tmp_path)
        async with service(tmp_path) as url:
            reader = await deaf(url)
            await asyncio.sleep(0.3)
            store = Store(tmp_path)
            store.delete("long")
            store.close()
            messages, code, reason = await closed(reader)
            assert (code, reason) == (4410, "expired")
            assert [message["seq"] for message in messages[:-1]] == list(range(1, len(messages)))
            assert len(messages) < NUM_EVENTS

    run(test())


def test_a_store_that_cannot_be_tidied_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun = 0
    forget = Store._forget

    def stubborn(store: Store, sessions: list[str]) -> list[str]:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise StoreError("the disk is full")
        return forget(store, sessions)

    async def test() -> None:
        long_log(tmp_path)
        monkeypatch.setattr(Store, "_forget", stubborn)
        async with service(tmp_path, limits=Limits(keep_days=0)):
            await until(tmp_path, lambda names: not names)

    run(test())
    assert "no session can be forgotten: the disk is full" in caplog.text
