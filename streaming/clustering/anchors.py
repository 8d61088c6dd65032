"""Voices that somebody has spoken for: what the slow path may not take from them, and whom it keeps apart."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Atom
from .people import People

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

CORE = 3  # atoms that stand for an anchored voice beside those that the user named
APART = -1e6  # cosine of a pair that must not be one speaker: no mean over a cluster outweighs it


def cores(atoms: Sequence[Atom], people: People) -> Ints:
    """(n,) the voice that an atom stands for, NOBODY for the others.

    What the user named, and of every voice that the user spoke of the atom that is most like the rest of it,
    with the two that are most like that one: what stands for a voice should be one, whatever else went by it.
    """
    result = np.array([a.speaker if a.pinned and a.vector is not None else NOBODY for a in atoms], np.intp)
    voices = {atom.speaker for atom in atoms if atom.vector is not None} - {NOBODY}
    for voice in sorted(voice for voice in voices if people.is_spoken_for(voice)):
        mine = [i for i, atom in enumerate(atoms) if atom.speaker == voice and atom.vector is not None]
        result[most_typical([atoms[i] for i in mine], mine)] = voice
    return result


def most_typical(atoms: Sequence[Atom], positions: Sequence[int]) -> list[int]:
    """The positions of the atom most like all the others, by their speech, and of those most like it."""
    vectors = np.stack([atom.vector for atom in atoms if atom.vector is not None])
    clean = np.array([atom.clean for atom in atoms], np.float32)
    alike = vectors @ vectors.T
    middle = int(((alike @ clean) * np.minimum(clean, 1.0)).argmax())
    order = np.argsort(-alike[middle], kind="stable")[:CORE]
    return [positions[i] for i in order.tolist()]


def kept_apart(cores: Ints, person_of: Callable[[int], int]) -> Floats:
    """(n, n) to be added to cosines: APART between what stands for two persons, else 0."""
    person = np.array([NOBODY if c == NOBODY else person_of(c) for c in cores.tolist()], np.intp)
    stands = person != NOBODY
    if not stands.any():
        return np.zeros((len(person), len(person)), np.float32)
    both = stands[:, None] & stands[None, :] & (person[:, None] != person[None, :])
    return np.where(both, APART, 0.0).astype(np.float32)


def anchored_clusters(clusters: Ints, cores: Ints, clean: Floats) -> dict[int, int]:
    """The clusters that hold what stands for a voice, and which voice that is, by its speech."""
    weight: dict[tuple[int, int], float] = {}
    for cluster, voice, seconds in zip(clusters.tolist(), cores.tolist(), clean.tolist()):
        if voice != NOBODY:
            weight[cluster, voice] = weight.get((cluster, voice), 0.0) + seconds
    ordered = sorted(weight, key=lambda key: (weight[key], -key[1]))
    return dict(ordered)
