"""How a phrase sounds when it is said again: the voice's own direction, and a deviation drawn anew.

A voice of the pool has some 40 s of phrases; in hours it says each many times. Were they the same each time,
one odd phrase would be a voice of its own, which nobody's odd moments are.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .voices import Heard, HeardAtom

Floats = NDArray[np.float32]

ALIKE = 10  # atoms shorter, and as many longer, of whose deviations one is drawn


class Sayings:
    """What sets the atoms of all voices apart from their voices' mean vectors, ordered by clean speech."""

    def __init__(self, heard: Mapping[str, Heard]) -> None:
        atoms = {name: [atom for phrase in phrases for atom in phrase] for name, phrases in heard.items()}
        self.centres = {name: _mean(said) for name, said in atoms.items() if said}
        apart = sorted(
            ((atom.clean[-1], name, place) for name, said in atoms.items() for place, atom in enumerate(said))
        )
        self._clean = np.array([clean for clean, _, _ in apart], np.float32)
        self._directions = [
            _unit(atoms[name][place].vectors[-1] - self.centres[name]) for _, name, place in apart
        ]

    def deviation(self, clean: float, rng: np.random.Generator) -> Floats:
        """(size,) direction in which an atom with about so many seconds of clean speech, anybody's, lies."""
        near = int(np.searchsorted(self._clean, clean)) + int(rng.integers(-ALIKE, ALIKE))
        return self._directions[min(max(near, 0), len(self._directions) - 1)]


def said_again(vector: Floats, centre: Floats, deviation: Floats) -> Floats:
    """(size,) a vector of the voice with mean `centre`, as far from it as `vector` is but elsewhere."""
    return _unit(centre + np.float32(np.linalg.norm(vector - centre)) * deviation)


def _mean(atoms: Sequence[HeardAtom]) -> Floats:
    """Mean vector of atoms by their clean speech, not brought to unit length."""
    clean = np.array([atom.clean[-1] for atom in atoms])
    mean: Floats = np.average([atom.vectors[-1] for atom in atoms], axis=0, weights=clean).astype(np.float32)
    return mean


def _unit(vector: Floats) -> Floats:
    result: Floats = (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
    return result
