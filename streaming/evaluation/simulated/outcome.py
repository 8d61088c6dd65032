"""What became of a meeting of hours: ids after an absence, speakers found, what was confused and revised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...engine.config import DiarizerConfig
from ...events import Event
from ...grid import to_cells
from ...metrics import DiarizationErrors, Lanes, Mask, best_map, diarization_errors
from ..live import Revised, Sight, watch
from ..stability import LabelCount, labels_per_speaker
from .plan import Stretch

HOUR = 3600.0
LEAST_SAID = 200  # cells that somebody must say alone in a stay for it to count


@dataclass(frozen=True)
class Returns:
    """Stays after an absence in which somebody spoke: how many, and in how many under the id of before.

    settled: most of what they say in the stay settles under their id of before. first: as first shown.
    """

    stays: int = 0
    settled: int = 0
    first: int = 0

    def __add__(self, other: "Returns") -> "Returns":
        return Returns(self.stays + other.stays, self.settled + other.settled, self.first + other.first)


@dataclass(frozen=True)
class LongSession:
    """What became of one meeting. found: speakers in the settled view, of `speakers` that spoke."""

    name: str
    hours: float
    speakers: int
    found: int
    returns: Returns
    first: DiarizationErrors
    settled: DiarizationErrors
    revised: Revised
    labels: LabelCount
    computed: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; shares and counts."""
        return {
            "name": self.name, "hours": self.hours, "speakers": self.speakers, "found": self.found,
            "stays": self.returns.stays, "old_id_settled": self.returns.settled,
            "old_id_first": self.returns.first,
            "confusion_first": self.first.confusion / self.first.speech,
            "confusion_settled": self.settled.confusion / self.settled.speech,
            "revision_rate": self.revised.rate, "labels_per_speaker": self.labels.per_speaker,
            "computed_seconds": self.computed,
        }  # fmt: skip


@dataclass(frozen=True)
class Outcomes:
    """Several meetings, and all of them together."""

    sessions: Sequence[LongSession]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; see docs/metrics.md."""
        returns = sum((session.returns for session in self.sessions), Returns())
        first = sum((s.first for s in self.sessions[1:]), self.sessions[0].first)
        settled = sum((s.settled for s in self.sessions[1:]), self.sessions[0].settled)
        off = [abs(session.found - session.speakers) for session in self.sessions]
        return {
            "sessions": [session.to_dict() for session in self.sessions],
            "stays": returns.stays,
            "old_id_settled": returns.settled / returns.stays if returns.stays else None,
            "old_id_first": returns.first / returns.stays if returns.stays else None,
            "count_right": float(np.mean([error == 0 for error in off])),
            "count_within_one": float(np.mean([error <= 1 for error in off])),
            "confusion_first": first.confusion / first.speech,
            "confusion_settled": settled.confusion / settled.speech,
        }


def outcome(
    name: str,
    reference: Lanes,
    stays: Mapping[str, Sequence[Stretch]],
    events: Sequence[Event],
    config: DiarizerConfig,
    computed: float,
) -> LongSession:
    """A log held against its reference. stays: by speaker, the stretches in which they are there."""
    sight = watch(events, num_cells=reference.num_cells, latency=config.latency, hop=config.hop)
    return LongSession(
        name=name,
        hours=reference.num_cells / to_cells(HOUR),
        speakers=len(reference.labels),
        found=len(sight.settled.labels),
        returns=_returns(stays, reference, sight),
        first=diarization_errors(reference, sight.first),
        settled=diarization_errors(reference, sight.settled),
        revised=sight.revisions(),
        labels=labels_per_speaker(reference, sight.first, np.ones(reference.num_cells, np.bool_)),
        computed=computed,
    )


def _returns(stays: Mapping[str, Sequence[Stretch]], reference: Lanes, sight: Sight) -> Returns:
    """Every stay but the first of each voice: does most of it go by the label that is theirs?"""
    counted = Returns()
    solo = reference.num_active == 1
    owner = best_map(reference, sight.settled, solo)
    for name, there in stays.items():
        if name not in reference.labels:
            continue
        mine = reference.cells[reference.labels.index(name)] & solo
        said = [mine & _within(stay, len(mine)) for stay in there]
        for before, now in pairwise(said):
            if min(before.sum(), now.sum()) >= LEAST_SAID:
                old = _most(sight.settled, before)
                known = old is not None and owner.get(name) == old
                counted += Returns(
                    1,
                    int(known and _most(sight.settled, now) == old),
                    int(known and _most(sight.first, now) == old),
                )
    return counted


def _within(stay: Stretch, num_cells: int) -> Mask:
    cells = np.arange(num_cells)
    inside: Mask = (cells >= to_cells(stay[0])) & (cells < to_cells(stay[1]))
    return inside


def _most(shown: Lanes, where: Mask) -> str | None:
    """The label with the most cells there, None where there is none."""
    cells = (shown.cells & where).sum(axis=1)
    return shown.labels[int(cells.argmax())] if cells.size and cells.max() else None
