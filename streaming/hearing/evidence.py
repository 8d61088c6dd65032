"""What the windows know about who is who: which stretches they heard as one voice.

A window tells its voices apart but does not know them, and its local speakers mean nothing outside it. What
remains once windows are forgotten is a link between two stretches: how much of the one was heard, window for
window, as the local speaker that the other was heard as.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spans = NDArray[np.intp]  # (spans, 2) cells [start, stop)

DOUBT = 20.0  # cells of speech by which every local speaker is held to be somebody unheard


class LocalVoices:
    """The local speakers of one window, ready to be summed over any span.

    activity: (cells, locals) from cell `start` on. overlap: (cells,) probability of a second voice.
    """

    def __init__(self, start: int, activity: Floats, overlap: Floats) -> None:
        self.start = start
        self.activity, self.overlap = activity, overlap
        self._whole = _running_sum(activity)
        self._alone = _running_sum(activity * (1 - overlap)[:, None])

    @property
    def stop(self) -> int:
        """First cell after the window."""
        return self.start + len(self.activity)

    def alone(self, spans: Spans) -> Floats:
        """(spans, locals): cells of each span that the window gave to each local, alone."""
        return self._sum(self._alone, spans)

    def whole(self, spans: Spans) -> Floats:
        """The same with overlapped cells counted in full."""
        return self._sum(self._whole, spans)

    def _sum(self, sums: Floats, spans: Spans) -> Floats:
        edges = np.minimum(np.maximum(spans - self.start, 0), len(self.activity))
        result: Floats = sums[edges[:, 1]] - sums[edges[:, 0]]
        return result


def alone(windows: Iterable[LocalVoices], spans: Spans) -> Floats:
    """(spans, windows, locals): cells of each span that each window gave to each local, alone."""
    return np.stack([window.alone(spans) for window in windows], axis=1)


def whole(windows: Iterable[LocalVoices], spans: Spans) -> Floats:
    """The same with overlapped cells counted in full."""
    return np.stack([window.whole(spans) for window in windows], axis=1)


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
    sums = np.zeros((len(values) + 1, values.shape[1]), np.float32)
    np.cumsum(values, axis=0, out=sums[1:])
    return sums
