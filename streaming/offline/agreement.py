"""How often the windows heard two stretches as one voice, over all windows of a recording."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from ..hearing.atoms import Atom
from ..hearing.evidence import LocalVoices

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

# Log-likelihood ratio of "one speaker" by the share of windows that heard two stretches as one local voice.
# Fitted on simulated meetings and telephone calls, where below a share of 0.05 one pair in a hundred is one
# speaker, above 0.8 nine in ten.
_SHARES = np.array([0.0, 0.02, 0.05, 0.1, 0.15, 0.27, 0.42, 0.57, 0.72, 0.9, 1.0])
_EVIDENCE = np.array([-6.0, -5.5, -4.5, -3.3, -2.6, -1.5, -0.6, 0.1, 0.7, 2.0, 2.2])
ENOUGH = 4.0  # windows that must have seen a pair for its evidence to count in full
LEAST_SEEN = 0.5  # windows below which a pair counts as never seen together


class Agreement:
    """Pairs of atoms, and of overlaps with atoms, summed over the windows that heard both.

    Atoms and overlaps are numbered in the order in which they are added; each window is added once, when all
    atoms that it reaches into are there. Grows with the recording: some 15 MB an hour.
    """

    def __init__(self) -> None:
        self._atoms = _Stretches()
        self._overlaps = _Stretches()
        self._pairs = _Sums()
        self._seconds = _Sums()

    def add_atoms(self, atoms: Iterable[Atom]) -> None:
        """Number atoms, and the overlaps in them, that follow all those before."""
        for atom in atoms:
            self._atoms.append(atom.start, atom.stop)
            for overlap in atom.overlaps:
                self._overlaps.append(overlap.start, overlap.stop)

    def add_window(self, window: LocalVoices) -> None:
        """Take what one window heard."""
        first, spans = self._atoms.within(window.start, window.stop)
        if not len(spans):
            return
        heard = window.alone(spans) / (spans[:, 1:] - spans[:, :1])
        present = heard.sum(axis=1)
        self._pairs.add(first, first, heard @ heard.T, np.outer(present, present))
        first_overlap, overlaps = self._overlaps.within(window.start, window.stop)
        if len(overlaps):
            both = window.whole(overlaps) / (overlaps[:, 1:] - overlaps[:, :1])
            self._seconds.add(first_overlap, first, both @ heard.T, np.outer(both.sum(axis=1), present))

    def of_atoms(self) -> "Pairs":
        """Every atom with every other; none with itself."""
        size = len(self._atoms)
        pairs = self._pairs.pairs((size, size))
        for matrix in (pairs.together, pairs.seen):
            matrix.setdiag(0)
        return pairs

    def of_overlaps(self) -> "Pairs":
        """Every overlap (rows) with every atom."""
        return self._seconds.pairs((len(self._overlaps), len(self._atoms)))


class Pairs:
    """Sums over windows. together: those in which two were one local voice; seen: those that heard both."""

    def __init__(self, together: csr_array, seen: csr_array) -> None:
        self.together, self.seen = together, seen

    def evidence(self, members: Ints) -> tuple[Floats, NDArray[np.bool_]]:
        """What the windows say about pairs of some atoms: nats (n, n), 0 where nothing; which have any."""
        together = self.together[members][:, members].toarray()
        seen = self.seen[members][:, members].toarray()
        near = seen > LEAST_SEEN
        share = np.divide(together, seen, out=np.zeros_like(together), where=near)
        nats = np.interp(share, _SHARES, _EVIDENCE) * np.minimum(1, seen / ENOUGH)
        return np.where(near, nats, 0.0).astype(np.float32), near

    def shares(self, lengths: Floats, names: Ints, ids: Ints, doubt: float) -> Floats:
        """(rows, ids) share of each row's voice that the windows give to each speaker.

        lengths: (atoms,) weight of each, names: (atoms,) ids of theirs. doubt: weight of being nobody's.
        """
        weights = (names[:, None] == ids) * lengths[:, None]
        owned = np.asarray(self.together @ weights.astype(np.float32))
        result: Floats = (owned / (owned.sum(axis=1, keepdims=True) + doubt)).astype(np.float32)
        return result


class _Stretches:
    """Spans in order of their starts, none much longer than a window."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, start: int, stop: int) -> None:
        self._starts.append(start)
        self._stops.append(stop)

    def within(self, start: int, stop: int) -> tuple[int, Ints]:
        """(number of the first, (n, 2) spans) of those that share a cell with [start, stop)."""
        first = bisect_right(self._stops, start)
        last = bisect_left(self._starts, stop)
        spans = np.array([self._starts[first:last], self._stops[first:last]], np.intp).T
        return first, spans.reshape(-1, 2)


class _Sums:
    """Two sparse matrices, added up from small dense blocks."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.int32]] = []
        self._columns: list[NDArray[np.int32]] = []
        self._values: tuple[list[Floats], list[Floats]] = ([], [])

    def add(self, row: int, column: int, *blocks: Floats) -> None:
        """Add two (r, c) blocks with their corner at (row, column)."""
        rows, columns = np.indices(blocks[0].shape, np.int32)
        self._rows.append((rows + row).ravel())
        self._columns.append((columns + column).ravel())
        for values, block in zip(self._values, blocks, strict=True):
            values.append(block.astype(np.float32).ravel())

    def pairs(self, shape: tuple[int, int]) -> Pairs:
        together, seen = (self._matrix(values, shape) for values in self._values)
        return Pairs(together, seen)

    def _matrix(self, values: Sequence[Floats], shape: tuple[int, int]) -> csr_array:
        if not values:
            return csr_array(shape, dtype=np.float32)
        where = np.concatenate(self._rows), np.concatenate(self._columns)
        return coo_array((np.concatenate(values), where), shape=shape).tocsr()
