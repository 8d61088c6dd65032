"""Who is who: the fast path names atoms at once, the slow path thinks all of them over again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .memory import NOBODY, Atom, Overlap, Speakers
from .naming import NamingRules, linked, posterior
from .reclustering import ReclusterRules, recluster, stitch
from .voices import VoiceScorer

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ClusterRules:
    naming: NamingRules = NamingRules()
    slow: ReclusterRules = ReclusterRules()
    birth: float = 0.8
    known_from: float = 0.6
    every_share: float = 0.1
    every_least: float = 0.5
    every_most: float = 4.0
    keep: float = 1.0


class Clusterer:
    def __init__(self, size: int, scorer: VoiceScorer, rules: ClusterRules, max_speakers: int | None) -> None:
        self.size, self.scorer, self.rules, self.max_speakers = size, scorer, rules, max_speakers
        self.memory: list[Atom] = []
        self.next_speaker = 0
        self._fresh = 0.0
        self._tentative: list[tuple[int, int, int]] = []

    def speakers(self, extra: Sequence[Atom] = ()) -> Speakers:
        known = [a for a in [*self.memory, *extra] if a.vector is not None and a.speaker != NOBODY]
        ids = np.array(sorted({a.speaker for a in known}), np.intp)
        index = {int(s): i for i, s in enumerate(ids)}
        total = np.zeros((len(ids), self.size), np.float32)
        seconds = np.zeros(len(ids), np.float32)
        for a in known:
            w = a.clean if a.clean >= self.rules.known_from else 0.1 * a.clean
            total[index[a.speaker]] += a.vector * np.float32(w)
            seconds[index[a.speaker]] += w
        total /= np.linalg.norm(total, axis=1, keepdims=True) + 1e-9
        return Speakers(ids, total, seconds)

    def name(self, atoms: Sequence[Atom]) -> list[Atom]:
        r = self.rules
        named: list[Atom] = []
        who = {a.start: a.speaker for a in self.memory[-60:]}
        sp = self.speakers()
        tentative = []
        for atom in atoms:
            shares = linked(atom.links, who, sp.ids)
            if atom.vector is not None and len(sp):
                voice = self.scorer.llr(atom.vector[None], np.array([atom.clean]), sp.centres, sp.seconds)[0]
            else:
                voice = np.zeros(len(sp), np.float32)
            p = posterior(voice, shares, r.naming)
            full = self.max_speakers is not None and len(sp) >= self.max_speakers
            may = atom.vector is not None and (atom.clean >= r.birth) and not full
            if len(sp) == 0 and atom.vector is None:
                named.append(atom)
                continue
            if len(sp) == 0 or (may and p.argmax() == len(sp)):
                before = [n for n, a, b in self._tentative if a < atom.stop and b > atom.start and n not in sp.ids]
                if before:
                    n = before[0]
                else:
                    n = self.next_speaker
                    self.next_speaker += 1
                tentative.append((n, atom.start, atom.stop))
                sp = Speakers(np.append(sp.ids, n), np.vstack([sp.centres, atom.vector]), np.append(sp.seconds, np.float32(atom.clean)))
                speaker, conf = n, float(p[-1])
            else:
                k = int(p[:-1].argmax())
                speaker, conf = int(sp.ids[k]), float(p[k])
            atom = replace(atom, speaker=speaker, confidence=conf)
            who[atom.start] = speaker
            named.append(atom)
        self._tentative = tentative
        return [self.second_voices(a, who, sp) for a in named]

    def second_voices(self, atom: Atom, who: dict[int, int], sp: Speakers) -> Atom:
        if not atom.overlaps or atom.speaker == NOBODY:
            return atom
        out = []
        for o in atom.overlaps:
            shares = linked(o.links, who, sp.ids)
            shares[sp.ids == atom.speaker] = -1
            b = int(shares.argmax())
            s = NOBODY
            if shares[b] > 0.05:
                s = int(sp.ids[b])
            elif atom.vector is not None and len(sp) > 1:
                c = sp.centres @ atom.vector
                c[sp.ids == atom.speaker] = -9
                s = int(sp.ids[c.argmax()])
            out.append(replace(o, speaker=s))
        return replace(atom, overlaps=tuple(out))

    def remember(self, atoms: Sequence[Atom]) -> None:
        self.memory += atoms
        self._fresh += sum(a.clean for a in atoms)

    def due(self) -> bool:
        r = self.rules
        total = sum(a.clean for a in self.memory)
        return self._fresh >= min(r.every_most, max(r.every_least, r.every_share * total))

    def reconsider(self) -> bool:
        r = self.rules
        self._fresh = 0.0
        have = [i for i, a in enumerate(self.memory) if a.vector is not None]
        if len(have) < 2:
            return False
        vectors = np.stack([self.memory[i].vector for i in have])
        seconds = np.array([self.memory[i].clean for i in have], np.float32)
        old = np.array([self.memory[i].speaker for i in have])
        labels = recluster(vectors, seconds, r.slow, self.max_speakers)
        new, self.next_speaker = stitch(labels, old, seconds, self.next_speaker)
        # every atom again under the new centres
        solid = seconds >= r.slow.solid
        ids = np.unique(new[solid]) if solid.any() else np.unique(new)
        cent = np.zeros((len(ids), self.size), np.float32)
        sec = np.zeros(len(ids), np.float32)
        for k, s in enumerate(ids):
            m = (new == s) & (solid if solid.any() else True)
            cent[k] = (vectors[m] * seconds[m, None]).sum(0)
            sec[k] = seconds[m].sum()
        cent /= np.linalg.norm(cent, axis=1, keepdims=True) + 1e-9
        voice = self.scorer.llr(vectors, seconds, cent, sec)
        who = {self.memory[i].start: int(s) for i, s in zip(have, new)}
        names = new.copy()
        for _ in range(2):
            for j, i in enumerate(have):
                shares = linked(self.memory[i].links, who, ids)
                v = voice[j] + r.keep * (ids == self.memory[i].speaker)
                p = posterior(v, shares, r.naming)[:-1]
                names[j] = ids[p.argmax()]
            who = {self.memory[i].start: int(s) for i, s in zip(have, names)}
        speaker_set = Speakers(ids, cent, sec)
        out = []
        changed = False
        named = dict(zip(have, names.tolist()))
        for i, a in enumerate(self.memory):
            s = named.get(i, a.speaker)
            if i not in named:
                shares = linked(a.links, who, ids)
                if len(ids):
                    s = int(ids[shares.argmax()]) if shares.max() > 0 else (out[-1].speaker if out else int(ids[0]))
            b = self.second_voices(replace(a, speaker=int(s)), who, speaker_set)
            changed |= b.speaker != a.speaker or b.overlaps != a.overlaps
            out.append(b)
        self.memory = out
        return changed
