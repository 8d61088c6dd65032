"""Where the engines of sessions live: a host is given pieces of many sessions, and says what came of them.

`Engines` is the host in this process. Another may be a process on another machine: all that goes in and out
is data, and what a host has in its memory can be had again from the store.
"""

import logging
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter
from hocket.streaming.clustering.people import Profile
from hocket.streaming.engine import compute
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import HocketError
from hocket.streaming.events import Event
from hocket.streaming.hearing.requests import Request

from ..protocol.ends import settings_of
from ..protocol.messages import Start
from .hosted import Hosted, Outcome, Piece
from .store import Kept

logger = logging.getLogger(__name__)

Output = NDArray[np.float32]
Running = Generator[list[Request], list[Output], Outcome]


class Models(Protocol):
    """What the sessions hear with, as `open_models` gives it."""

    @property
    def segmenter(self) -> Segmenter: ...

    @property
    def embedder(self) -> Embedder: ...

    @property
    def names(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Work:
    """Pieces of a session for the next round."""

    session: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session: its first events, and its state after them."""

    events: Sequence[Event]
    snapshot: bytes


class HostLost(HocketError):
    """A host is gone, and with it the engines that lived there; what is stored is not."""


class Host(Protocol):
    """Holds engines by the name of their session, until they have ended or failed.

    `wait` is for the event loop, the rest for one thread, and may raise HostLost; the host is then not up,
    until `wait` returns, and holds nothing.
    """

    @property
    def is_up(self) -> bool: ...

    async def wait(self) -> None:
        """Until the host is up."""

    def begin(self, session: str, start: Start) -> Begun:
        """A new engine."""

    def restore(self, session: str, start: Start, kept: Kept, told: Sequence[Event], seconds: float) -> int:
        """An engine as its last step left it, in place of one of that name; the sample it goes on from.

        told: the events since the snapshot. seconds: heard so far. Raises HocketError where that cannot be.
        """

    def run(self, works: Sequence[Work]) -> list[Outcome | Exception]:
        """What comes of each work, in their order; a session that fails holds up no other."""


def num_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engines:
    """A host in this process: what its sessions need of the models goes through them together.

    Several of them, each in a thread of its own, may share the models.
    """

    is_up = True

    def __init__(self, models: Models, people: Sequence[Profile] = ()) -> None:
        self._models = models
        self._people = people
        self._hosted: dict[str, Hosted] = {}

    async def wait(self) -> None:
        return

    def begin(self, session: str, start: Start) -> Begun:
        models = self._models
        diarizer = Diarizer(
            models.segmenter,
            models.embedder,
            settings_of(start.options),
            session=session,
            models=models.names,
            people=[person for person in self._people if start.people is None or person.id in start.people],
        )
        events = diarizer.feed(np.zeros(0, np.float32))
        self._hosted[session] = Hosted(diarizer, session, start, self._people)
        return Begun(events, diarizer.snapshot())

    def restore(self, session: str, start: Start, kept: Kept, told: Sequence[Event], seconds: float) -> int:
        segmenter, embedder = self._models.segmenter, self._models.embedder
        fed = round(seconds * segmenter.spec.rate) - kept.num_samples
        hosted = Hosted.restore(session, start, kept, told, segmenter, embedder, fed, self._people)
        self._hosted[session] = hosted
        return hosted.sample

    def run(self, works: Sequence[Work]) -> list[Outcome | Exception]:
        running = [self._hosted[work.session].steps(work.pieces) for work in works]
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
                    name = works[index].session
                    extra = {"event": "session.stumbled", "session": name}
                    logger.exception("session %s failed", name, extra=extra)
                    outcomes[index] = error
            answers = self._answered(due, outcomes)
        for index, work in enumerate(works):
            outcome = outcomes[index]
            if isinstance(outcome, Exception) or outcome.step.is_last:
                del self._hosted[work.session]
        return [outcomes[index] for index in range(len(works))]

    def _answered(
        self, due: dict[int, list[Request]], outcomes: dict[int, Outcome | Exception]
    ) -> dict[int, list[Output] | None]:
        """Answers by session: all in one go or, where that fails, each alone, to see whose fault it is."""
        try:
            together = iter(self._answer([request for requests in due.values() for request in requests]))
            return {index: [next(together) for _ in requests] for index, requests in due.items()}
        except Exception:
            logger.exception("models failed on %d sessions together", len(due))
        alone: dict[int, list[Output] | None] = {}
        for index, requests in due.items():
            try:
                alone[index] = self._answer(requests)
            except Exception as error:
                outcomes[index] = error
        return alone

    def _answer(self, requests: list[Request]) -> list[Output]:
        return compute.run(requests, self._models.segmenter, self._models.embedder)
