"""What a session remembers of its speakers, in bounded space: recent atoms all, older ones by example."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Atom, atom_from, atom_state

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Speakers:
    """Speakers as directions: ids (n,) ascending, centres (n, size) unit length, seconds (n,) behind them."""

    ids: NDArray[np.intp]
    centres: Floats
    seconds: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def joined_by(self, speaker: int, vector: Floats, seconds: float) -> "Speakers":
        """These and one more, known by a single vector."""
        return Speakers(
            np.append(self.ids, speaker),
            np.vstack([self.centres, vector]),
            np.append(self.seconds, np.float32(seconds)),
        )


@dataclass(frozen=True, kw_only=True)
class MemoryRules:
    """How much is remembered.

    recent: atoms kept whole, the newest. exemplars: older atoms kept per speaker; most: of all speakers
    together. solid: seconds of clean speech from which an atom counts in full towards its speaker's centre; a
    lesser one counts a tenth.
    """

    recent: int = 300
    exemplars: int = 16
    most: int = 320
    solid: float = 0.6


class Memory:
    """Closed atoms: `recent` in order of time, and per speaker the exemplars of what came before.

    Centres are computed from the atoms, never running means, so that a corrected name corrects them too.
    """

    def __init__(self, size: int, rules: MemoryRules) -> None:
        self.size = size
        self.rules = rules
        self.recent: list[Atom] = []
        self.exemplars: list[Atom] = []
        self.since = 0  # cell before which atoms are kept by example only
        self._speakers: Speakers | None = None

    @property
    def atoms(self) -> list[Atom]:
        """All remembered atoms, exemplars first."""
        return [*self.exemplars, *self.recent]

    def add(self, atoms: Iterable[Atom]) -> None:
        """Remember closed, named atoms; the oldest recent ones are kept by example or forgotten."""
        self.recent += atoms
        surplus = len(self.recent) - self.rules.recent
        if surplus > 0:
            leaving, self.recent = self.recent[:surplus], self.recent[surplus:]
            self.since = max([self.since, *(atom.stop for atom in leaving)])
            for atom in leaving:
                self._keep_example(atom)
        self._speakers = None

    def rename(self, atoms: Sequence[Atom]) -> None:
        """Replace all remembered atoms by the same ones under other names, in the order of `atoms`."""
        self.exemplars = list(atoms[: len(self.exemplars)])
        self.recent = list(atoms[len(self.exemplars) :])
        self._speakers = None

    def recut(self, atoms: Sequence[Atom]) -> None:
        """Replace the recent atoms by others of the same speech, in order of time."""
        self.recent = list(atoms)
        self._speakers = None

    def speakers(self) -> Speakers:
        """The speakers as they are known now."""
        if self._speakers is None:
            self._speakers = centres(self.atoms, self.size, self.rules.solid)
        return self._speakers

    def _keep_example(self, atom: Atom) -> None:
        """Keep an atom as an exemplar; where there are too many, those that add least go."""
        if atom.vector is None or (atom.clean < self.rules.solid and not atom.pinned):
            return
        self.exemplars.append(replace(atom, links={}, overlaps=()))
        count = Counter(other.speaker for other in self.exemplars)
        while count[atom.speaker] > self.rules.exemplars:
            self._drop_example_of(atom.speaker)
            count[atom.speaker] -= 1
        if len(self.exemplars) > self.rules.most:
            # Of those who have most of them, who was heard longest ago: their examples come first.
            self._drop_example_of(count.most_common(1)[0][0])

    def _drop_example_of(self, speaker: int) -> None:
        mine = [other for other in self.exemplars if other.speaker == speaker]
        free = [other for other in mine if not other.pinned] or mine
        dropped = free[_least_telling(free)]
        self.exemplars = [other for other in self.exemplars if other is not dropped]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "recent": [atom_state(a) for a in self.recent],
            "exemplars": [atom_state(a) for a in self.exemplars],
            "since": self.since,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the memory that `state` was taken from."""
        self.recent = [atom_from(row) for row in state["recent"]]
        self.exemplars = [atom_from(row) for row in state["exemplars"]]
        self.since = state["since"]
        self._speakers = None


def centres(atoms: Iterable[Atom], size: int, solid: float) -> Speakers:
    """The mean direction of every speaker's atoms, weighted by clean speech: see MemoryRules.solid."""
    named = [atom for atom in atoms if atom.vector is not None and atom.speaker != NOBODY]
    speakers = np.array([atom.speaker for atom in named], np.intp)
    weights = np.array([a.clean if a.clean >= solid else 0.1 * a.clean for a in named], np.float32)
    vectors = np.array([atom.vector for atom in named], np.float32).reshape(len(named), size)
    return directions(speakers, vectors, weights)


def directions(speakers: NDArray[np.intp], vectors: Floats, weights: Floats) -> Speakers:
    """The weighted mean direction of every speaker's vectors. speakers, weights: (n,), vectors: (n, size)."""
    ids, rows = np.unique(speakers, return_inverse=True)
    shares = np.zeros((len(ids), len(speakers)), np.float32)
    shares[rows, np.arange(len(speakers))] = weights
    sums = shares @ vectors
    seconds = np.bincount(rows, weights, minlength=len(ids)).astype(np.float32)
    return Speakers(ids, sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), seconds)


def halves(atom: Atom, cell: int) -> list[Atom]:
    """The atom cut at a cell, each half with its share of the speech; uncut where the cell is not inside."""
    if not atom.start < cell < atom.stop:
        return [atom]
    share = (cell - atom.start) / (atom.stop - atom.start)
    before = tuple(replace(o, stop=min(o.stop, cell)) for o in atom.overlaps if o.start < cell)
    after = tuple(replace(o, start=max(o.start, cell)) for o in atom.overlaps if o.stop > cell)
    return [
        replace(atom, stop=cell, clean=share * atom.clean, overlaps=before),
        replace(atom, start=cell, clean=(1 - share) * atom.clean, overlaps=after),
    ]


def _least_telling(atoms: Sequence[Atom]) -> int:
    """Index of the atom that a speaker can best do without: short, or much like another one."""
    vectors = np.stack([atom.vector for atom in atoms if atom.vector is not None])
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    clean = np.array([atom.clean for atom in atoms])
    return int(np.argmin(np.minimum(clean, 2.0) * (1 - alike.max(axis=1))))
