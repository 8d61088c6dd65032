"""Rounds: what waits of a host's sessions goes there together, what came of it to disk in one transaction.

One thread a host, so the event loop never waits for a model. A round takes at most a second of audio of
each of at most four sessions, those that have waited longest first; so a session that sends faster than
the clock fills rounds but does not hold up others.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from .engines import Host, HostLost, Work
from .hosted import Outcome
from .store import Store

logger = logging.getLogger(__name__)

MOST_SESSIONS = 4  # more make no window cheaper, and everybody's events later: docs/measured.md
GATHER_SECONDS = 0.02  # how long a round waits for sessions that are about to be due
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Result:
    """What a round made of one session's work: an outcome that is stored, or why there is none.

    compute: the session's share of the round's time, in seconds.
    """

    outcome: Outcome | Exception
    compute: float


class _LostBefore(HostLost):
    """The host was lost while the call waited, which somebody else was told."""


class Rounds:
    """Runs rounds on a host whenever `wake` was called, until cancelled.

    gather: gives what is to be done next of the sessions that live there, at most so many of them; deliver:
    takes the results, one per work and in its order; on_up, on_lost: told that the host can be used, or is
    gone with all it held, while it computed such sessions. All are called in the event loop, store and host
    in one thread.
    """

    def __init__(
        self,
        host: Host,
        store: Store,
        gather: Callable[["Rounds", int], list[Work]],
        deliver: Callable[[list[Work], list[Result]], None],
        on_up: Callable[[], None],
        on_lost: Callable[["Rounds", Collection[str]], None],
    ) -> None:
        self.host = host
        self._store = store
        self._gather, self._deliver = gather, deliver
        self._on_up, self._on_lost = on_up, on_lost
        self._thread = ThreadPoolExecutor(1, "hocket-rounds")
        self._work_waits = asyncio.Event()
        self.calls = 0  # that wait or are under way
        self._losses = 0  # of the host, as its thread counts them

    def wake(self) -> None:
        """Say that there is something to do."""
        self._work_waits.set()

    async def call(
        self, function: Callable[..., _Result], *arguments: Any, computed: Collection[str] = ()
    ) -> _Result:
        """Run something else in the rounds' thread, between two of them. Raises HostLost.

        computed: the sessions that are, which is told where the host is lost over it.
        """
        self.calls += 1
        call = asyncio.get_running_loop().run_in_executor
        try:
            return await call(self._thread, self._unless_lost, self._losses, function, *arguments)
        except _LostBefore:
            raise
        except HostLost:
            self._on_lost(self, computed)
            self.wake()
            raise
        finally:
            self.calls -= 1

    async def run(self) -> None:
        """Rounds without end."""
        while True:
            if not self.host.is_up:
                await self.host.wait()
                self._on_up()
            await self._work_waits.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._work_waits.clear()
            while self.host.is_up and (works := self._gather(self, MOST_SESSIONS)):
                computed = {work.session for work in works}
                try:
                    self._deliver(works, await self.call(self._round, works, computed=computed))
                except HostLost as lost:
                    logger.warning("%s", lost)

    def close(self) -> None:
        """Let the thread end when it has done what it is doing."""
        self._thread.shutdown(wait=True)

    def _unless_lost(self, losses: int, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """What was called before a loss finds nothing there that it counted on, even if the host is back."""
        if losses != self._losses:
            raise _LostBefore("the host was lost")
        try:
            return function(*arguments)
        except HostLost:
            self._losses += 1
            raise

    def _round(self, works: list[Work]) -> list[Result]:
        began = time.monotonic()
        outcomes = self.host.run(works)
        done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
        try:
            self._store.add(outcome.step for outcome in done)
        except Exception as error:  # nobody may see what is not stored
            logger.error("events cannot be stored: %s", error)
            outcomes = [error] * len(works)
        share = (time.monotonic() - began) / len(works)
        return [Result(outcome, share) for outcome in outcomes]
