"""Speakers of whom there is little: clusters too small to be one by their size, but like nobody else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .memory import Speakers
from .voices import VoiceScorer

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class RareRules:
    """When a small cluster is a speaker.

    share: of the seconds that make a speaker by size, what is enough here; `least` seconds at least, and
    `most` at most. stranger: log-likelihood ratio against every other speaker below which it is nobody known,
    moved by at most `windows` nats of what the windows say.
    """

    share: float = 0.4
    least: float = 0.8
    most: float = 2.4
    windows: float = 3.0
    stranger: float = -2.0


def with_rare(
    speakers: Sequence[int],
    clusters: Speakers,
    seconds: float,
    evidence: Callable[[int, Sequence[int]], Floats],
    scorer: VoiceScorer,
    rules: RareRules,
    least: int = 1,
) -> list[int]:
    """The clusters that are speakers by size, and those that are by being strange, ascending.

    speakers: the first kind; clusters: all of them as voices, with their numbers from 0 as ids. seconds: what
    makes a speaker by size. evidence: nats that the windows say for a cluster being one with each of others.
    least: how many speakers there are at least; where that is more, the strangest clusters are speakers too.
    """
    found = list(speakers)

    def likeness(cluster: int) -> float:
        """Log-likelihood ratio of a cluster being one of those found."""
        alike = scorer.llr(
            clusters.centres[[cluster]],
            clusters.seconds[[cluster]],
            clusters.centres[found],
            clusters.seconds[found],
        )[0]
        return float((alike + np.clip(evidence(cluster, found), -rules.windows, rules.windows)).max())

    enough = min(rules.most, max(rules.least, rules.share * seconds))
    for cluster in np.argsort(-clusters.seconds, kind="stable").tolist():
        if cluster in found or clusters.seconds[cluster] < enough:
            continue
        if likeness(cluster) < rules.stranger:
            found.append(cluster)
    while len(found) < min(least, len(clusters)):
        found.append(min((c for c in range(len(clusters)) if c not in found), key=likeness))
    return sorted(found)
