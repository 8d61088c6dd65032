"""All that is counted on one recording at one latency, kept so that recordings can be pooled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..events import Event
from ..metrics import DiarizationErrors, Lanes
from .changes import ChangeScore, score_changes
from .live import Revised, watch
from .recordings import Recording
from .scoring import Accuracy, Scorer
from .stability import (
    Arrivals,
    Flips,
    LabelCount,
    Repairs,
    arrivals,
    flips,
    labels_per_speaker,
    repairs,
)


@dataclass(frozen=True)
class SpeakerCount:
    """How many speakers were found, at the end, of how many there are; `+` pools recordings."""

    found: int
    reference: int
    files: int = 1
    right: int = 0
    within_one: int = 0

    @classmethod
    def of(cls, found: int, reference: int) -> "SpeakerCount":
        """The count of one recording."""
        off = abs(found - reference)
        return cls(found, reference, right=int(off == 0), within_one=int(off <= 1))

    def __add__(self, other: "SpeakerCount") -> "SpeakerCount":
        return SpeakerCount(
            self.found + other.found,
            self.reference + other.reference,
            self.files + other.files,
            self.right + other.right,
            self.within_one + other.within_one,
        )


@dataclass(frozen=True)
class Tally:
    """Counts of one recording, or with `+` of several. `_first` is as first shown, `_final` as settled."""

    accuracy_first: Accuracy
    accuracy_final: Accuracy
    speakers: SpeakerCount
    revised: Revised
    repairs: Repairs
    flips_first: Flips
    flips_final: Flips
    labels_first: LabelCount
    labels_final: LabelCount
    arrivals: Arrivals
    changes: ChangeScore

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def under(self, *, lenient: bool) -> dict[str, float | None]:
        """DER and its parts, first shown and settled, under one protocol."""
        first, final = self.accuracy_first, self.accuracy_final
        return _rates(first.lenient, final.lenient) if lenient else _rates(first.strict, final.strict)

    def to_dict(self) -> dict[str, Any]:
        """Figures by name, as docs/metrics.md defines them; None where there was nothing to measure.

        Rates are shares, delays seconds of audio. `collar` holds the same DER figures under the lenient
        protocol of `scoring`.
        """
        first, final, speakers = self.accuracy_first, self.accuracy_final, self.speakers
        return {
            **_rates(first.strict, final.strict),
            "jer": _number(final.jaccard.rate),
            "jer_first": _number(first.jaccard.rate),
            "collar": _rates(first.lenient, final.lenient),
            "speakers": speakers.reference,
            "speakers_found": speakers.found,
            "count_accuracy": speakers.right / speakers.files,
            "count_within_one": speakers.within_one / speakers.files,
            "revision_rate": _number(self.revised.rate),
            "revised_wrong": _number(self.repairs.share),
            "flips_per_minute": _number(self.flips_first.per_minute),
            "flips_per_minute_final": _number(self.flips_final.per_minute),
            "labels_per_speaker": _number(self.labels_first.per_speaker),
            "labels_per_speaker_final": _number(self.labels_final.per_speaker),
            "change_f1": _number(self.changes.f1),
            "change_delay_p50": _percentile(self.changes.delays, 50),
            "change_delay_p95": _percentile(self.changes.delays, 95),
            "new_speaker_delay_p50": _percentile(self.arrivals.delays, 50),
            "new_speaker_delay_p95": _percentile(self.arrivals.delays, 95),
            "new_speakers_missed": self.arrivals.missed,
            "speech_seconds": final.strict.speech,
        }


def tally(
    recording: Recording, events: Sequence[Event], *, latency: float, hop: float, scorer: Scorer
) -> Tally:
    """Everything that the log of one recording says about it, against its reference.

    latency, hop: seconds, as the session was set.
    """
    scored = recording.mask
    reference = Lanes.of(recording.reference, recording.num_cells)
    sight = watch(events, num_cells=recording.num_cells, latency=latency, hop=hop)
    return Tally(
        accuracy_first=scorer.score(recording.reference, sight.first.segments(), recording.scored),
        accuracy_final=scorer.score(recording.reference, sight.settled.segments(), recording.scored),
        speakers=SpeakerCount.of(num_heard(sight.settled, scored), num_heard(reference, scored)),
        revised=sight.revisions(scored),
        repairs=repairs(reference, sight, scored),
        flips_first=flips(reference, sight.first, scored),
        flips_final=flips(reference, sight.settled, scored),
        labels_first=labels_per_speaker(reference, sight.first, scored),
        labels_final=labels_per_speaker(reference, sight.settled, scored),
        arrivals=arrivals(reference, sight, scored),
        changes=score_changes(reference, events, scored),
    )


def num_heard(lanes: Lanes, scored: Any) -> int:
    """How many labels are out in the scored cells."""
    return int(np.count_nonzero((lanes.cells & scored).any(axis=1)))


def _rates(first: DiarizationErrors, final: DiarizationErrors) -> dict[str, float | None]:
    return {
        "der_first": _number(first.rate),
        "der_final": _number(final.rate),
        **{name: _share(getattr(final, name), final.speech) for name in _PARTS},
        **{f"{name}_first": _share(getattr(first, name), first.speech) for name in _PARTS},
    }


def figures_of(errors: DiarizationErrors, suffix: str) -> dict[str, float | None]:
    """DER and its parts by name, each with a suffix."""
    parts = {f"{name}_{suffix}": _share(getattr(errors, name), errors.speech) for name in _PARTS}
    return {f"der_{suffix}": _number(errors.rate), **parts}


_PARTS = ("false_alarm", "missed", "confusion")


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percentile(values: Sequence[float], share: int) -> float | None:
    return float(np.percentile(values, share)) if values else None
