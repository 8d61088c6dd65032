"""DER and its parts on the 10 ms grid, in numpy and scipy alone.

    DER = (false alarm + missed + confusion) / reference speech

counted in cells of 10 ms, every speaker of an overlap by itself, no collar, under the one-to-one map from
hypothesis labels to reference speakers that leaves the least confusion over the whole recording. The same
definition as NIST's md-eval and pyannote.metrics at collar 0; edges are rounded to cells here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .grid import seconds, to_cells
from .replay import Segment

Mask = NDArray[np.bool_]  # (cells,)


@dataclass(frozen=True)
class Lanes:
    """Who speaks in every cell: one lane per label.

    cells: (labels, cells) bool, row k belongs to labels[k].
    """

    labels: tuple[str, ...]
    cells: NDArray[np.bool_]

    @classmethod
    def of(cls, segments: Iterable[Segment], num_cells: int) -> "Lanes":
        """Segments on the grid: labels sorted, edges rounded to cells, what lies outside cut off."""
        segments = list(segments)
        labels = tuple(sorted({segment.speaker for segment in segments}))
        cells = np.zeros((len(labels), num_cells), np.bool_)
        row = {label: k for k, label in enumerate(labels)}
        for segment in segments:
            cells[row[segment.speaker], max(0, to_cells(segment.start)) : max(0, to_cells(segment.end))] = (
                True
            )
        return cls(labels, cells)

    @property
    def num_cells(self) -> int:
        """Length of the recording in cells."""
        return int(self.cells.shape[1])

    @property
    def num_active(self) -> NDArray[np.int64]:
        """(cells,) how many labels are out in each cell."""
        count: NDArray[np.int64] = self.cells.sum(axis=0, dtype=np.int64)
        return count

    def segments(self) -> list[Segment]:
        """Every unbroken run of every lane, by start, then end, then speaker."""
        out = [
            Segment(seconds(start), seconds(stop), label)
            for label, lane in zip(self.labels, self.cells, strict=True)
            for start, stop in runs(lane)
        ]
        return sorted(out, key=lambda segment: (segment.start, segment.end, segment.speaker))


@dataclass(frozen=True)
class DiarizationErrors:
    """The parts of DER in cells × speakers, or seconds × speakers; `+` pools recordings."""

    speech: float
    false_alarm: float
    missed: float
    confusion: float

    @property
    def rate(self) -> float:
        """DER as a share of reference speech; nan where the reference holds none."""
        wrong = self.false_alarm + self.missed + self.confusion
        return wrong / self.speech if self.speech else float("nan")

    def __add__(self, other: "DiarizationErrors") -> "DiarizationErrors":
        return DiarizationErrors(
            self.speech + other.speech,
            self.false_alarm + other.false_alarm,
            self.missed + other.missed,
            self.confusion + other.confusion,
        )


def diarization_errors(reference: Lanes, hypothesis: Lanes, scored: Mask | None = None) -> DiarizationErrors:
    """The errors of `hypothesis`, both of one length, in the cells of `scored` (default: all)."""
    if scored is None:
        scored = np.ones(reference.num_cells, np.bool_)
    wanted = reference.num_active[scored]
    given = hypothesis.num_active[scored]
    shared = shared_cells(reference, hypothesis, scored)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return DiarizationErrors(
        speech=int(wanted.sum()),
        false_alarm=int(np.maximum(given - wanted, 0).sum()),
        missed=int(np.maximum(wanted - given, 0).sum()),
        confusion=int(np.minimum(wanted, given).sum() - shared[rows, columns].sum()),
    )


def best_map(reference: Lanes, hypothesis: Lanes, scored: Mask) -> dict[str, str]:
    """Reference speaker to the label that is theirs: one-to-one, the most shared cells, none without any."""
    shared = shared_cells(reference, hypothesis, scored)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {reference.labels[r]: hypothesis.labels[c] for r, c in zip(rows, columns) if shared[r, c]}


def shared_cells(reference: Lanes, hypothesis: Lanes, scored: Mask) -> NDArray[np.int64]:
    """(reference speakers, labels) scored cells in which both are out."""
    out = np.zeros((len(reference.labels), len(hypothesis.labels)), np.int64)
    for r, lane in enumerate(reference.cells):
        spoken = lane & scored
        for h, other in enumerate(hypothesis.cells):
            out[r, h] = np.count_nonzero(spoken & other)
    return out


def runs(lane: Mask) -> Sequence[tuple[int, int]]:
    """(start, stop) of every unbroken stretch of True, in order."""
    edges = np.flatnonzero(np.diff(lane.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
