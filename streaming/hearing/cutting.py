"""Speech cut into atoms: between pauses and changes, at most about two seconds, one voice each.

Windows propose where voices begin, end and change; an atom is what is embedded, clustered and named, once.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AtomRules:
    """How speech is cut. Lengths are cells.

    onset, offset: speech probabilities that begin and end a stretch. change: how much the local voices
    must move to cut. longest: an atom never grows beyond this. apart: no two cuts are nearer than this.
    bridge: pauses shorter than this do not end a stretch. shortest: stretches shorter than this are no
    speech.
    """

    onset: float
    offset: float
    change: float = 0.35
    longest: int = 200
    apart: int = 20
    bridge: int = 0
    shortest: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """Cells [start, stop) of one atom. `closed`: a pause, a change or its length ended it."""

    start: int
    stop: int
    closed: bool


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[start, stop) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]


def speech_stretches(speech: Floats, rules: AtomRules) -> list[tuple[int, int]]:
    """Cells [start, stop) of speech, by hysteresis: begun above `onset`, ended below `offset`."""
    above, below = speech > rules.onset, speech < rules.offset
    # Between the thresholds the last decision holds: +1 where speech begins, −1 where it ends, carried on.
    marks = np.where(above, 1, np.where(below, -1, 0))
    last_mark = np.maximum.accumulate(np.where(marks != 0, np.arange(len(marks)), -1))
    on = np.where(last_mark >= 0, marks[last_mark], -1) > 0 if len(marks) else np.zeros(0, bool)
    stretches: list[tuple[int, int]] = []
    for start, stop in runs_of(on):
        if stretches and start - stretches[-1][1] < rules.bridge:
            stretches[-1] = (stretches[-1][0], stop)
        else:
            stretches.append((start, stop))
    return [(start, stop) for start, stop in stretches if stop - start >= rules.shortest]


def cut(speech: Floats, change: Floats, first_cell: int, rules: AtomRules) -> list[Span]:
    """The atoms of a run of cells.

    speech, change: (cells,) probabilities from cell `first_cell` on. Speech is cut where the voices change
    most and where it would grow too long. The last atom is open when speech reaches the end.
    """
    spans: list[Span] = []
    peaks = _peaks(change)
    peaks = peaks[change[peaks] > rules.change]
    for start, stop in speech_stretches(speech, rules):
        cuts = [start]
        for peak in [*peaks[(peaks > start) & (peaks < stop)].tolist(), stop]:
            if peak != stop and (peak - cuts[-1] < rules.apart or stop - peak < rules.apart):
                continue
            while peak - cuts[-1] > rules.longest:
                cuts.append(cuts[-1] + rules.longest)
            cuts.append(peak)
        closed_at_end = stop < len(speech)
        for index, (a, b) in enumerate(pairwise(cuts)):
            closed = index < len(cuts) - 2 or closed_at_end or b - a >= rules.longest
            spans.append(Span(first_cell + a, first_cell + b, closed))
    return spans


def _peaks(change: Floats, reach: int = 15) -> NDArray[np.intp]:
    """Cells where `change` is the largest within `reach` either side; of a plateau, the middle."""
    if not len(change):
        return np.zeros(0, np.intp)
    padded = np.pad(change, reach, constant_values=-1)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return np.array([(start + stop) // 2 for start, stop in runs_of(change >= highest)], np.intp)
