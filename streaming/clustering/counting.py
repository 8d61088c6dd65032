"""As many speakers as were asked for, where the voices alone would say otherwise."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

STEPS = 8  # stricter ways of joining that are tried before fewer speakers are accepted
FORBIDDEN = -1.0  # mean cosine below which two clusters are never joined: somebody said that they are two


def at_least(
    least: int, join: float, cluster: Callable[[float], tuple[Ints, Sequence[int]]]
) -> tuple[Ints, Sequence[int]]:
    """The first clustering, from `join` up, that has so many speakers, else the one that has the most.

    cluster: clusters of atoms joined from a mean cosine on, and which of them are speakers.
    """
    best = cluster(join)
    for step in range(1, STEPS):
        if len(best[1]) >= least:
            break
        stricter = cluster(join + (1 - join) * step / STEPS)
        if len(stricter[1]) > len(best[1]):
            best = stricter
    return best


def at_most(most: int, clusters: Ints, speakers: Sequence[int], cosines: Floats) -> tuple[Ints, list[int]]:
    """The speakers joined, the two most alike first, until no more than so many are left.

    clusters: (n,) of the atoms; speakers: those of them that are speakers, the others stay as they are.
    cosines: (n, n). Those that must not be joined are not, whatever was asked for.
    """
    clusters, left = clusters.copy(), sorted(speakers)
    while len(left) > most:
        members = np.stack([clusters == cluster for cluster in left]).astype(np.float64)
        sizes = members.sum(axis=1)
        mean = members @ cosines @ members.T / np.outer(sizes, sizes)
        mean[np.tril_indices(len(left))] = -np.inf
        i, j = divmod(int(mean.argmax()), len(left))
        if mean[i, j] < FORBIDDEN:
            break
        clusters[clusters == left[j]] = left[i]
        del left[j]
    return clusters, left
