"""A service with models that are quick and disagree with themselves; as a program too, to be killed."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.events import Event
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from hocket.streaming.sources.base import Block, Lost
from tests.unruly_models import RATE, UnrulyDetectingSegmenter, UnrulyEmbedder, babble


class UnrulyModels:
    """A pair as `open_models` gives one."""

    segmenter = UnrulyDetectingSegmenter()
    embedder = UnrulyEmbedder()
    names = {"segmentation": "unruly", "embedding": "unruly"}  # noqa: RUF012


@asynccontextmanager
async def service(folder: Path, door: Door | None = None, limits: Limits | None = None) -> AsyncIterator[str]:
    """A service on a port of its own; gives its address."""
    async with serving(Hub(UnrulyModels(), folder, limits or Limits()), door or Door(port=0)) as port:
        yield f"ws://127.0.0.1:{port}"


class Babble:
    """A source of whole 16-bit samples: the same seed, the same samples."""

    rate_hz, channels = RATE, 1

    def __init__(self, seed: int, seconds: float, *, pace: float = 0.0, block: int = 3000) -> None:
        self.samples: NDArray[np.float32] = (np.round(babble(seed, seconds) * 32_767) / 32_768).astype(
            np.float32
        )
        self.num_samples: int | None = len(self.samples)
        self.live = False
        self._pace, self._block, self._closed = pace, block, False

    def close(self) -> None:
        self._closed = True

    async def blocks(self) -> AsyncGenerator[Block | Lost, None]:
        for start in range(0, len(self.samples), self._block):
            if self._closed:
                return
            await asyncio.sleep(self._pace * self._block / RATE)
            yield Block(self.samples[start : start + self._block, None])

    def pcm(self) -> bytes:
        """All of it, as pcm_s16le."""
        return bytes((self.samples * 32_768).astype("<i2").tobytes())

    def said(self, session: str, config: DiarizerConfig | None = None) -> list[Event]:
        """What a session says that hears this without a service."""
        models = UnrulyModels()
        diarizer = Diarizer(models.segmenter, models.embedder, config, session=session, models=models.names)
        return diarizer.push(self.samples) + diarizer.finish()


async def _main(folder: str, port: str) -> None:
    async with service(Path(folder), Door(port=int(port))) as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
