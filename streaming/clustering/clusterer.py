"""Who is who: the fast path names atoms at once, the slow path thinks all of them over again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Atom
from .anchors import cores
from .asked import Asked
from .memory import Memory, MemoryRules, Speakers, centres, halves
from .naming import NamingRules, linked, posterior
from .people import People, PeopleRules
from .rare import RareRules
from .reclustering import ReclusterRules
from .second_look import held, read_alike, relinked
from .second_voice import SecondVoiceRules, second_voice
from .shaping import Shaping, link_table, merged
from .voices import VoiceScorer

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class ClusterRules:
    """How voices become speakers.

    birth: seconds of clean speech before a voice may be a new speaker. keep: log-odds by which a name given
    before is preferred when thinking again. Thinking again is due when fresh speech reaches `every_share` of
    all that is remembered, at least `every_least` and at most `every_most` seconds.
    """

    naming: NamingRules = field(default_factory=NamingRules)
    memory: MemoryRules = field(default_factory=MemoryRules)
    people: PeopleRules = field(default_factory=PeopleRules)
    slow: ReclusterRules = field(default_factory=ReclusterRules)
    rare: RareRules = field(default_factory=RareRules)
    second: SecondVoiceRules = field(default_factory=SecondVoiceRules)
    birth: float = 1.0
    keep: float = 2.5
    every_share: float = 0.15
    every_least: float = 1.5
    every_most: float = 12.0


@dataclass(frozen=True)
class Verdict:
    """What thinking again changed.

    since: start of the earliest atom that goes by another name, None where none does. merged: old id to new.
    """

    since: int | None = None
    merged: Mapping[int, int] = field(default_factory=dict)


class Clusterer:
    """The speakers of a session, by number from 0; numbers are never used again.

    asked: how many speakers there are, if somebody knows.
    """

    def __init__(
        self, size: int, scorer: VoiceScorer, rules: ClusterRules, asked: Asked | None = None
    ) -> None:
        self.rules = rules
        self.memory = Memory(size, rules.memory)
        self.people = People(scorer, rules.people)
        self._scorer = scorer
        self.asked = asked or Asked()
        self._next_speaker = 0
        self._fresh = 0.0
        # Births that may yet be taken back: speaker and the cells it was born in, from the last naming.
        self._newborn: list[tuple[int, int, int]] = []

    # -- fast path

    def name(self, atoms: Sequence[Atom], remembered: Sequence[Atom]) -> list[Atom]:
        """The atoms with speakers, in order of time; those that nothing is known about stay nobody's.

        remembered: the closed atoms that links may point to.
        """
        speaker_of = {atom.start: atom.speaker for atom in remembered}
        speakers = self._known()
        newborn: list[tuple[int, int, int]] = []
        named: list[Atom] = []
        for atom in atoms:
            odds = self._odds(atom, speakers, speaker_of)
            if self._is_birth(atom, odds, speakers):
                assert atom.vector is not None
                speaker = self._born(atom, speakers.ids)
                newborn.append((speaker, atom.start, atom.stop))
                speakers = speakers.joined_by(speaker, atom.vector, atom.clean)
                confidence = float(odds[-1])
            elif len(speakers):
                speaker = int(self._named(odds[None], speakers)[0])
                confidence = float(odds[:-1].max()) if speaker != NOBODY else 0.0
            else:
                speaker, confidence = NOBODY, 0.0
            atom = self.people.obeyed(replace(atom, speaker=speaker, confidence=confidence))
            if atom.pinned and atom.speaker not in speakers.ids and atom.vector is not None:
                speakers = speakers.joined_by(atom.speaker, atom.vector, atom.clean)
            speaker_of[atom.start] = atom.speaker
            named.append(atom)
        self._newborn = newborn
        return [self.people.obeyed(self._with_second_voices(atom, speakers, speaker_of)) for atom in named]

    def speakers(self, live: Sequence[Atom]) -> Speakers:
        """The speakers as they are known with the atoms that are not remembered yet."""
        return centres([*self.memory.atoms, *live], self.memory.size, self.rules.memory.solid)

    def spoken(self, live: Sequence[Atom]) -> Speakers:
        """The same by all of their speech, however short its atoms: what voice prints are held against."""
        return centres([*self.memory.atoms, *live], self.memory.size, 0.0)

    def _known(self) -> Speakers:
        """The speakers as they are remembered, those who were recognised by their prints too."""
        prints = self._prints()
        if not prints:
            return self.memory.speakers()
        return centres([*self.memory.atoms, *prints], self.memory.size, self.rules.memory.solid)

    def _prints(self) -> list[Atom]:
        """What the voice prints of those who were recognised would be as atoms, before all that was heard."""
        voices = {atom.speaker for atom in self.memory.atoms} - {NOBODY}
        return [
            Atom(-1, 0, vector, clean, speaker=voice)
            for voice in sorted(voices)
            for vector, clean in self.people.known_voice(voice)
        ]

    def _named(self, odds: Floats, speakers: Speakers) -> Ints:
        """(n,) the likeliest speakers; nobody where that would be a recognised person, and is not sure.

        odds: (n, speakers + 1), a stranger's last.
        """
        people, known = self.people, odds[:, :-1]
        recognised = [people.person_of(voice) in people.profile_of for voice in speakers.ids.tolist()]
        likeliest = known.argmax(axis=1)
        sure = np.where(np.array(recognised)[likeliest], people.rules.sure, 0.0)
        return np.where(known.max(axis=1) > sure, speakers.ids[likeliest], NOBODY)

    def new_number(self) -> int:
        """A number that no voice and no person has had."""
        self._next_speaker += 1
        return self._next_speaker - 1

    def look_again(self, start: int, stop: int, atoms: Sequence[Atom]) -> int | None:
        """Remember these atoms of cells [start, stop) instead, named with a bias to how they were.

        Returns the cell from which turns read differently, None where they do not.
        """
        recent = self.memory.recent
        before = [atom for atom in recent if start <= atom.start < stop]
        others = [atom for atom in recent if not start <= atom.start < stop]
        speakers = self._known()
        speaker_of = {atom.start: atom.speaker for atom in others}
        after: list[Atom] = []
        for atom in atoms:
            shares = held(atom, before, speakers.ids)
            odds = self._odds(atom, speakers, speaker_of, self.rules.keep * shares)
            if len(speakers) and (shares.sum() >= 0.5 or int(odds.argmax()) < len(speakers)):
                speaker = int(self._named(odds[None], speakers)[0])
                atom = replace(atom, speaker=speaker, confidence=float(odds[:-1].max()))
            speaker_of[atom.start] = atom.speaker
            after.append(atom)
        after = [self._with_second_voices(atom, speakers, speaker_of) for atom in after]
        atoms = sorted([*relinked(others, before, after), *after], key=lambda atom: atom.start)
        self.memory.recut(atoms)
        return None if read_alike(before, after) else min(atom.start for atom in [*before, *after])

    def cut_at(self, cell: int) -> None:
        """Cut the recent atom that lies across a cell in two, of one voice and one vector."""
        recent: list[Atom] = []
        for atom in self.memory.recent:
            recent += halves(atom, cell)
        self.memory.rename([*self.memory.exemplars, *recent])

    def obey(self) -> None:
        """Take the user's words on what is remembered."""
        self.memory.rename([self.people.obeyed(atom) for atom in self.memory.atoms])

    def remember(self, atoms: Sequence[Atom]) -> None:
        """Take named atoms that are closed for good."""
        if atoms:
            self.memory.add(atoms)
            self._fresh += sum(atom.clean for atom in atoms)
            self.people.settle_words(atoms[-1].stop)

    def _odds(
        self, atom: Atom, speakers: Speakers, speaker_of: Mapping[int, int], bias: Floats | float = 0.0
    ) -> Floats:
        voice = np.zeros(len(speakers), np.float32)
        if atom.vector is not None and len(speakers):
            seconds = np.array([atom.clean], np.float32)
            voice = self._scorer.llr(atom.vector[None], seconds, speakers.centres, speakers.seconds)[0]
            limits = self.people.ceilings(atom.vector[None], seconds, speakers.ids.tolist())
            voice = np.minimum(voice, limits[0])
        return posterior(voice + bias, linked(atom.links, speaker_of, speakers.ids), self.rules.naming)

    def _is_birth(self, atom: Atom, odds: Floats, speakers: Speakers) -> bool:
        people, known = self.people, len(speakers)
        if atom.vector is None:
            return False
        if self.asked.most is not None and people.count(speakers.ids.tolist()) >= self.asked.most:
            return False
        if known == 0 or (atom.clean >= self.rules.birth and int(odds.argmax()) == known):
            return True
        awaited = people.best(atom.vector, atom.clean, people.awaited(speakers.ids.tolist()))
        return float(odds[-1] * np.exp(awaited)) > float(odds[:-1].max())

    def _born(self, atom: Atom, taken: Ints) -> int:
        for speaker, start, stop in self._newborn:
            if start < atom.stop and atom.start < stop and speaker not in taken:
                return speaker
        return self.new_number()

    def _with_second_voices(self, atom: Atom, speakers: Speakers, speaker_of: Mapping[int, int]) -> Atom:
        second = [
            overlap.speaker
            if overlap.pinned
            else second_voice(
                overlap,
                atom.speaker,
                linked(overlap.links, speaker_of, speakers.ids),
                speakers,
                self.rules.second,
            )
            for overlap in atom.overlaps
        ]
        if second == [overlap.speaker for overlap in atom.overlaps]:
            return atom
        overlaps = tuple(replace(overlap, speaker=s) for overlap, s in zip(atom.overlaps, second))
        return replace(atom, overlaps=overlaps)

    # -- slow path

    def is_due(self) -> bool:
        """Whether enough has been heard since the last time to think again."""
        rules = self.rules
        known = sum(atom.clean for atom in self.memory.recent)
        wait = min(rules.every_most, max(rules.every_least, rules.every_share * known))
        return self._fresh >= wait

    def reconsider(self, *, is_last: bool = False) -> Verdict:
        """Cluster all remembered atoms again; names change where the evidence beats the margin.

        is_last: nothing more will be heard, so that there are no fewer speakers than were asked for.
        """
        self._fresh = 0.0
        before = self.memory.atoms
        voiced = [atom for atom in before if atom.vector is not None]
        stands_for = cores(voiced, self.people)
        shaping = [
            (atom, core)
            for atom, core in zip(voiced, stands_for.tolist())
            if core != NOBODY or atom.clean >= self.rules.slow.solid
        ]
        if len(shaping) < 2:
            return Verdict()
        shaping += [(atom, atom.speaker) for atom in self._prints()]
        solid, core = [atom for atom, _ in shaping], np.array([core for _, core in shaping], np.intp)
        shaped = Shaping(self._scorer, self.rules.slow, self.rules.rare, self.people.person_of)
        asked = Asked(self.asked.least if is_last else 1, self.asked.most)
        all_seconds = sum(atom.clean for atom in voiced)
        anchors = shaped.anchors(solid, core, all_seconds, asked, self.new_number)
        speakers = centres(anchors, self.memory.size, 0.0)
        after = self._name_again(before, anchors, speakers)
        self.memory.rename(after)
        renamed = (new.start for old, new in zip(before, after) if new is not old)
        return Verdict(min(renamed, default=None), merged(before, after))

    def _name_again(self, atoms: Sequence[Atom], anchors: Sequence[Atom], speakers: Speakers) -> list[Atom]:
        """Every atom under the speakers that the anchors shape, twice, so that links see the new names."""
        voice = np.zeros((len(atoms), len(speakers)), np.float32)
        voiced = [index for index, atom in enumerate(atoms) if atom.vector is not None]
        vectors = np.array([atoms[index].vector for index in voiced], np.float32)
        clean = np.array([atoms[index].clean for index in voiced], np.float32)
        likeness = self._scorer.llr(vectors, clean, speakers.centres, speakers.seconds)
        voice[voiced] = np.minimum(likeness, self.people.ceilings(vectors, clean, speakers.ids.tolist()))
        before = np.array([atom.speaker for atom in atoms])
        voice += self.rules.keep * (before[:, None] == speakers.ids)
        anchored = {atom.start: atom.speaker for atom in anchors}
        names = np.array([anchored.get(atom.start, atom.speaker) for atom in atoms])
        core = cores(atoms, self.people)
        pinned = np.array([atom.pinned for atom in atoms])
        fixed, words = (core != NOBODY) | pinned, np.where(pinned, before, core)
        table = link_table(atoms)
        for _ in range(2):
            shares = table @ (names[:, None] == speakers.ids).astype(np.float32)
            odds = posterior(voice, shares, self.rules.naming)
            names = np.where(fixed, words, self._named(odds, speakers))
        speaker_of = {atom.start: speaker for atom, speaker in zip(atoms, names.tolist())}
        renamed = [
            replace(atom, speaker=speaker, confidence=sure) if speaker != atom.speaker else atom
            for atom, speaker, sure in zip(atoms, names.tolist(), odds[:, :-1].max(axis=1).tolist())
        ]
        return [self._with_second_voices(atom, speakers, speaker_of) for atom in renamed]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "memory": self.memory.state(),
            "people": self.people.state(),
            "next_speaker": self._next_speaker,
            "fresh": self._fresh,
            "newborn": [list(row) for row in self._newborn],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the clusterer that `state` was taken from."""
        self.memory.restore(state["memory"])
        self.people.restore(state["people"])
        self._next_speaker = state["next_speaker"]
        self._fresh = state["fresh"]
        self._newborn = [(row[0], row[1], row[2]) for row in state["newborn"]]
