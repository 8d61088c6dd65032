"""Who the voices are: what the user said, and whom a session recognises by their voice prints.

The clusterer tells voices apart; a person may have several. Unless somebody says otherwise, every voice is a
person of its own, of the same number.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import Atom, Overlap
from .memory import Speakers
from .voiceprint import VoicePrint
from .voices import VoiceScorer

Floats = NDArray[np.float32]

LATE = (2.0, 6.0)  # seconds of a voice's speech, between which a name is let go less and less easily
CLEAR = (0.6, 1.0)  # seconds of a stretch's or a voice's speech, between which its likeness becomes clear
PRINTED = 5  # vectors of a print that count as if they had been heard in the session, once it was recognised


@dataclass(frozen=True, kw_only=True)
class PeopleRules:
    """When a voice is an enrolled person's.

    recognise: log-likelihood ratio against "somebody else" from which it is, at 1 s of its speech alone.
    recognise_early: the same from `least` seconds on, up to 0.6 s, since strangers come near by chance;
    recognise_late: from 6 s on, since one who is meant comes ever nearer to the print. release: the same,
    below which it no longer is, up to 2 s of speech; release_late: from 6 s on. rival: by how much the best
    print must beat the next one. doubt: by how much more than by its print a stretch of speech may pass for
    an enrolled person's. veto: the same, below which it is not theirs whoever it is, up to 0.6 s of speech;
    veto_clear: from 1 s on. sure: probability up to which a stretch is nobody's rather than a recognised
    person's.
    """

    recognise: float = 2.5
    recognise_early: float = 4.0
    recognise_late: float = 4.4
    least: float = 0.5
    release: float = 0.0
    release_late: float = 3.4
    rival: float = 1.5
    doubt: float = 0.0
    veto: float = -2.0
    veto_clear: float = 0.5
    sure: float = 0.95


@dataclass(frozen=True)
class Profile:
    """A person whose voice is known before it is heard. id: the person's, in a store or in the program."""

    id: str
    name: str
    voice: VoicePrint


@dataclass(frozen=True)
class Word:
    """The user's word on cells [start, stop): the first voice there, or the `second`, is `voice`."""

    start: int
    stop: int
    voice: int
    second: bool = False


@dataclass(frozen=True)
class Finding:
    """A voice that goes by another person now. is_merge: all that went by the old one does."""

    voice: int
    old: int
    new: int
    is_merge: bool


class People:
    """The persons behind the voices, and the enrolled ones that have not been heard.

    anchored: persons that the slow path must keep. settled: those on whom the user's word is final, so that
    nothing is recognised about them any more.
    """

    def __init__(self, scorer: VoiceScorer, rules: PeopleRules) -> None:
        self.rules = rules
        self.profiles: dict[str, Profile] = {}
        self.names: dict[int, str] = {}
        self.profile_of: dict[int, str] = {}
        self._scorer = scorer
        self._person: dict[int, int] = {}  # voice -> person, where that is not the voice's own number
        self._joined: dict[int, int] = {}  # person -> the one that they were found to be
        self._anchored: set[int] = set()
        self._settled: set[int] = set()
        self._apart: set[tuple[int, int]] = set()  # persons that the user told apart, the lower first
        self._words: list[Word] = []

    # Voices and persons

    def person_of(self, voice: int) -> int:
        """Who a voice belongs to; NOBODY stays nobody."""
        person = self._person.get(voice, voice)
        while person in self._joined:
            person = self._joined[person]
        return person

    def count(self, voices: Iterable[int]) -> int:
        """How many persons these voices are."""
        return len({self.person_of(voice) for voice in voices})

    def is_spoken_for(self, voice: int) -> bool:
        """Whether the user said something of who this voice is: the slow path keeps it and its id."""
        return self.person_of(voice) in self._anchored

    def is_somebody(self, person: int) -> bool:
        """Whether a person was spoken of or recognised, and so is never taken for another one."""
        return person in self._anchored or person in self.profile_of

    def give(self, voice: int, person: int) -> None:
        """From now on the voice is this person's."""
        self._person[voice] = person

    def anchor(self, *persons: int) -> None:
        """Persons that the user spoke of: the slow path keeps them."""
        self._anchored.update(persons)

    def settle(self, person: int) -> None:
        """The user said who this is: nothing that is heard changes it."""
        self._anchored.add(person)
        self._settled.add(person)

    def tell_apart(self, one: int, other: int) -> None:
        """Two persons that are never taken for one again."""
        self._apart.add((min(one, other), max(one, other)))

    def found_to_be(self, merged: Mapping[int, int]) -> None:
        """Persons, old, that are others, new: all of their voices are."""
        self._joined.update(merged)

    def join(self, old: int, new: int) -> None:
        """Two persons are one, by the user's word."""
        self._joined[old] = new
        self._apart.discard((min(old, new), max(old, new)))
        name, profile = self.names.pop(old, None), self.profile_of.pop(old, None)
        if name is not None:
            self.names.setdefault(new, name)
        if profile is not None:
            self.profile_of.setdefault(new, profile)
        self.settle(new)

    # The user's word on stretches of speech

    def decree(self, word: Word) -> None:
        """Take the user's word on a stretch; the last one on it holds."""
        self._words.append(word)

    def settle_words(self, before: int) -> None:
        """Forget words on what lies before this cell: it is remembered as they said."""
        self._words = [word for word in self._words if word.stop > before]

    def obeyed(self, atom: Atom) -> Atom:
        """The atom as the user's words on it have it; the same object where there are none."""
        if not self._words:
            return atom
        overlaps = tuple(self._obeyed_overlap(overlap) for overlap in atom.overlaps)
        if any(new is not old for new, old in zip(overlaps, atom.overlaps)):
            atom = replace(atom, overlaps=overlaps)
        word = self._word_on(atom.start, atom.stop, second=False)
        if word is None:
            return atom
        return replace(atom, speaker=word.voice, confidence=1.0, pinned=True)

    def _obeyed_overlap(self, overlap: Overlap) -> Overlap:
        word = self._word_on(overlap.start, overlap.stop, second=True)
        return overlap if word is None else replace(overlap, speaker=word.voice, pinned=True)

    def _word_on(self, start: int, stop: int, *, second: bool) -> Word | None:
        """The last word on half of a stretch or more."""
        for word in reversed(self._words):
            shared = min(stop, word.stop) - max(start, word.start)
            if word.second == second and 2 * shared >= stop - start:
                return word
        return None

    # Recognising

    def enroll(self, profile: Profile) -> None:
        """Know a person by their voice print; the same profile again replaces it."""
        self.profiles[profile.id] = profile
        for person, known in self.profile_of.items():
            if known == profile.id:
                self.names[person] = profile.name

    def person_with(self, profile: str) -> int | None:
        """The person who was recognised as a profile, whether or not anything goes by them now."""
        return next((person for person, known in self.profile_of.items() if known == profile), None)

    def likeness(self, vectors: Floats, seconds: Floats, profiles: Sequence[Profile]) -> Floats:
        """(n, profiles) log-likelihood ratios of "this vector is that person" against "somebody else"."""
        centres = np.stack([profile.voice.centre for profile in profiles])
        behind = np.array([profile.voice.clean for profile in profiles], np.float32)
        return self._scorer.llr(vectors, seconds, centres, behind)

    def known_voice(self, voice: int) -> list[tuple[Floats, float]]:
        """The vectors of the voice's print, with seconds, if it was recognised: at most PRINTED of them."""
        profile = self.profiles.get(self.profile_of.get(self.person_of(voice), ""))
        if profile is None:
            return []
        vectors, seconds = profile.voice.vectors[:PRINTED], profile.voice.seconds[:PRINTED]
        return list(zip(vectors, seconds.tolist()))

    def ceilings(self, vectors: Floats, seconds: Floats, voices: Sequence[int]) -> Floats:
        """(n, voices) how likely vectors may be each voice: by the print, where it was recognised."""
        known = [self.profile_of.get(self.person_of(voice), "") for voice in voices]
        limits = np.full((len(vectors), len(known)), np.inf, np.float32)
        rows = [row for row, profile in enumerate(known) if profile in self.profiles]
        if rows:
            llr = self.likeness(vectors, seconds, [self.profiles[known[row]] for row in rows])
            veto = np.interp(seconds, CLEAR, (self.rules.veto, self.rules.veto_clear))
            limits[:, rows] = np.where(llr < veto[:, None], -np.inf, llr + self.rules.doubt)
        return limits

    def awaited(self, voices: Iterable[int]) -> list[Profile]:
        """Enrolled persons that none of these voices belongs to."""
        present = {self.profile_of.get(self.person_of(voice)) for voice in voices}
        return [profile for profile in self.profiles.values() if profile.id not in present]

    def best(self, vector: Floats, seconds: float, profiles: Sequence[Profile]) -> float:
        """How much this vector is one of the profiles; -inf where it is none of them."""
        if not profiles or seconds < self.rules.least:
            return -np.inf
        llr = self.likeness(vector[None], np.array([seconds], np.float32), profiles)[0]
        return float(llr.max()) if self._clear_best(llr, seconds) is not None else -np.inf

    def recognise(self, speakers: Speakers, new_number: Callable[[], int]) -> list[Finding]:
        """Compare the voices with the prints; what changes by it, already taken down here.

        new_number: for a voice that was mistaken, and is nobody's so far.
        """
        if not self.profiles or not len(speakers):
            return []
        profiles = list(self.profiles.values())
        table = self.likeness(speakers.centres, speakers.seconds, profiles)
        findings = []
        for voice, seconds, llr in zip(speakers.ids.tolist(), speakers.seconds.tolist(), table):
            person = self.person_of(voice)
            if person in self._settled:
                continue
            known = self.profile_of.get(person)
            index = self._clear_best(llr, seconds)
            release = np.interp(seconds, LATE, (self.rules.release, self.rules.release_late))
            if known is not None and llr[list(self.profiles).index(known)] < release:
                self._person[voice] = new_number()
                findings.append(Finding(voice, person, self._person[voice], is_merge=False))
            elif known is None and index is not None and seconds >= self.rules.least:
                findings += self._recognised(voice, person, profiles[index], speakers)
        return findings

    def _recognised(self, voice: int, person: int, profile: Profile, speakers: Speakers) -> list[Finding]:
        holder = self.person_with(profile.id)
        if holder is None:
            self.names[person], self.profile_of[person] = profile.name, profile.id
            return [Finding(voice, person, person, is_merge=False)]
        if (min(person, holder), max(person, holder)) in self._apart:
            return []
        others = [v for v in speakers.ids.tolist() if v != voice and self.person_of(v) == person]
        self._person[voice] = holder
        return [Finding(voice, person, holder, is_merge=not others)]

    def _clear_best(self, llr: Floats, seconds: float) -> int | None:
        index = int(llr.argmax())
        rest = np.delete(llr, index)
        rival = float(rest.max()) if len(rest) else -np.inf
        rules = self.rules
        steps = (rules.recognise_early, rules.recognise, rules.recognise_late)
        enough = np.interp(seconds, (*CLEAR, LATE[1]), steps)
        clear = llr[index] >= enough and llr[index] - rival >= rules.rival
        return index if clear else None

    # Snapshots

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "profiles": [
                [p.id, p.name, p.voice.model, p.voice.vectors, p.voice.seconds]
                for p in self.profiles.values()
            ],
            "names": self.names,
            "profile_of": self.profile_of,
            "person": self._person,
            "joined": self._joined,
            "anchored": sorted(self._anchored),
            "settled": sorted(self._settled),
            "apart": sorted(self._apart),
            "words": [[w.start, w.stop, w.voice, w.second] for w in self._words],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the people that `state` was taken from."""
        self.profiles = {
            row[0]: Profile(row[0], row[1], VoicePrint(row[2], row[3], row[4])) for row in state["profiles"]
        }
        self.names, self.profile_of = dict(state["names"]), dict(state["profile_of"])
        self._person, self._joined = dict(state["person"]), dict(state["joined"])
        self._anchored, self._settled = set(state["anchored"]), set(state["settled"])
        self._apart = {(low, high) for low, high in state["apart"]}
        self._words = [Word(*row) for row in state["words"]]
