"""DER and JER as pyannote.metrics counts them, under the two protocols that the field reports.

- strict: no collar, overlapped speech scored;
- lenient: 0.25 s on each side of every reference boundary and all overlapped speech left out. (pyannote's
  `collar` is the total width, 0.5 s; md-eval's is each side, 0.25 s.)

Figures of the two are never compared with each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MissingDependency
from ..metrics import DiarizationErrors
from ..replay import Segment
from ..rttm import Stretch

COLLAR_EACH_SIDE = 0.25


@dataclass(frozen=True)
class Jaccard:
    """Jaccard errors of single speakers, summed; `+` pools recordings.

    A speaker's error is 1 - |both| / |either| of their speech and that of the label mapped to them, 1 without
    a label.
    """

    error: float
    speakers: int

    @property
    def rate(self) -> float:
        """JER: the mean over reference speakers, however much they say; nan without any."""
        return self.error / self.speakers if self.speakers else float("nan")

    def __add__(self, other: "Jaccard") -> "Jaccard":
        return Jaccard(self.error + other.error, self.speakers + other.speakers)


@dataclass(frozen=True)
class Accuracy:
    """One hypothesis against one reference, in seconds × speakers; `+` pools recordings."""

    strict: DiarizationErrors
    lenient: DiarizationErrors
    jaccard: Jaccard

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(
            self.strict + other.strict, self.lenient + other.lenient, self.jaccard + other.jaccard
        )


class Scorer:
    """Scores hypotheses against references with pyannote.metrics.

    Raises MissingDependency when the extra is not installed.
    """

    def __init__(self) -> None:
        try:
            from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate
        except ImportError as error:
            raise MissingDependency(
                "scoring needs pyannote.metrics, which is not installed: pip install 'hocket[eval]'"
            ) from error
        self._strict = DiarizationErrorRate(collar=0.0, skip_overlap=False)
        self._lenient = DiarizationErrorRate(collar=2 * COLLAR_EACH_SIDE, skip_overlap=True)
        self._jaccard = JaccardErrorRate(collar=0.0, skip_overlap=False)

    def score(
        self, reference: Sequence[Segment], hypothesis: Sequence[Segment], scored: Sequence[Stretch]
    ) -> Accuracy:
        """The errors inside the stretches of `scored` (seconds); speech outside them counts nowhere."""
        theirs, ours, uem = _annotation(reference), _annotation(hypothesis), _timeline(scored)
        jaccard = self._jaccard(theirs, ours, uem=uem, detailed=True)
        return Accuracy(
            strict=_errors(self._strict(theirs, ours, uem=uem, detailed=True)),
            lenient=_errors(self._lenient(theirs, ours, uem=uem, detailed=True)),
            jaccard=Jaccard(float(jaccard["speaker error"]), int(jaccard["speaker count"])),
        )


def _errors(detail: dict[str, float]) -> DiarizationErrors:
    return DiarizationErrors(
        speech=detail["total"],
        false_alarm=detail["false alarm"],
        missed=detail["missed detection"],
        confusion=detail["confusion"],
    )


def _annotation(segments: Sequence[Segment]) -> Any:
    from pyannote import core

    annotation = core.Annotation()
    for track, segment in enumerate(segments):
        annotation[core.Segment(segment.start, segment.end), track] = segment.speaker
    return annotation


def _timeline(stretches: Sequence[Stretch]) -> Any:
    from pyannote import core

    return core.Timeline([core.Segment(start, end) for start, end in stretches])
