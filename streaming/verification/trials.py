"""Trials: pairs of recordings of which it is known whether they hold one speaker, scored to error rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioFileError, FormatError
from .error_rates import ErrorCurve, Point, equal_error_rate, error_curve, minimum_cost
from .hearing import Voice

P_TARGETS = (0.01, 0.05)  # NIST's and VoxCeleb's; VoxSRC's
_EXPECTED = "expected '1 a.wav b.wav' for one speaker or '0 a.wav b.wav' for two"


@dataclass(frozen=True, slots=True)
class Trial:
    """Two recordings, as the list names them, and whether one person speaks in both."""

    is_same: bool
    first: str
    second: str


def read_trials(path: Path) -> list[Trial]:
    """The trials of a list in VoxCeleb's form: a line `1 a.wav b.wav` or `0 a.wav b.wav` each, some blank.

    Raises OSError, and FormatError naming the line that is wrong or for a list without trials of one kind.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is no text in UTF-8: {error.reason} at byte {error.start}") from None
    trials = []
    for number, line in enumerate(lines, start=1):
        match line.split():
            case ["0" | "1" as kind, first, second]:
                trials.append(Trial(kind == "1", first, second))
            case []:
                continue
            case _:
                raise FormatError(f"{path}, line {number}: {line.strip()!r}: {_EXPECTED}")
    num_same = sum(trial.is_same for trial in trials)
    if not 0 < num_same < len(trials):
        found = f"{num_same} trials of one speaker and {len(trials) - num_same} of two"
        raise FormatError(f"{path}: {found}: error rates need both kinds")
    return trials


def recordings_of(trials: Sequence[Trial]) -> list[str]:
    """Every recording once, in the order in which the list first names it."""
    return list(dict.fromkeys(name for trial in trials for name in (trial.first, trial.second)))


def find_recordings(names: Sequence[str], root: Path) -> dict[str, Path]:
    """Where each recording lies below `root`. Raises AudioFileError that counts and names the missing."""
    paths = {name: root / name for name in names}
    missing = [path for path in paths.values() if not path.exists()]
    if missing:
        raise AudioFileError(
            f"{len(missing)} of {len(names)} recordings are missing, among them {missing[0]}: "
            "--root names the folder that the list's paths start from"
        )
    return paths


@dataclass(frozen=True)
class TrialReport:
    """Error rates of a list of trials.

    threshold: of the score, at which decisions are counted, None where nobody has chosen one.
    num_left_out: trials without a score, since a recording could not be heard.
    """

    curve: ErrorCurve
    threshold: float | None
    num_left_out: int

    @cached_property
    def equal_errors(self) -> Point:
        return equal_error_rate(self.curve)

    @cached_property
    def costs(self) -> dict[float, Point]:
        """minDCF by p_target."""
        return {p_target: minimum_cost(self.curve, p_target) for p_target in P_TARGETS}

    @property
    def decisions(self) -> tuple[float, float] | None:
        """(misses, false alarms) at `threshold`."""
        return None if self.threshold is None else self.curve.at(self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: rates from 0 to 1, thresholds of the score, null where nothing is accepted."""
        misses, false_alarms = self.decisions or (None, None)
        return {
            "same": self.curve.num_same,
            "different": self.curve.num_different,
            "left_out": self.num_left_out,
            "eer": _point(self.equal_errors),
            "min_dcf": {f"{p_target:g}": _point(cost) for p_target, cost in self.costs.items()},
            "decisions": {"threshold": self.threshold, "misses": misses, "false_alarms": false_alarms},
        }


def score_trials(
    trials: Sequence[Trial], voices: Mapping[str, Voice], threshold: float | None
) -> TrialReport:
    """Score every trial whose two recordings have a voice, by (cosine + 1) / 2.

    Raises ConfigError where no trial of one kind is left.
    """
    rows = {name: row for row, name in enumerate(voices)}
    heard = [trial for trial in trials if trial.first in rows and trial.second in rows]
    vectors = np.array([voice.vector for voice in voices.values()], np.float64)
    first = np.array([rows[trial.first] for trial in heard], np.intp)
    second = np.array([rows[trial.second] for trial in heard], np.intp)
    is_same = np.array([trial.is_same for trial in heard], np.bool_)
    curve = error_curve((_cosines(vectors, first, second) + 1) / 2, is_same)
    return TrialReport(curve, threshold, len(trials) - len(heard))


def _cosines(
    vectors: NDArray[np.float64], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Of row pairs, some thousands at a time: VoxCeleb's longest list would take gigabytes at once."""
    cosines = np.empty(len(first))
    for start in range(0, len(first), 10_000):
        part = slice(start, start + 10_000)
        np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]], out=cosines[part])
    return cosines


def _point(point: Point) -> dict[str, float | None]:
    return {"value": point.value, "threshold": point.threshold if np.isfinite(point.threshold) else None}
