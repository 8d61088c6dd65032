"""The slow path: remembered atoms clustered again from scratch, and the result stitched to the ids in use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
Sums = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReclusterRules:
    """When clusters of atoms are one speaker.

    solid: seconds of clean speech from which an atom may shape a cluster. join: mean cosine from which two
    clusters are one. windows: cosine that one nat of the windows' evidence is worth. doubt: pairs that the
    windows' evidence must outnumber to count in full. habit: cosine that one name so far is worth, and two
    names cost: nothing until they have `habit_one_from` and `habit_two_from` seconds of speech, all of it at
    three times that. least, least_share, most_least: a cluster is a speaker from min(most_least, max(least,
    least_share * all speech)) seconds on; smaller ones dissolve. part: how far below `join` a cluster that is
    new must be to be parted from a name: nothing until that has `part_from` seconds of speech, all of it at
    three times that, and less the nearer the cluster's own speech is to `part_free` seconds. sure: cosine of
    two clusters' mean vectors from which they are one, if both have `sure_from` seconds: voices differ in how
    much they vary, which the mean cosine of two clusters does not know. usual: mean cosine within a voice;
    usual_pairs: pairs of atoms by which a cluster is held to be usual; varied: how far what is found instead
    counts, 0 for not at all.
    """

    solid: float = 0.8
    join: float = 0.32
    windows: float = 0.03
    doubt: float = 6.0
    habit: float = 0.04
    habit_one_from: float = 60.0
    habit_two_from: float = 20.0
    least: float = 1.2
    least_share: float = 0.03
    most_least: float = 6.0
    part: float = 0.1
    part_from: float = 15.0
    part_free: float = 20.0
    sure: float = 0.62
    sure_from: float = 10.0
    usual: float = 0.49
    usual_pairs: float = 40.0
    varied: float = 1.0


# Log-likelihood ratio of "one speaker", by how much more of an atom was heard as another's local speaker
# than chance would give (1 = chance). Measured on simulated meetings and telephone calls: below 0.5 hardly
# any pair is one speaker, above 2 four in five are.
_RATIOS = np.array([0.0, 0.2, 0.5, 0.8, 1.0, 1.2, 1.6, 2.5])
_EVIDENCE = np.array([-2.0, -2.0, -1.5, -1.0, 0.0, 0.5, 1.0, 2.0])


def window_evidence(links: Floats, seconds: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What the windows say about pairs of atoms.

    links: (n, n) shares, row i as in evidence.links, 0 where unknown. seconds: (n,) lengths of the atoms.
    Returns (evidence (n, n) in nats, symmetric, 0 where there is none; which pairs have any).
    """
    near = (links > 0) | (links.T > 0)
    np.fill_diagonal(near, False)
    evidence = np.zeros_like(links)
    linked = np.flatnonzero(near.any(axis=1))
    if len(linked):
        # Windows reach back seconds: the oldest atoms, which come first, are linked with nothing.
        recent = slice(int(linked[0]), None)
        block, pairs = links[recent, recent], near[recent, recent]
        expected = pairs * seconds[None, recent]
        expected = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-9)
        chance = expected * block.sum(axis=1, keepdims=True)
        ratio = np.divide(block, chance, out=np.ones_like(block), where=chance > 1e-6)
        ratio = (ratio + ratio.T) / 2
        evidence[recent, recent] = np.where(pairs, np.interp(ratio, _RATIOS, _EVIDENCE), 0.0)
    return evidence, near


def habit(speakers: Ints, seconds: Floats, rules: ReclusterRules) -> Floats:
    """(n, n) what the names so far are worth, in cosine: more within a name, less between two.

    speakers: (n,) ids; seconds: (n,) of clean speech. Keeps two much alike voices from being joined and
    parted again every few seconds, and leaves young names free to change.
    """
    ids, rows = np.unique(speakers, return_inverse=True)
    behind = np.bincount(rows, seconds, minlength=len(ids))
    worth = -np.clip((np.minimum(behind[:, None], behind) / rules.habit_two_from - 1) / 2, 0, 1)
    np.fill_diagonal(worth, np.clip((behind / rules.habit_one_from - 1) / 2, 0, 1))
    result: Floats = (worth * rules.habit).astype(np.float32)[rows][:, rows]
    return result


def rejoined(clusters: Ints, vectors: Floats, seconds: Floats, apart: Floats, rules: ReclusterRules) -> Ints:
    """The clusters, numbered from 0, of which those with much speech that are one voice are one.

    clusters, seconds: (n,), vectors: (n, size) of each atom. apart: (n, n) negative for atoms of two persons.
    The two most alike are joined first; what they were called so far counts for nothing.
    """
    clusters = clusters.copy()
    left = np.flatnonzero(np.bincount(clusters, seconds) >= rules.sure_from).tolist()
    while len(left) > 1:
        members = np.stack([clusters == cluster for cluster in left]).astype(np.float32)
        sums = members @ vectors
        means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        alike = np.where(members @ apart @ members.T < 0, -1.0, means @ means.T)
        alike[np.tril_indices(len(left))] = -1.0
        i, j = divmod(int(alike.argmax()), len(left))
        if alike[i, j] < rules.sure:
            break
        clusters[clusters == left[j]] = left[i]
        del left[j]
    joined: Ints = np.unique(clusters, return_inverse=True)[1]
    return joined


def _scores(parts: Sums, sizes: Sums, rules: ReclusterRules) -> Sums:
    """How much pairs of clusters are one: sums of cosines, evidence and pairs with any; how many pairs."""
    total, hints, pairs = parts
    score: Sums = total / sizes + rules.windows * hints / (pairs + rules.doubt)
    return score


def least_of_a_speaker(rules: ReclusterRules, all_seconds: float) -> float:
    """Seconds of clean speech that make a cluster a speaker. all_seconds: of the whole memory."""
    return min(rules.most_least, max(rules.least, rules.least_share * all_seconds))


def speakers_among(clusters: Ints, seconds: Floats, rules: ReclusterRules, all_seconds: float) -> list[int]:
    """The clusters with enough speech to be speakers; the largest always is.

    clusters: (n,) of the solid atoms, seconds: (n,) behind them. all_seconds: of the whole memory.
    """
    weight = np.bincount(clusters, seconds)
    least = least_of_a_speaker(rules, all_seconds)
    return [c for c in range(len(weight)) if weight[c] >= least or weight[c] == weight.max()]


def stitch(clusters: Ints, speakers: Ints, seconds: Floats) -> dict[int, int | None]:
    """Which old id each cluster goes on under: the pairing that shares the most speech; None for a new one.

    clusters, speakers, seconds: (n,) new cluster, old id (negative: none) and weight of each atom.
    """
    new, old = np.unique(clusters), np.unique(speakers[speakers >= 0])
    shared = np.zeros((len(new), len(old)))
    known = speakers >= 0
    np.add.at(
        shared,
        (np.searchsorted(new, clusters[known]), np.searchsorted(old, speakers[known])),
        seconds[known],
    )
    names: dict[int, int | None] = dict.fromkeys(new.tolist())
    for row, column in zip(*linear_sum_assignment(-shared)):
        if shared[row, column] > 0:
            names[int(new[row])] = int(old[column])
    return names


def not_parted(
    nameless: Sequence[int],
    names: Mapping[int, int],
    clusters: Ints,
    seconds: Floats,
    pairs: Sums,
    rules: ReclusterRules,
) -> dict[int, int]:
    """The names that clusters without one should keep to, as they are not far enough from who has it.

    nameless: clusters; names: of the others. clusters, seconds: (n,) of each atom. pairs: (3, n, n) cosines,
    evidence and where there is any. A voice that falls apart for once is not shown under two names at once.
    """
    if not nameless or not names:
        return {}
    one = np.stack([clusters == cluster for cluster in nameless]).astype(np.float64)
    named = np.stack([clusters == cluster for cluster in names]).astype(np.float64)
    score = _scores(one @ pairs @ named.T, np.outer(one.sum(axis=1), named.sum(axis=1)), rules)
    held = np.clip((named @ seconds / rules.part_from - 1) / 2, 0, 1)
    small = 1 - np.clip(one @ seconds / rules.part_free, 0, 1)
    near = score > rules.join - rules.part * np.outer(small, held)
    best = np.where(near, score, -np.inf).argmax(axis=1)
    called = list(names.values())
    return {cluster: called[best[row]] for row, cluster in enumerate(nameless) if near[row].any()}
