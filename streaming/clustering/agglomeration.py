"""Clusters of atoms, by joining the two that are most surely one speaker until no two are."""

import numpy as np
from numpy.typing import NDArray

from .reclustering import ReclusterRules

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

LEAST_SPREAD = 0.1  # against the usual: a cluster whose atoms have nothing in common is still one


def agglomerate(cosines: Floats, evidence: Floats, near: NDArray[np.bool_], rules: ReclusterRules) -> Ints:
    """Clusters, numbered by their earliest atoms, joined while the best pair of them is one speaker.

    The score of two clusters is their mean cosine, against how much each of the voices varies, moved by the
    mean of the windows' evidence between them.
    All matrices (n, n), symmetric. Ties go to the earliest pair, so the result is the same everywhere.

    Scores change only in the rows of what was joined, so each cluster carries a bound on its best score,
    which is looked up again only when it is the highest of all: less than twice per joining.
    """
    n = len(cosines)
    # Windows reach back seconds, and the oldest atoms come first: most of them have no evidence at all.
    heard = np.flatnonzero(near.any(axis=1))
    first = int(heard[0]) if len(heard) else n
    # Sums over pairs of atoms between two clusters, and within one.
    sums = cosines.astype(np.float64)
    hints = evidence[first:, first:].astype(np.float64)
    pairs = near[first:, first:].astype(np.float64)
    within = np.zeros(n)
    size = np.ones(n)
    scale = np.ones(n)  # size, by the root of how much the voice varies
    gone = np.zeros(n)  # added to scores: -inf for clusters that were joined to another
    joined_to = np.arange(n)

    table = sums.copy()
    table[first:, first:] += rules.windows * hints / (pairs + rules.doubt)
    np.fill_diagonal(table, -np.inf)
    bound = table.max(axis=1)
    while True:
        one = int(bound.argmax())
        other = int(table[one].argmax())
        score = table[one, other]
        if score < bound[one]:
            bound[one] = score
            continue
        if score < rules.join:
            break
        # The later of the two goes on as both: what has evidence stays where there is room for it.
        i, j = (one, other) if one < other else (other, one)
        within[j] += within[i] + 2 * sums[i, j]
        sums[j] += sums[i]
        sums[:, j] = sums[j]
        size[j] += size[i]
        scale[j] = size[j] * np.sqrt(_spread(within[j], size[j] * (size[j] - 1), rules))
        gone[i] = -np.inf
        joined_to[i] = j
        row = sums[j] / (scale[j] * scale)
        row += gone
        if i >= first:
            hints[j - first] += hints[i - first]
            hints[:, j - first] = hints[j - first]
            pairs[j - first] += pairs[i - first]
            pairs[:, j - first] = pairs[j - first]
        if j >= first:
            row[first:] += rules.windows * hints[j - first] / (pairs[j - first] + rules.doubt)
        row[j] = -np.inf
        table[j] = table[:, j] = row
        table[:, i] = -np.inf
        np.maximum(bound, row, out=bound)
        bound[j] = row.max()
        bound[i] = -np.inf
    for atom in range(n - 1, -1, -1):
        joined_to[atom] = joined_to[joined_to[atom]]
    _, earliest, clusters = np.unique(joined_to, return_index=True, return_inverse=True)
    numbers: Ints = np.argsort(np.argsort(earliest))[clusters]
    return numbers


def _spread(within: float, pairs: float, rules: ReclusterRules) -> float:
    """How alike a cluster's atoms are against the usual. within: sum of cosines over so many pairs."""
    share = rules.varied * pairs / (pairs + rules.usual_pairs)
    return max(LEAST_SPREAD, 1 + share * (within / pairs / rules.usual - 1))
