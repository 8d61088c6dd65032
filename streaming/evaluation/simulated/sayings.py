"""How a phrase sounds when it is said again: the voice's own direction, and a deviation drawn anew.

A voice of the pool has some 40 s of phrases; in hours it says each many times. Were they the same each time,
one odd phrase would be a voice of its own, which nobody's odd moments are. Drawn so, cosines within a voice
are spread as those of the atoms that were heard (1 %, 50 % and 99 % of them lie below 0.19, 0.53 and 0.79;
heard: 0.16, 0.52 and 0.74).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .voices import Heard, HeardAtom

Floats = NDArray[np.float32]

ALIKE = 10  # atoms shorter, and as many longer, whose deviations are mixed


class Sayings:
    """What sets the atoms of all voices apart from their voices' mean vectors, ordered by clean speech."""

    def __init__(self, heard: Mapping[str, Heard]) -> None:
        atoms = {name: [atom for phrase in phrases for atom in phrase] for name, phrases in heard.items()}
        self.centres = {name: _mean(said) for name, said in atoms.items() if said}
        apart = sorted(
            ((atom.clean[-1], name, place) for name, said in atoms.items() for place, atom in enumerate(said))
        )
        self._clean = np.array([clean for clean, _, _ in apart], np.float32)
        self._directions = np.array(
            [_unit(atoms[name][place].vectors[-1] - self.centres[name]) for _, name, place in apart]
        )

    def deviation(self, clean: float, rng: np.random.Generator) -> Floats:
        """(size,) a direction in which atoms of about so many seconds of clean speech lie from their voices.

        A mixture of theirs, anybody's, by normal weights: what they span, and nothing of it twice.
        """
        near = int(np.searchsorted(self._clean, clean))
        first = max(0, min(near - ALIKE, len(self._directions) - 2 * ALIKE))
        directions = self._directions[first : first + 2 * ALIKE]
        return _unit(rng.normal(size=len(directions)).astype(np.float32) @ directions)


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
