"""Hosts that die under a service: sessions move, and nobody who speaks or reads sees it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hocket.streaming.errors import ServiceError
from hocket.streaming.events import Event, SessionEnd
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.protocol.messages import Start
from hocket.streaming.server.sessions.engines import Begun, Engines, HostLost, Work
from hocket.streaming.server.sessions.hosted import Outcome
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from hocket.streaming.server.sessions.store import Kept
from tests.served import Babble, UnrulyModels


class Mortal:
    """A host that dies now and then, before or after it has computed, and comes back without its engines.

    lifetime: how many calls it bears; 0 for any number. deadly: a session that no round survives.
    """

    def __init__(self, lifetime: int = 0, *, deadly: str = "") -> None:
        self.is_up = True
        self.deaths = 0
        self._lifetime, self._deadly = lifetime, deadly
        self._calls = 0
        self._engines = Engines(UnrulyModels())

    async def wait(self) -> None:
        await asyncio.sleep(0.2)
        self._engines = Engines(UnrulyModels())
        self.is_up = True

    def begin(self, session: str, start: Start) -> Begun:
        return self._engines.begin(session, start)

    def restore(self, session: str, start: Start, kept: Kept, told: Sequence[Event], seconds: float) -> int:
        self._live_or_die()
        return self._engines.restore(session, start, kept, told, seconds)

    def run(self, works: Sequence[Work]) -> list[Outcome | Exception]:
        assert self.is_up
        if any(work.session == self._deadly for work in works):
            self._die()
        self._live_or_die()
        outcomes = self._engines.run(works)
        self._live_or_die()
        return outcomes

    def _live_or_die(self) -> None:
        self._calls += 1
        if self._lifetime and self._calls % self._lifetime == 0:
            self._die()

    def _die(self) -> None:
        self.is_up = False
        self.deaths += 1
        raise HostLost("the host is lost")


@asynccontextmanager
async def service(folder: Path, *hosts: Mortal) -> AsyncIterator[str]:
    async with serving(Hub(UnrulyModels(), folder, Limits(), hosts=hosts), Door(port=0)) as port:
        yield f"ws://127.0.0.1:{port}"


async def followed(url: str, session: str) -> list[Event]:
    return [event async for event in Subscriber(url, session).events()]


def test_events_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    async def test() -> None:
        hosts = [Mortal(9), Mortal(14), Mortal()]  # three deaths in a row would end a session
        sources = {f"room-{number}": Babble(number, 40, pace=0.03) for number in range(4)}
        async with service(tmp_path, *hosts) as url, asyncio.timeout(100):
            following = [asyncio.create_task(followed(url, name)) for name in sources]
            await asyncio.gather(*(Publisher(url, name).run(source) for name, source in sources.items()))
            seen = await asyncio.gather(*following)
        assert all(host.deaths for host in hosts[:2])
        assert seen == [source.said(name) for name, source in sources.items()]

    asyncio.run(test())


def test_a_session_that_no_host_survives_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    async def test() -> None:
        hosts = [Mortal(deadly="deadly"), Mortal(deadly="deadly")]
        sources = {f"room-{number}": Babble(number, 30, pace=0.1) for number in range(3)}
        async with service(tmp_path, *hosts) as url, asyncio.timeout(60):
            publishing = [
                asyncio.create_task(Publisher(url, name).run(source)) for name, source in sources.items()
            ]
            with pytest.raises(ServiceError, match="3 hosts were lost over it"):
                await Publisher(url, "deadly").run(Babble(9, 30))
            *_, end = await followed(url, "deadly")
            await asyncio.gather(*publishing)
            for name, source in sources.items():
                assert await followed(url, name) == source.said(name)
        assert isinstance(end, SessionEnd)
        assert end.reason == "cannot go on: 3 hosts were lost over it"
        assert sum(host.deaths for host in hosts) == 3

    asyncio.run(test())


def test_producers_wait_for_a_host(tmp_path: Path) -> None:
    async def test() -> None:
        host = Mortal()
        host.is_up = False
        source = Babble(1, 5)
        async with service(tmp_path, host) as url, asyncio.timeout(30):
            await Publisher(url, "room").run(source)
            assert await followed(url, "room") == source.said("room")

    asyncio.run(test())


class Slower(Babble):
    """The same samples at half the rate, so that there is a resampler whose memory is lost with its host."""

    rate_hz = 8_000


def test_the_clock_goes_on_through_a_move_at_other_rates(tmp_path: Path) -> None:
    async def test() -> None:
        host = Mortal(12)
        async with service(tmp_path, host) as url, asyncio.timeout(60):
            published = await Publisher(url, "room").run(Slower(1, 20, pace=0.02))
            events = await followed(url, "room")
        assert host.deaths
        assert isinstance(events[-1], SessionEnd)
        assert events[-1].duration == 40.0
        assert published.sample == len(Slower(1, 20).samples)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))

    asyncio.run(test())
