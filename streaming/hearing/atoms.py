"""Atoms: stretches of one voice with what is known of them; what is embedded, clustered and named."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Links = dict[int, float]  # start of another atom -> share of this stretch heard as the same local speaker

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Overlap:
    """Cells [start, stop) of an atom where a second voice speaks; links: the atoms it was heard in.

    pinned: the second voice is so by the user's word. vector: (size,) of both voices together, None
    where there was too little to embed.
    """

    start: int
    stop: int
    links: Links
    speaker: int = NOBODY
    pinned: bool = False
    vector: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """A stretch of one voice.

    start, stop: cells; the start identifies the atom. vector: (size,) unit length, None where there was too
    little to embed. clean: seconds of this voice alone behind the vector. links: what the windows say.
    overlaps: where a second voice speaks. speaker: number, NOBODY while unnamed; confidence: of that name.
    pinned: the speaker is so by the user's word, and stays so.
    """

    start: int
    stop: int
    vector: Floats | None
    clean: float
    links: Links = field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()
    speaker: int = NOBODY
    confidence: float = 0.0
    pinned: bool = False


def atom_state(atom: Atom) -> list[Any]:
    """An atom as plain values and its vector, for a snapshot."""
    overlaps = [[o.start, o.stop, _link_rows(o.links), o.speaker, o.pinned, o.vector] for o in atom.overlaps]
    return [
        atom.start, atom.stop, atom.vector, atom.clean, _link_rows(atom.links), overlaps, atom.speaker,
        atom.confidence, atom.pinned,
    ]  # fmt: skip


def atom_from(row: list[Any]) -> Atom:
    """The atom that `atom_state` was taken from."""
    start, stop, vector, clean, links, overlaps, speaker, confidence, pinned = row
    return Atom(
        start, stop, vector, clean, dict(map(tuple, links)),
        tuple(Overlap(o[0], o[1], dict(map(tuple, o[2])), *o[3:]) for o in overlaps), speaker, confidence,
        pinned,
    )  # fmt: skip


def _link_rows(links: Links) -> list[list[Any]]:
    return [[start, weight] for start, weight in links.items()]
