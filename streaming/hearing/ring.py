"""A ring of rows addressed by absolute index: the newest stretch of an endless stream, in bounded memory."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows = NDArray[Any]


class Ring:
    """Rows [start, stop) of a stream that only grows.

    capacity: how many of the newest rows are kept. row: shape of one row, () for plain samples.
    Rows older than capacity are gone; asking for them is an IndexError, not silence.
    """

    def __init__(self, capacity: int, row: tuple[int, ...] = (), dtype: DTypeLike = np.float32) -> None:
        self.capacity = capacity
        self.stop = 0
        # Twice the capacity, so that a view is always one contiguous slice and rows move rarely.
        self._rows: Rows = np.zeros((2 * capacity, *row), dtype)
        self._origin = 0

    @property
    def start(self) -> int:
        """Absolute index of the oldest row kept."""
        return max(0, self.stop - self.capacity)

    def append(self, rows: Rows) -> None:
        """Add rows at `stop`. More than `capacity` at once keeps the newest."""
        self._make_room(min(len(rows), self.capacity), len(rows))
        kept = rows[-self.capacity :]
        self._rows[self.stop - len(kept) - self._origin : self.stop - self._origin] = kept

    def extend(self, num_rows: int) -> None:
        """Add rows of zeros: a declared gap, or room to be written through `view`."""
        fresh = min(num_rows, self.capacity)
        self._make_room(fresh, num_rows)
        self._rows[self.stop - fresh - self._origin : self.stop - self._origin] = 0

    def view(self, start: int, stop: int) -> Rows:
        """Rows [start, stop), not copied: writing to it writes to the ring; valid until the next append."""
        if not self.start <= start <= stop <= self.stop:
            raise IndexError(f"rows {start}–{stop} asked for, {self.start}–{self.stop} kept")
        return self._rows[start - self._origin : stop - self._origin]

    def _make_room(self, fresh: int, advance: int) -> None:
        stop = self.stop + advance
        if stop - self._origin > len(self._rows):
            origin = max(0, stop - self.capacity)
            survivors = self._rows[origin - self._origin : self.stop - self._origin].copy()
            self._rows[: len(survivors)] = survivors
            self._origin = origin
        self.stop = stop

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain values and arrays."""
        return {"stop": self.stop, "rows": self.view(self.start, self.stop).copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the ring that `state` was taken from."""
        self.stop = self._origin = 0
        self.extend(state["stop"])
        self.view(self.start, self.stop)[:] = state["rows"]
