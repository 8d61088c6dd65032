"""`hocket bench --sessions`: how far events are behind where many sessions go on at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .callers import Notes, get_stuck, never_read, produce, subscribe, together
from .talk import Conversation

WARM_UP_SECONDS = 12.0  # until every window has its full length
PROMISED_SECONDS = 1.0  # the lag that 95 of 100 events stay below
_GOLDEN = 0.618034  # spreads the sessions' beginnings evenly over a hop, however many there are


@dataclass(frozen=True)
class Load:
    """What some sessions at once came to.

    notes: of each session's subscriber. warm_up, seconds: of each, not measured and then measured. processor:
    seconds that the server computed meanwhile. memory: bytes it had at the end.
    """

    notes: Sequence[Notes]
    warm_up: float
    seconds: float
    processor: float
    memory: int

    @property
    def lags(self) -> list[list[float]]:
        """Of each session, seconds, of the events that belong to the measured stretch."""
        since, until = self.warm_up, self.warm_up + self.seconds
        return [[lag for at, lag in each.lags if since < at <= until] for each in self.notes]

    @property
    def lag_p95(self) -> float:
        """95 of 100 events came within so many seconds; infinite where none came."""
        every = [lag for lags in self.lags for lag in lags]
        return float(np.percentile(every, 95)) if every else float("inf")

    @property
    def longest_hop(self) -> float | None:
        """The longest that any session's hop was stretched to, None where none was."""
        return max((hop for each in self.notes for _, hop in each.hops), default=None)

    @property
    def gap_seconds(self) -> float:
        """Audio that the server dropped, of all sessions."""
        return sum(each.gap_seconds for each in self.notes)

    @property
    def is_kept_up(self) -> bool:
        """Whether the promise was kept and nothing dropped."""
        return (
            self.lag_p95 < PROMISED_SECONDS
            and not self.gap_seconds
            and all(each.has_ended for each in self.notes)
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; see docs/metrics.md. Lags are None where no event came."""
        every = np.array([lag for lags in self.lags for lag in lags])
        p50, p95, most = np.percentile(every, [50, 95, 100]).tolist() if len(every) else [None] * 3
        worst = [float(np.percentile(lags, 95)) for lags in self.lags if lags]
        audio = len(self.notes) * self.seconds
        return {
            "sessions": len(self.notes),
            "seconds": self.seconds,
            "events": len(every),
            "lag_p50": p50,
            "lag_p95": p95,
            "lag_max": most,
            "lag_p95_worst_session": max(worst, default=None),
            "rtf": self.processor / audio,
            "cores_busy": self.processor / self.seconds,
            "longest_hop": self.longest_hop,
            "gap_seconds": self.gap_seconds,
            "memory_mb": self.memory / 2**20 or None,
            "kept_up": self.is_kept_up,
        }


class Watched(Protocol):
    """A server, and what is seen of it from outside: see Served."""

    @property
    def url(self) -> str: ...

    @property
    def processor_seconds(self) -> float: ...

    @property
    def resident_bytes(self) -> int: ...


@dataclass
class _Clocked:
    """The server's processor time at two instants."""

    first: float = 0.0
    last: float = 0.0
    memory: int = 0


async def load(
    served: Watched,
    conversation: Conversation,
    num_sessions: int,
    seconds: float,
    *,
    hop: float = 0.5,
    warm_up: float = WARM_UP_SECONDS,
    label: str = "load",
    disturbed: bool = False,
) -> Load:
    """So many sessions at once, each at real time and each with a subscriber, measured for `seconds`.

    hop: that the sessions ask for. label: they are called LABEL-0, LABEL-1 and so on. disturbed: somebody
    follows the first of them without ever reading, and somebody else begins a session and gets stuck.
    Raises ServiceError where the server refuses one.
    """
    clock = asyncio.get_running_loop().time
    notes = [Notes() for _ in range(num_sessions)]
    clocked, began = _Clocked(), clock() + 1.0 + 0.05 * num_sessions
    names = [f"{label}-{number}" for number in range(num_sessions)]

    async def one(number: int) -> None:
        own = began + number * _GOLDEN % 1 * 0.5
        length = warm_up + seconds + 1.0
        await together(
            [
                subscribe(served.url, names[number], own, notes[number]),
                produce(served.url, names[number], conversation, number, own, length, hop),
            ]
        )

    async def watch() -> None:
        await asyncio.sleep(began + warm_up - clock())
        clocked.first = served.processor_seconds
        await asyncio.sleep(began + warm_up + seconds - clock())
        clocked.last, clocked.memory = served.processor_seconds, served.resident_bytes

    async with contextlib.AsyncExitStack() as stack:
        if disturbed:
            await stack.enter_async_context(_nuisances(served.url, names[0], conversation, label))
        await together([watch(), *(one(number) for number in range(num_sessions))])
    return Load(notes, warm_up, seconds, clocked.last - clocked.first, clocked.memory)


@contextlib.asynccontextmanager
async def _nuisances(url: str, session: str, conversation: Conversation, label: str) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(never_read(url, session)),
        asyncio.create_task(get_stuck(url, f"{label}-stuck", conversation)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def largest(run: Callable[[int], Awaitable[Load]], first: int) -> list[Load]:
    """Loads from `first` sessions on, until the largest number that is kept up with is found, or none is.

    In steps of a quarter, then halfway between the largest that was and the smallest that was not.
    """
    tried: dict[int, Load] = {}
    number = max(1, first)
    while number not in tried:
        tried[number] = await run(number)
        fine = max((tried_number for tried_number, each in tried.items() if each.is_kept_up), default=0)
        failed = min((each for each in tried if each > fine), default=None)
        if failed is None:
            number = fine + max(1, fine // 4)
        elif not fine:
            number = max(1, min(failed - 1, failed * 3 // 4))
        else:
            number = (fine + failed) // 2
    return list(tried.values())
