"""The user's word on who is who: taken at once, kept from then on, and what the clusterer learns from it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..clustering.anchors import most_typical
from ..clustering.clusterer import Clusterer
from ..clustering.memory import halves
from ..clustering.people import Profile, Word
from ..clustering.voiceprint import LEAST_SECONDS, VoicePrint
from ..errors import ConfigError, UnknownSpeaker, VoicePrintError
from ..hearing.atoms import NOBODY, Atom
from .account import Account, merges
from .journal import Journal
from .timeline import Timeline, TurnRecord

Stretch = tuple[int, int]  # cells [start, stop)


class Amendments:
    """Speakers are named by the ids that readers know, merged ids included; turns by their records.

    Methods raise UnknownSpeaker for an id that nobody goes by, ConfigError for what would change nothing.
    """

    def __init__(self, account: Account, clusterer: Clusterer, timeline: Timeline, journal: Journal) -> None:
        self._account, self._clusterer, self._people = account, clusterer, clusterer.people
        self._timeline, self._journal = timeline, journal

    def enroll(self, profile: Profile) -> None:
        """Know a person by their voice print, from now on and for what was said so far."""
        self._people.enroll(profile)
        holder = self._people.person_with(profile.id)
        if holder is not None:
            self._account.identify(holder)
        findings = self._account.recognise()
        self._account.revise(self._account.first_change(findings), "recognised", merged=merges(findings))

    def name(self, speaker: str, name: str) -> None:
        """This speaker is called so; nothing that is heard takes the id away again.

        Where one enrolled person is called so and was not recognised yet, it is that person.
        """
        people, person = self._people, self._journal.number_of(speaker)
        people.names[person] = name
        known = people.profile_of.pop(person, None)
        same = [profile.id for profile in people.profiles.values() if profile.name == name]
        if known in same or (len(same) == 1 and people.person_with(same[0]) is None):
            people.profile_of[person] = known if known in same and known is not None else same[0]
        self._pin_typical(person)
        people.settle(person)
        self._account.identify(person)

    def merge(self, speaker: str, into: str) -> None:
        """Two speakers are one person, who goes by the second id from now on."""
        old, new = self._journal.number_of(speaker), self._journal.number_of(into)
        if old == new:
            raise ConfigError(f"{speaker} and {into} are one speaker already")
        for person in (old, new):
            self._pin_typical(person)
        changed_from = self._account.first_cell(self._voices_of(old))
        self._people.join(old, new)
        self._account.identify(new)
        self._account.revise(changed_from, "merged", merged={old: new})

    def split(self, speaker: str, turns: Collection[int], at: int | None) -> None:
        """Some turns of a speaker, or all that is said from cell `at` on, are a new person's.

        turns: ids. Raises UnknownSpeaker for turns that are not the speaker's.
        """
        person = self._journal.number_of(speaker)
        mine = [turn for turn in self._timeline.turns.values() if turn.speaker == person]
        strange = set(turns) - {turn.id for turn in mine}
        if strange:
            known = ", ".join(f"t{turn.id}" for turn in mine) or "none"
            raise UnknownSpeaker(f"no turn t{min(strange)} of {speaker}: its turns are {known}")
        since = {turn.id: turn.start if turn.id in turns else at for turn in mine}
        leaving = {
            turn: (max(turn.start, start), turn.stop)
            for turn in mine
            if (start := since[turn.id]) is not None and start < turn.stop
        }
        if not leaving or all(leaving.get(turn) == (turn.start, turn.stop) for turn in mine):
            raise ConfigError(
                f"{len(leaving)} of {len(mine)} turns of {speaker} would leave: expected some, but not all"
            )
        self._hand_over(leaving.values(), person, self._clusterer.new_number(), "split")

    def correct(self, stretch: TurnRecord | Stretch, speaker: str | None) -> None:
        """A turn, or what the first voice says in a stretch, is this speaker's.

        speaker: an id, the profile of an enrolled person, or None for a new person.
        """
        was = stretch.speaker if isinstance(stretch, TurnRecord) else None
        person = self._clusterer.new_number() if speaker is None else self._person_called(speaker)
        if was == person:
            raise ConfigError(f"the turn is {speaker}'s already")
        cells = (stretch.start, stretch.stop) if isinstance(stretch, TurnRecord) else stretch
        self._hand_over([cells], was, person, "corrected")

    def voice_print(self, speaker: str, model: str) -> VoicePrint:
        """What is known of a speaker's voice. Raises VoicePrintError where that is too little."""
        voices, least = self._voices_of(self._journal.number_of(speaker)), self._clusterer.rules.memory.solid
        atoms = [
            atom
            for atom in (*self._clusterer.memory.atoms, *self._account.live)
            if atom.speaker in voices and atom.vector is not None and atom.clean >= least
        ]
        clean = sum(atom.clean for atom in atoms)
        if clean < LEAST_SECONDS:
            raise VoicePrintError(
                f"{clean:.1f} s of clean speech of {speaker}: a voice print wants {LEAST_SECONDS:g} s or more"
            )
        vectors = np.stack([atom.vector for atom in atoms if atom.vector is not None])
        return VoicePrint(model, vectors, np.array([atom.clean for atom in atoms], np.float32))

    def _person_called(self, speaker: str) -> int:
        """The person of an id, or of an enrolled profile, who gets a number if they have none yet."""
        if speaker not in self._people.profiles:
            return self._journal.number_of(speaker)
        person = self._people.person_with(speaker)
        if person is None:
            person = self._clusterer.new_number()
            self._people.profile_of[person] = speaker
            self._people.names[person] = self._people.profiles[speaker].name
            self._account.identify(person)
        return person

    def _voices_of(self, person: int) -> set[int]:
        known = self._account.known().ids.tolist()
        atoms = [*self._clusterer.memory.atoms, *self._account.live]
        heard = {voice for voice in (*known, *(atom.speaker for atom in atoms)) if voice != NOBODY}
        return {voice for voice in heard if self._people.person_of(voice) == person}

    def _pin_typical(self, person: int) -> None:
        """Let the most typical atom of each of a person's voices be theirs for good."""
        atoms = [*self._clusterer.memory.atoms, *self._account.live]
        for voice in sorted(self._voices_of(person)):
            mine = [atom for atom in atoms if atom.speaker == voice]
            voiced = [atom for atom in mine if atom.vector is not None]
            typical = voiced[most_typical(voiced, range(len(voiced)))[0]] if voiced else mine[0]
            self._people.decree(Word(typical.start, typical.stop, voice))
        self._obey()

    def _hand_over(self, stretches: Collection[Stretch], was: int | None, person: int, reason: str) -> None:
        """What `was`, or whoever speaks first, says in these stretches is the person's, for good."""
        self._cut(cell for stretch in stretches for cell in stretch)
        meant = list(self._meant(stretches, was))
        voice = self._voice_for(person, [atom for atom, _ in meant])
        for _, word in meant:
            self._people.decree(replace(word, voice=voice))
        losers = {was} if was is not None else {self._people.person_of(atom.speaker) for atom, _ in meant}
        self._people.anchor(person)
        for loser in sorted(losers - {NOBODY, person}):
            self._people.anchor(loser)
            self._people.tell_apart(loser, person)
        self._obey()
        older = {
            turn.id: person
            for turn in self._timeline.turns.values()
            if was in (None, turn.speaker) and _mostly_in(turn.start, turn.stop, stretches)
        }
        self._account.revise(min(start for start, _ in stretches), reason, older=older)

    def _cut(self, cells: Iterable[int]) -> None:
        """Cut atoms at these cells."""
        for cell in sorted(set(cells)):
            self._clusterer.cut_at(cell)
            self._account.live = [half for atom in self._account.live for half in halves(atom, cell)]

    def _meant(self, stretches: Collection[Stretch], was: int | None) -> Iterator[tuple[Atom, Word]]:
        """The atoms that the user spoke of, with the cells where `was` is the first or the second voice."""
        person_of = self._people.person_of
        for atom in [*self._clusterer.memory.atoms, *self._account.live]:
            if was in (None, person_of(atom.speaker)) and _mostly_in(atom.start, atom.stop, stretches):
                yield atom, Word(atom.start, atom.stop, NOBODY)
            for overlap in atom.overlaps:
                if was == person_of(overlap.speaker) and _mostly_in(overlap.start, overlap.stop, stretches):
                    yield atom, Word(overlap.start, overlap.stop, NOBODY, second=True)

    def _voice_for(self, person: int, atoms: Sequence[Atom]) -> int:
        """The person's voice that is most like these atoms; a new one where the person has none."""
        known = self._account.known()
        rows = [
            row for row, voice in enumerate(known.ids.tolist()) if self._people.person_of(voice) == person
        ]
        if not rows:
            voice = self._clusterer.new_number()
            self._people.give(voice, person)
            return voice
        voiced = [atom.vector for atom in atoms if atom.vector is not None]
        alike = known.centres[rows] @ np.sum(voiced, axis=0) if voiced else known.seconds[rows]
        return int(known.ids[rows[int(alike.argmax())]])

    def _obey(self) -> None:
        """Take the words on what was heard; those on what is remembered are kept there from now on."""
        self._clusterer.obey()
        self._account.live = [self._people.obeyed(atom) for atom in self._account.live]
        if self._clusterer.memory.recent:
            self._people.settle_words(self._clusterer.memory.recent[-1].stop)


def _mostly_in(start: int, stop: int, stretches: Collection[Stretch]) -> bool:
    shared = sum(max(0, min(stop, b) - max(start, a)) for a, b in stretches)
    return 2 * shared >= stop - start
