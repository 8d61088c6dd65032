"""What a session remembers of its speakers: closed atoms, and the centres computed from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Links = dict[int, float]  # start of another atom -> share of this stretch heard as the same local speaker

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Overlap:
    """Cells [start, stop) of an atom where a second voice speaks; links: the atoms it was heard in."""

    start: int
    stop: int
    links: Links
    speaker: int = NOBODY


@dataclass(frozen=True, slots=True)
class Atom:
    """A stretch of one voice.

    start, stop: cells; the start names the atom. vector: (size,) unit length, None where there was too
    little to embed. clean: seconds of this voice alone behind the vector. links: what the windows say.
    overlaps: where a second voice speaks. speaker: number, NOBODY while unnamed; confidence: of that name.
    """

    start: int
    stop: int
    vector: Floats | None
    clean: float
    links: Links = field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()
    speaker: int = NOBODY
    confidence: float = 0.0


@dataclass(frozen=True)
class Speakers:
    """Speakers as directions: ids (n,), centres (n, size) unit length, seconds (n,) of clean speech behind."""

    ids: NDArray[np.intp]
    centres: Floats
    seconds: Floats

    def __len__(self) -> int:
        return len(self.ids)
