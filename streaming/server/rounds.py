"""Rounds: what waits of all sessions goes through the models together, and to disk in one transaction.

One thread computes, so the event loop never waits for a model. A round takes at most a second of audio of
each of at most sixteen sessions, those that have waited longest first; so a session that sends faster than
the clock fills rounds but does not hold up others.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter
from hocket.streaming import compute
from hocket.streaming.requests import Request

from .hosted import Hosted, Outcome, Piece
from .store import Store

logger = logging.getLogger(__name__)

Output = NDArray[np.float32]
Running = Generator[list[Request], list[Output], Outcome]
MOST_SESSIONS = 16
GATHER_SECONDS = 0.02  # how long a round waits for sessions that are about to be due
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Work:
    """Pieces of a session for the next round."""

    hosted: Hosted
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Result:
    """What a round made of one session's work: an outcome that is stored, or why there is none.

    compute: the session's share of the round's time, in seconds.
    """

    outcome: Outcome | Exception
    compute: float


class Rounds:
    """Runs rounds whenever `wake` was called, until cancelled.

    gather: gives what is to be done next, at most so many sessions of it; deliver: takes the results, one
    per work and in its order. Both are called in the event loop, the store and the models in one thread.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        embedder: Embedder,
        store: Store,
        gather: Callable[[int], list[Work]],
        deliver: Callable[[list[Work], list[Result]], None],
    ) -> None:
        self._segmenter, self._embedder, self._store = segmenter, embedder, store
        self._gather, self._deliver = gather, deliver
        self._thread = ThreadPoolExecutor(1, "hocket-rounds")
        self._work_waits = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._work_waits.set()

    async def call(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Run something else in the rounds' thread, between two of them."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def run(self) -> None:
        """Rounds without end."""
        while True:
            await self._work_waits.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._work_waits.clear()
            while works := self._gather(MOST_SESSIONS):
                self._deliver(works, await self.call(self._round, works))

    def close(self) -> None:
        """Let the thread end when it has done what it is doing."""
        self._thread.shutdown(wait=True)

    def _round(self, works: list[Work]) -> list[Result]:
        began = time.monotonic()
        outcomes = self._computed(works)
        done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
        try:
            self._store.add(outcome.step for outcome in done)
        except Exception as error:  # nobody may see what is not stored
            logger.error("events cannot be stored: %s", error)
            outcomes = [error] * len(works)
        share = (time.monotonic() - began) / len(works)
        return [Result(outcome, share) for outcome in outcomes]

    def _computed(self, works: list[Work]) -> list[Outcome | Exception]:
        running = [work.hosted.steps(work.pieces) for work in works]
        outcomes: dict[int, Outcome | Exception] = {}
        answers: dict[int, list[Output] | None] = dict.fromkeys(range(len(works)))
        while answers:
            due: dict[int, list[Request]] = {}
            for index, answer in answers.items():
                try:
                    due[index] = next(running[index]) if answer is None else running[index].send(answer)
                except StopIteration as end:
                    outcomes[index] = end.value
                except Exception as error:
                    logger.exception("session %r failed", works[index].hosted.session)
                    outcomes[index] = error
            answers = self._answered(due, outcomes)
        return [outcomes[index] for index in range(len(works))]

    def _answered(
        self, due: dict[int, list[Request]], outcomes: dict[int, Outcome | Exception]
    ) -> dict[int, list[Output] | None]:
        """Answers by session: all in one go or, where that fails, each alone, to see whose fault it is."""
        try:
            together = iter(self._run([request for requests in due.values() for request in requests]))
            return {index: [next(together) for _ in requests] for index, requests in due.items()}
        except Exception:
            logger.exception("models failed on %d sessions together", len(due))
        alone: dict[int, list[Output] | None] = {}
        for index, requests in due.items():
            try:
                alone[index] = self._run(requests)
            except Exception as error:
                outcomes[index] = error
        return alone

    def _run(self, requests: list[Request]) -> list[Output]:
        return compute.run(requests, self._segmenter, self._embedder)
