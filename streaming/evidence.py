"""What the windows know about who is who: which stretches they heard as one voice.

A window tells its voices apart but does not know them, and its local speakers mean nothing outside it. What
remains once windows are forgotten is a link between two stretches: how much of the one was heard, window for
window, as the local speaker that the other was heard as.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .curves import WindowActivity

Floats = NDArray[np.float32]

DOUBT = 20.0  # cells of speech by which every local speaker is held to be somebody unheard


class Hearing:
    """The local activities of recent windows on one axis of cells, ready to be summed over spans.

    windows: the windows to hear. start, stop: cells of the axis. alone: (stop - start,) weight of each cell,
    small where two voices overlap.
    """

    def __init__(self, windows: Sequence[WindowActivity], start: int, stop: int, alone: Floats) -> None:
        self.start, self.stop = start, stop
        num_locals = windows[0].activity.shape[1] if windows else 1
        activity = np.zeros((len(windows), stop - start, num_locals), np.float32)
        for row, window in zip(activity, windows):
            first, last = max(window.start, start), min(window.stop, stop)
            if first < last:
                row[first - start : last - start] = window.activity[first - window.start : last - window.start]
        self._whole = _running_sum(activity)
        self._alone = _running_sum(activity * alone[None, :, None])

    def alone(self, spans: Sequence[tuple[int, int]]) -> Floats:
        """(spans, windows, locals): cells of each span that each window gave to each local, alone."""
        return self._sum(self._alone, spans)

    def whole(self, spans: Sequence[tuple[int, int]]) -> Floats:
        """The same with overlapped cells counted in full."""
        return self._sum(self._whole, spans)

    def _sum(self, sums: Floats, spans: Sequence[tuple[int, int]]) -> Floats:
        edges = np.clip(np.array(spans, np.intp).reshape(-1, 2) - self.start, 0, self.stop - self.start)
        result: Floats = (sums[:, edges[:, 1]] - sums[:, edges[:, 0]]).transpose(1, 0, 2)
        return result


def links(heard: Floats, others: Floats) -> Floats:
    """How much of each stretch was heard as the local speaker that each other stretch was heard as.

    heard: (n, windows, locals), others: (m, windows, locals), cells. Returns (n, m) float32; a row sums to at
    most 1, and to less the less its local speakers were heard elsewhere.
    """
    owned = others / (others.sum(axis=0, keepdims=True) + DOUBT)
    shared = np.einsum("awk,bwk->ab", heard, owned, optimize=True)
    result: Floats = shared / np.maximum(heard.sum(axis=(1, 2)), 1e-6)[:, None]
    return result


def _running_sum(values: Floats) -> Floats:
    sums = np.zeros((values.shape[0], values.shape[1] + 1, values.shape[2]), np.float32)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
