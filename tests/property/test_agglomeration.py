"""The quick way of joining atoms finds what looking at all pairs each time does."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket.streaming.clustering.agglomeration import LEAST_SPREAD, agglomerate
from hocket.streaming.clustering.reclustering import ReclusterRules

Floats = NDArray[np.float32]
Near = NDArray[np.bool_]


def all_pairs(cosines: Floats, evidence: Floats, near: Near, rules: ReclusterRules) -> list[set[int]]:
    """The clusters by the definition: the score of every two, from their atoms, before each joining.

    A joined pair stands in the place of its later half, and of two pairs as good the one that comes first,
    by place, is joined.
    """
    clusters = {place: [place] for place in range(len(cosines))}

    def scale(atoms: list[int]) -> float:
        pairs = len(atoms) * (len(atoms) - 1)
        if not pairs:
            return 1.0
        inside = cosines[np.ix_(atoms, atoms)].astype(np.float64)
        within = float(inside.sum() - np.trace(inside))
        share = rules.varied * pairs / (pairs + rules.usual_pairs)
        spread = max(LEAST_SPREAD, 1 + share * (within / pairs / rules.usual - 1))
        return len(atoms) * float(np.sqrt(spread))

    def score(one: list[int], other: list[int]) -> float:
        where = np.ix_(one, other)
        hints = evidence[where].sum(dtype=np.float64) / (near[where].sum() + rules.doubt)
        return float(
            cosines[where].sum(dtype=np.float64) / (scale(other) * scale(one)) + rules.windows * hints
        )

    while len(clusters) > 1:
        places = sorted(clusters)
        pairs = [(score(clusters[a], clusters[b]), -a, -b) for a in places for b in places if a < b]
        best, a, b = max(pairs)
        if best < rules.join:
            break
        clusters[-b] = clusters.pop(-a) + clusters[-b]
    return [set(atoms) for atoms in clusters.values()]


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 16),
    heard=st.integers(0, 16),
    steps=st.sampled_from((2, 4, 16, 1024)),
    varied=st.sampled_from((0.0, 1.0)),
)
@settings(max_examples=150, deadline=None)
def test_atoms_join_as_if_all_pairs_were_looked_at(
    seed: int, count: int, heard: int, steps: int, varied: float
) -> None:
    """steps: few of them make ties, and sums without rounding, so that ties are ties either way."""
    rng = np.random.default_rng(seed)
    rules = replace(ReclusterRules(), varied=varied, windows=1 / 32, usual=0.5)

    def table(least: float, most: float) -> Floats:
        values = np.round(rng.uniform(least, most, (count, count)) * steps) / steps
        return np.triu(values, 1).astype(np.float32) + np.triu(values, 1).T.astype(np.float32)

    cosines = table(-0.2, 1.0)
    near = table(0, 1) > 0.5
    near[: max(0, count - heard)] = near[:, : max(0, count - heard)] = False
    evidence = np.where(near, table(-2, 2), 0).astype(np.float32)
    found = agglomerate(cosines, evidence, near, rules)
    quick = [set(np.flatnonzero(found == cluster).tolist()) for cluster in sorted(set(found.tolist()))]
    assert sorted(map(sorted, quick)) == sorted(map(sorted, all_pairs(cosines, evidence, near, rules)))
    assert [min(atoms) for atoms in quick] == sorted(min(atoms) for atoms in quick)
