"""A source to test with: it says what it is told to."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import numpy as np

from hocket.streaming.sources.base import Block, Lost
from tests.sound import tone


class Script:
    """A source that says what it was told to, in the order it was told."""

    num_samples: int | None = None

    def __init__(
        self,
        pieces: Sequence[Block | Lost | Exception],
        *,
        rate_hz: int = 16_000,
        channels: int = 1,
        live: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.rate_hz, self.channels, self.live = rate_hz, channels, live
        self.was_left = False
        self._pieces, self._pause, self._closed = pieces, pause, False

    def close(self) -> None:
        self._closed = True

    async def blocks(self) -> AsyncGenerator[Block | Lost, None]:
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                await asyncio.sleep(self._pause)
                if self._closed:
                    return
        finally:
            self.was_left = True


def blocks(seconds: float, *, rate: int = 16_000, channels: int = 1) -> list[Block]:
    """A tone in pieces of 0.1 s."""
    samples = np.stack([tone(seconds, rate=rate)] * channels, axis=1)
    length = rate // 10
    return [Block(samples[start : start + length]) for start in range(0, len(samples), length)]
