"""Who an atom belongs to: the fast path names at once, the slow path (reclustering.py) thinks again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Calibration

from .curves import WindowActivity
from .reclustering import ReclusterRules, recluster, stitch

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Atom:
    """A stretch of one voice with its vector.

    start, stop: cells. vector: unit length, None where there was too little to embed. clean: seconds of
    speech of this voice alone behind the vector. speaker: number, -1 while unnamed. confidence: of the name.
    """

    start: int
    stop: int
    vector: Floats | None
    clean: float
    speaker: int = -1
    confidence: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NamingRules:
    """The fast path's thresholds; cosines are after correction for the speech behind them."""

    same: float = 0.55
    birth: float = 1.0
    continuing: float = 0.05
    recluster_share: float = 0.1
    recluster_least: float = 0.5
    recluster_most: float = 4.0


class Clusterer:
    """Speakers of a session and the atoms that they are known by.

    Speakers are numbers from 0; numbers are never reused.
    """

    def __init__(
        self, size: int, calibration: Calibration, naming: NamingRules, slow: ReclusterRules,
        *, capacity: int, max_speakers: int | None,
    ) -> None:  # fmt: skip
        self.size = size
        self.calibration = calibration
        self.naming = naming
        self.slow = slow
        self.capacity = capacity
        self.max_speakers = max_speakers
        self.memory: list[Atom] = []
        self.next_speaker = 0
        self._fresh = 0.0

    def noise(self, clean: Floats | float) -> Any:
        c = self.calibration
        return c.noise_floor + c.noise_per_second / np.maximum(clean, 0.1)

    def centres(self) -> tuple[NDArray[np.intp], Floats, Floats]:
        """(speakers, centres (n, size), seconds behind each)"""
        known = [a for a in self.memory if a.vector is not None and a.clean >= 0.6]
        ids = np.array(sorted({a.speaker for a in known}), np.intp)
        out = np.zeros((len(ids), self.size), np.float32)
        total = np.zeros(len(ids), np.float32)
        index = {int(s): i for i, s in enumerate(ids)}
        for a in known:
            out[index[a.speaker]] += a.vector * np.float32(a.clean)
            total[index[a.speaker]] += a.clean
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        return ids, out, total

    def name(self, atoms: Sequence[Atom], windows: Sequence[WindowActivity]) -> list[Atom]:
        """Fast path."""
        ids, centres, seconds = self.centres()
        named: list[Atom] = []
        before = self.memory[-1] if self.memory else None
        for atom in atoms:
            if atom.vector is None:
                speaker = before.speaker if before is not None else -1
                named.append(replace(atom, speaker=speaker))
                continue
            n = self.noise(atom.clean)
            score = centres @ atom.vector * np.sqrt((1 + n) * (1 + self.noise(seconds))) if len(ids) else np.zeros(0)
            if before is not None and atom.start - before.stop < 30:
                score = score + self.naming.continuing * (ids == before.speaker)
            full = self.max_speakers is not None and len(ids) >= self.max_speakers
            if len(ids) == 0 or (score.max() < self.naming.same and atom.clean >= self.naming.birth and not full):
                speaker = self.next_speaker
                self.next_speaker += 1
                ids = np.append(ids, speaker)
                centres = np.vstack([centres, atom.vector])
                seconds = np.append(seconds, atom.clean)
            else:
                speaker = int(ids[score.argmax()])
            atom = replace(atom, speaker=speaker, confidence=float(np.clip(score.max(initial=0.5), 0, 1)))
            named.append(atom)
            before = atom
        return named

    def remember(self, atoms: Sequence[Atom]) -> None:
        self.memory += atoms
        self._fresh += sum(a.clean for a in atoms)

    def due(self) -> bool:
        total = sum(a.clean for a in self.memory)
        return self._fresh >= min(self.naming.recluster_most, max(self.naming.recluster_least, self.naming.recluster_share * total))

    def reconsider(self) -> bool:
        self._fresh = 0.0
        have = [i for i, a in enumerate(self.memory) if a.vector is not None]
        if len(have) < 2:
            return False
        vectors = np.stack([self.memory[i].vector for i in have])
        seconds = np.array([self.memory[i].clean for i in have], np.float32)
        old = np.array([self.memory[i].speaker for i in have])
        labels = recluster(vectors, seconds, self.slow, self.max_speakers)
        new, self.next_speaker = stitch(labels, old, seconds, self.next_speaker)
        changed = False
        for i, s in zip(have, new.tolist()):
            if self.memory[i].speaker != s:
                self.memory[i] = replace(self.memory[i], speaker=s)
                changed = True
        return changed
