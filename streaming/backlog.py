"""Audio that waits for the engine, never more than a few seconds of it."""

import asyncio
from collections import deque
from dataclasses import dataclass

import numpy as np

from .sources.base import Block, Lost

BATCH_SECONDS = 1.0
DROPPED = "dropped: the engine was behind"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A piece of the stream, and when it arrived on the event loop's clock."""

    piece: Block | Lost
    arrived: float


class Backlog:
    """What a source has said and the engine has not heard yet.

    limit_seconds: how much audio may wait. Past it, `put` waits too, so that a file is read no faster than it
    is used; or, for a `live` source, which does not wait, the older half goes and one `Lost` takes its place.
    num_dropped: samples that went so.
    """

    def __init__(self, rate_hz: int, limit_seconds: float, *, live: bool) -> None:
        self.num_dropped = 0
        self._limit = round(rate_hz * limit_seconds)
        self._batch = round(rate_hz * BATCH_SECONDS)
        self._live = live
        self._waiting: deque[Waiting] = deque()
        self._num_samples = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, piece: Block | Lost) -> None:
        """Add a piece; waits, or drops older ones, when too much is waiting."""
        async with self._changed:
            if not self._live:
                await self._changed.wait_for(lambda: self._num_samples < self._limit)
            self._append(Waiting(piece, asyncio.get_running_loop().time()))
            if self._num_samples > self._limit and self._live:
                self._drop()
            self._changed.notify_all()

    async def close(self) -> None:
        """Nothing more will come; what waits can still be taken."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def take(self) -> Waiting | None:
        """The oldest piece, None after the last. Blocks come joined, up to a second, as old as the first."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            oldest = self._pop()
            if isinstance(oldest.piece, Lost):
                return oldest
            joined, num_samples = [oldest.piece.samples], len(oldest.piece.samples)
            while self._waiting and isinstance(block := self._waiting[0].piece, Block):
                num_samples += len(block.samples)
                if num_samples > self._batch:
                    break
                joined.append(block.samples)
                self._pop()
            self._changed.notify_all()
            return Waiting(Block(np.concatenate(joined)), oldest.arrived)

    def _drop(self) -> None:
        """Lets go of the older half: one long gap now and then hurts less than many short ones."""
        oldest, lost = self._waiting[0], 0
        while self._num_samples > self._limit // 2 and len(self._waiting) > 1:
            match self._pop().piece:
                case Block(samples):
                    lost += len(samples)
                    self.num_dropped += len(samples)
                case Lost(num_samples):
                    lost += num_samples
        self._waiting.appendleft(Waiting(Lost(lost, DROPPED), oldest.arrived))

    def _append(self, waiting: Waiting) -> None:
        if isinstance(waiting.piece, Block):
            self._num_samples += len(waiting.piece.samples)
        self._waiting.append(waiting)

    def _pop(self) -> Waiting:
        waiting = self._waiting.popleft()
        if isinstance(waiting.piece, Block):
            self._num_samples -= len(waiting.piece.samples)
        return waiting
