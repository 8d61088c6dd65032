"""How often a verifier errs: misses and false alarms over all thresholds, equal error rate, detection cost.

A trial is accepted where its score is at least the threshold. A miss is a trial of one speaker that is not
accepted; a false alarm is a trial of two speakers that is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ErrorCurve:
    """Both error rates at every threshold that can make a difference, ascending; the last accepts nothing.

    thresholds, misses, false_alarms: (k,); misses rise from 0 to 1, false alarms fall from 1 to 0.
    num_same, num_different: trials of one speaker and of two.
    Source: Martin, Doddington, Kamm, Ordowski, Przybocki: The DET curve in assessment of detection task
    performance. Eurospeech 1997.
    """

    thresholds: Floats
    misses: Floats
    false_alarms: Floats
    num_same: int
    num_different: int

    def at(self, threshold: float) -> tuple[float, float]:
        """(misses, false alarms) at any threshold."""
        place = int(np.searchsorted(self.thresholds, threshold, side="left"))
        return float(self.misses[place]), float(self.false_alarms[place])


@dataclass(frozen=True)
class Point:
    """A figure, and the threshold at which it is reached; infinite where accepting nothing is best."""

    value: float
    threshold: float


def error_curve(scores: Floats, is_same: Flags) -> ErrorCurve:
    """The curve of trials with these scores (n,), is_same (n,) telling those of one speaker.

    Raises ConfigError for a score that is not finite, and where trials of one kind are missing.
    """
    if not np.isfinite(scores).all():
        raise ConfigError(f"{np.count_nonzero(~np.isfinite(scores))} of {len(scores)} scores are not finite")
    same, different = np.sort(scores[is_same]), np.sort(scores[~is_same])
    if not len(same) or not len(different):
        raise ConfigError(
            f"{len(same)} trials of one speaker and {len(different)} of two: error rates need both kinds"
        )
    thresholds = np.append(np.unique(scores), np.inf)
    return ErrorCurve(
        thresholds=thresholds,
        misses=np.searchsorted(same, thresholds, side="left") / len(same),
        false_alarms=(len(different) - np.searchsorted(different, thresholds, side="left")) / len(different),
        num_same=len(same),
        num_different=len(different),
    )


def equal_error_rate(curve: ErrorCurve) -> Point:
    """The rate at which misses and false alarms are the same, on straight lines between thresholds.

    The threshold is that of the neighbouring points whose larger rate is the lower one. The same lines as in
    the scoring of the VoxCeleb Speaker Recognition Challenges (github.com/clovaai/voxceleb_trainer).
    """
    excess = curve.misses - curve.false_alarms  # from -1 to 1, never falling
    after = int(np.argmax(excess >= 0))
    before = after - 1
    share = -excess[before] / (excess[after] - excess[before])
    value = curve.misses[before] + share * (curve.misses[after] - curve.misses[before])
    worse = np.maximum(curve.misses, curve.false_alarms)
    nearest = before if worse[before] <= worse[after] else after
    return Point(float(value), float(curve.thresholds[nearest]))


def minimum_cost(
    curve: ErrorCurve, p_target: float, *, cost_miss: float = 1.0, cost_false_alarm: float = 1.0
) -> Point:
    """minDCF: the lowest cost of a decision at any threshold, 1 being the cost of a fixed answer to all.

    p_target: share of trials of one speaker that is assumed. The cost cost_miss · p_target · misses +
    cost_false_alarm · (1 - p_target) · false alarms is divided by the smaller of its two weights.
    Source: NIST 2016 Speaker Recognition Evaluation Plan, section 3; with both costs 1, VoxSRC's.
    Raises ConfigError for a p_target outside (0, 1).
    """
    if not 0 < p_target < 1:
        raise ConfigError(f"p_target {p_target:g}: expected more than 0 and less than 1")
    miss_weight, alarm_weight = cost_miss * p_target, cost_false_alarm * (1 - p_target)
    costs = (miss_weight * curve.misses + alarm_weight * curve.false_alarms) / min(miss_weight, alarm_weight)
    best = int(np.argmin(costs))
    return Point(float(costs[best]), float(curve.thresholds[best]))
