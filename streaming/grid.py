"""Samples, cells and seconds: the only place that rounds.

A cell is 10 ms. The session's clock counts samples from the first one; everything that leaves the engine
lies on cell edges, so seconds have at most two decimals and compare exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ConfigError

CELLS_PER_SECOND = 100


@dataclass(frozen=True)
class Grid:
    """The cells of a session at `rate` samples per second.

    Raises ConfigError for a rate that 10 ms does not divide into whole samples.
    """

    rate: int

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.rate % CELLS_PER_SECOND:
            raise ConfigError(f"sample rate {self.rate}: expected a multiple of {CELLS_PER_SECOND}")

    @property
    def cell(self) -> int:
        """Samples in a cell."""
        return self.rate // CELLS_PER_SECOND

    def cells(self, samples: int) -> int:
        """Whole cells in so many samples."""
        return samples // self.cell

    def samples(self, seconds: float) -> int:
        """Samples in so many seconds, rounded to a whole cell."""
        return round(seconds * CELLS_PER_SECOND) * self.cell


def seconds(cells: int) -> float:
    """The instant at which cell number `cells` begins."""
    return cells / CELLS_PER_SECOND


def to_cells(duration: float) -> int:
    """Cells in a duration of seconds, rounded."""
    return round(duration * CELLS_PER_SECOND)


@dataclass(frozen=True)
class FrameGrid:
    """Where the frames of a model's windows fall on the cells.

    Frame k of a window is centred on its sample offset + k * step; windows start on cell edges.
    """

    cell: int
    step: int
    offset: int

    def to_cells(self, values: NDArray[np.float32], num_samples: int) -> NDArray[np.float32]:
        """Frame values at cell centres, by linear interpolation; the first and last frame extend outwards.

        values: (frames, columns). Returns (num_samples // cell, columns) float32, a new array.
        """
        num_cells = num_samples // self.cell
        centres = (np.arange(num_cells) + 0.5) * self.cell
        position = np.clip((centres - self.offset) / self.step, 0, len(values) - 1)
        left = np.minimum(position.astype(np.intp), max(len(values) - 2, 0))
        right = np.minimum(left + 1, len(values) - 1)
        share = (position - left).astype(np.float32)[:, None]
        mixed: NDArray[np.float32] = values[left] * (1 - share) + values[right] * share
        return mixed
