"""What every source gives: blocks of samples as they come, and what was lost between them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Block:
    """Samples as the source delivers them: (n, channels) float32, full scale ±1, any n."""

    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples, at the source's rate, that existed and never arrived; 0 where nobody knows how many."""

    num_samples: int
    reason: str


class Source(Protocol):
    """A stream of audio at one rate and one channel count.

    rate_hz, channels: fixed for the life of the source, known before the first block.
    num_samples: how many samples per channel there will be, None where nobody knows.
    live: whether blocks arrive at the pace of the clock, so that falling behind means lag.
    blocks: yields until the source ends or `close` is called; raises AudioError when it breaks.
    close: stops `blocks` after what has been captured is delivered; may be called from a signal handler,
        more than once.
    """

    rate_hz: int
    channels: int
    num_samples: int | None
    live: bool

    def blocks(self) -> AsyncGenerator[Block | Lost, None]: ...

    def close(self) -> None: ...
