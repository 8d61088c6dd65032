"""What the windows say about each cell: speech, overlap and change, averaged over all that saw it."""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import LocalVoices
from .powerset import Powerset
from .ring import Ring

Floats = NDArray[np.float32]

CHANGE_REACH = 10  # cells each side of a cell between which a change is measured: 200 ms in all
SPEECH, OVERLAP, SEEN, CHANGE, SEEN_CHANGE = range(5)


class Curves:
    """Averages over windows, on the absolute cell clock, for the newest `capacity` cells.

    windows: the local voices of the windows that reach into those cells, oldest first.
    """

    def __init__(self, powerset: Powerset, capacity: int) -> None:
        self.powerset = powerset
        self.windows: deque[LocalVoices] = deque()
        self._sums = Ring(capacity, (5,), np.float64)

    @property
    def start(self) -> int:
        """Oldest cell kept."""
        return self._sums.start

    @property
    def stop(self) -> int:
        """First cell that nobody has seen yet."""
        return self._sums.stop

    def extend(self, stop: int) -> None:
        """Move the clock to cell `stop`. New cells count as silence until a window has seen them."""
        self._sums.extend(stop - self.stop)
        while self.windows and self.windows[0].stop <= self.start:
            self.windows.popleft()

    def add(self, start: int, probabilities: Floats) -> None:
        """Take the class probabilities (cells, classes) of a window that begins at cell `start`."""
        skip = max(0, self.start - start)
        probabilities, start = probabilities[skip:], start + skip
        activity, overlap = self.powerset.activity(probabilities), self.powerset.overlap(probabilities)
        stop = start + len(probabilities)
        sums = self._sums.view(start, stop)
        sums[:, SPEECH] += self.powerset.speech(probabilities)
        sums[:, OVERLAP] += overlap
        sums[:, SEEN] += 1
        if len(activity) > 2 * CHANGE_REACH:
            moved = np.abs(activity[2 * CHANGE_REACH :] - activity[: -2 * CHANGE_REACH]).max(axis=1)
            sums[CHANGE_REACH:-CHANGE_REACH, CHANGE] += moved
            sums[CHANGE_REACH:-CHANGE_REACH, SEEN_CHANGE] += 1
        self.windows.append(LocalVoices(start, activity, overlap))

    def speech(self, start: int, stop: int) -> Floats:
        """Probability of speech in cells [start, stop)."""
        return self._average(start, stop, SPEECH, SEEN)

    def is_seen(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Whether any window saw each cell of [start, stop)."""
        seen: NDArray[np.bool_] = self._sums.view(start, stop)[:, SEEN] > 0
        return seen

    def overlap(self, start: int, stop: int) -> Floats:
        """Probability of two or more voices in cells [start, stop)."""
        return self._average(start, stop, OVERLAP, SEEN)

    def change(self, start: int, stop: int) -> Floats:
        """How much the local speakers' activities move around each cell of [start, stop)."""
        return self._average(start, stop, CHANGE, SEEN_CHANGE)

    def _average(self, start: int, stop: int, column: int, weight: int) -> Floats:
        sums = self._sums.view(start, stop)
        result: Floats = (sums[:, column] / np.maximum(sums[:, weight], 1e-9)).astype(np.float32)
        return result

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "sums": self._sums.state(),
            "windows": [[w.start, w.activity, w.overlap] for w in self.windows],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the curves that `state` was taken from."""
        self._sums.restore(state["sums"])
        self.windows = deque(LocalVoices(*row) for row in state["windows"])
