"""Change events against the changes of a reference: F1 within half a second, and how late they came."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..events import Change, Event
from ..grid import seconds, to_cells
from ..metrics import Lanes, Mask, runs

TOLERANCE = 50  # cells: an event within 0.5 s of a reference change may be that change
BRIDGED = 50  # cells: a speaker's pauses of up to 0.5 s are no change: the tolerance blurs both their ends


@dataclass(frozen=True)
class ChangeScore:
    """Changes found of those that were and those that were said; `+` pools recordings.

    delays: per matched pair, seconds of audio from the reference change to the event's `at`.
    """

    reference: int
    said: int
    delays: tuple[float, ...]

    @property
    def f1(self) -> float:
        """2 · matched / (reference + said); nan where there were neither."""
        total = self.reference + self.said
        return 2 * len(self.delays) / total if total else float("nan")

    def __add__(self, other: "ChangeScore") -> "ChangeScore":
        return ChangeScore(
            self.reference + other.reference, self.said + other.said, self.delays + other.delays
        )


def score_changes(reference: Lanes, events: Iterable[Event], scored: Mask) -> ChangeScore:
    """`change` events against `reference_changes`, in scored cells, whoever starts or stops.

    Events of one `t` are one change, said when the first of them was: the others say better who it was.
    Matched one to one within ±0.5 s between event `t` and reference: the most pairs, then the nearest.
    """
    wanted = reference_changes(reference, scored)
    first_at: dict[int, float] = {}
    for event in events:
        if isinstance(event, Change) and _inside(to_cells(event.t), scored):
            first_at.setdefault(to_cells(event.t), event.at)
    said = sorted(first_at)
    pairs = _match(wanted, np.array(said, np.int64))
    delays = tuple(first_at[said[s]] - seconds(int(wanted[w])) for w, s in pairs)
    return ChangeScore(len(wanted), len(said), delays)


def reference_changes(reference: Lanes, scored: Mask) -> NDArray[np.int64]:
    """Scored cells that begin with another set of speakers than the cell before ended with, ascending.

    Pauses of up to 0.5 s inside one speaker's speech are bridged first. Before the recording nobody speaks;
    whether a speaker stops at its end nobody knows, so that is no change.
    """
    lanes = np.array([_bridge(lane) for lane in reference.cells], np.bool_)
    lanes = lanes.reshape(len(reference.labels), reference.num_cells)
    changed = np.any(np.diff(lanes, axis=1, prepend=False), axis=0)
    return np.flatnonzero(changed & scored)


def _bridge(lane: Mask) -> Mask:
    bridged = lane.copy()
    spoken = runs(lane)
    for (_, start), (stop, _) in pairwise(spoken):
        if stop - start <= BRIDGED:
            bridged[start:stop] = True
    return bridged


def _inside(cell: int, scored: Mask) -> bool:
    return 0 <= cell < len(scored) and bool(scored[cell])


def _match(wanted: NDArray[np.int64], said: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Index pairs within the tolerance: the most pairs, then the least total distance.

    Solved in groups that lie further apart than the tolerance, so that hours stay small problems.
    """
    times = np.sort(np.concatenate([wanted, said]))
    borders = times[1:][np.diff(times) > TOLERANCE]
    pairs = []
    for low, high in zip([-np.inf, *borders], [*borders, np.inf]):
        ours = np.flatnonzero((wanted >= low) & (wanted < high))
        theirs = np.flatnonzero((said >= low) & (said < high))
        distance = np.abs(wanted[ours][:, None] - said[theirs][None, :])
        # No sum of distances inside the tolerance reaches one pair outside it.
        beyond = (TOLERANCE + 1) * (len(ours) + len(theirs) + 1)
        near = distance <= TOLERANCE
        rows, columns = linear_sum_assignment(np.where(near, distance, beyond))
        pairs += [(int(ours[r]), int(theirs[c])) for r, c in zip(rows, columns) if near[r, c]]
    return pairs
