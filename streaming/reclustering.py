"""The slow path: every remembered atom clustered again from scratch, and the result stitched to the ids in use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class ReclusterRules:
    """When vectors are one speaker.

    solid: seconds of clean speech from which an atom's vector may shape a cluster.
    cut: cosine distance at which average linkage stops joining.
    least, least_share, most_least: a cluster is a speaker from min(most_least, max(least, least_share × all
    speech)) seconds on; smaller ones are dissolved into their neighbours.
    """

    solid: float = 1.2
    cut: float = 0.68
    least: float = 2.0
    least_share: float = 0.03
    most_least: float = 6.0


def recluster(vectors: Floats, seconds: Floats, rules: ReclusterRules, most: int | None) -> Ints:
    """A cluster number for every vector, from 0; all 0 while nothing can be told apart.

    vectors: (n, size), unit length. seconds: (n,) clean speech behind each. most: never more clusters.
    Average linkage on cosine distance over the solid vectors; the others go to the nearest centre.
    """
    labels = np.zeros(len(vectors), np.intp)
    solid = np.flatnonzero(seconds >= rules.solid)
    if len(solid) < 2:
        return labels
    tree = linkage(vectors[solid], "average", metric="cosine")
    clusters = fcluster(tree, rules.cut, "distance")
    if most is not None and clusters.max() > most:
        clusters = fcluster(tree, most, "maxclust")
    weight = np.bincount(clusters, seconds[solid])
    least = min(rules.most_least, max(rules.least, rules.least_share * float(seconds.sum())))
    kept = [c for c in np.unique(clusters) if weight[c] >= least or weight[c] == weight.max()]
    centres = np.stack([_centre(vectors[solid], seconds[solid] * (clusters == c)) for c in kept])
    nearest: Ints = (vectors @ centres.T).argmax(axis=1)
    return nearest


def stitch(clusters: Ints, speakers: Ints, seconds: Floats, next_speaker: int) -> tuple[Ints, int]:
    """New clusters under the old ids: the pairing that shares the most speech; the rest get new ids.

    Returns (speaker per vector, next unused id).
    """
    new, old = np.unique(clusters), np.unique(speakers[speakers >= 0])
    shared = np.array([[seconds[(clusters == c) & (speakers == s)].sum() for s in old] for c in new])
    shared = shared.reshape(len(new), len(old))
    name: dict[int, int] = {}
    for row, column in zip(*linear_sum_assignment(-shared)):
        if shared[row, column] > 0:
            name[int(new[row])] = int(old[column])
    for cluster in new.tolist():
        if cluster not in name:
            name[cluster] = next_speaker
            next_speaker += 1
    return np.array([name[c] for c in clusters.tolist()], np.intp), next_speaker


def _centre(vectors: Floats, weights: Floats) -> Floats:
    total = (vectors * weights[:, None]).sum(axis=0)
    result: Floats = total / (np.linalg.norm(total) + 1e-9)
    return result
