"""What was last said of a session, and what is said when it is known better."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..clustering.clusterer import Clusterer, Verdict
from ..clustering.memory import Speakers
from ..clustering.people import Finding
from ..hearing.atoms import NOBODY, Atom, atom_from, atom_state
from .floor import Floor
from .journal import Journal
from .timeline import Piece, Timeline, turns_of

SECOND_VOICE_CONFIDENCE = 0.5


class Account:
    """Turns as they were last said, by the atoms they were made of. What differs goes out by the journal.

    `tell` follows a step; `revise` says what the user's word changed, between steps, at the same clock.
    """

    def __init__(self, clusterer: Clusterer, timeline: Timeline, floor: Floor, journal: Journal) -> None:
        self.live: list[Atom] = []  # named atoms that are not remembered yet
        self._clusterer, self._people = clusterer, clusterer.people
        self._timeline, self._floor, self._journal = timeline, floor, journal
        self._frozen = 0  # cells: nothing before it changes but by a revision
        self._now = 0  # cells told of

    def tell(
        self,
        live: Sequence[Atom],
        verdict: Verdict,
        changed_from: int,
        frozen: int,
        now: int,
        *,
        reason: str,
        is_last: bool,
    ) -> None:
        """Compare how the turns now read, from cell `changed_from` on, with how they were last said.

        reason: of a revision, unless all it says is who was recognised.
        """
        self.live = list(live)
        if is_last:
            frozen = now = now + self._timeline.bridge + 1
        self._frozen, self._now = frozen, now
        findings = self.recognise()
        merged = self._merged_persons(verdict.merged) | merges(findings)
        start = self._rebuilt_from(min(changed_from, self.first_change(findings)), merged)
        pieces = self._pieces(start)
        revised = self._timeline.reassign(self._mistaken(findings, start))
        update = self._timeline.update(pieces, start, frozen, now)
        for change in self._floor.follow(turns_of(pieces, self._timeline.bridge), now):
            self._journal.change(change)
        for turn in update.said:
            self._journal.turn(turn)
        if findings and verdict.since is None:
            reason = "recognised"
        self._journal.revision([*revised, *update.revised], update.removed, merged, reason)

    def revise(
        self,
        changed_from: int,
        reason: str,
        *,
        merged: Mapping[int, int] | None = None,
        older: Mapping[int, int] | None = None,
    ) -> None:
        """Say what is different since the last step though nothing more was heard.

        merged: persons, old to new. older: turn id to person, for turns that may lie before all that is
        remembered.
        """
        start = self._rebuilt_from(changed_from, merged or {})
        turns = self._timeline.turns
        ours = {turn: person for turn, person in (older or {}).items() if turns[turn].start < start}
        changed = self._timeline.reassign(ours)
        update = self._timeline.update(self._pieces(start), start, self._frozen, self._now)
        for turn in [*(turn for turn in changed if turn.state != "final"), *update.said]:
            self._journal.turn(turn)
        revised = [*(turn for turn in changed if turn.state == "final"), *update.revised]
        self._journal.revision(revised, update.removed, merged or {}, reason)

    def recognise(self) -> list[Finding]:
        """Compare the voices with the prints, and say who was recognised."""
        if not self._people.profiles:
            return []
        findings = self._people.recognise(self._clusterer.spoken(self.live), self._clusterer.new_number)
        for person in sorted({finding.new for finding in findings}):
            self.identify(person)
        return findings

    def known(self) -> Speakers:
        """The voices as they are known now."""
        return self._clusterer.speakers(self.live)

    def identify(self, person: int) -> None:
        """Say who a person is, where that is new."""
        self._journal.identify(person, self._people.names.get(person), self._people.profile_of.get(person))

    def _merged_persons(self, voices: Mapping[int, int]) -> dict[int, int]:
        """Persons that no voice belongs to any more, by the voices that went into others."""
        if not voices:
            return {}
        person_of = self._people.person_of
        left = {person_of(voice) for atom in self._clusterer.memory.atoms for voice in _voices_in(atom)}
        persons = {person_of(old): person_of(new) for old, new in voices.items()}
        return {
            old: new
            for old, new in persons.items()
            if old not in left and old != new and not self._people.is_somebody(old)
        }

    def first_change(self, findings: Iterable[Finding]) -> int:
        """The cell from which turns read differently by what was found."""
        return self.first_cell({finding.voice for finding in findings if finding.old != finding.new})

    def first_cell(self, voices: Collection[int]) -> int:
        """Where the first recent atom begins that one of these voices is heard in; else the newest cell."""
        if not voices:
            return self._now
        atoms = [*self._clusterer.memory.recent, *self.live]
        return min(
            (atom.start for atom in atoms if not _voices_in(atom).isdisjoint(voices)), default=self._now
        )

    def _mistaken(self, findings: Iterable[Finding], start: int) -> dict[int, int]:
        """Turns from before all that is remembered, of persons whose only voice was mistaken for theirs.

        Returns whose they are instead, by the turn's id.
        """
        instead = {f.old: f.new for f in findings if f.new != f.old and not f.is_merge}
        if not instead:
            return {}
        left = {self._people.person_of(voice) for voice in self.known().ids.tolist()}
        return {
            turn.id: instead[turn.speaker]
            for turn in self._timeline.turns.values()
            if turn.speaker in instead and turn.speaker not in left and turn.start < start
        }

    def _rebuilt_from(self, changed_from: int, merged: Mapping[int, int]) -> int:
        self._people.found_to_be(merged)
        self._timeline.merge(merged)
        return self._timeline.rebuilt_from(changed_from, self._clusterer.memory.since)

    def _pieces(self, start: int) -> list[Piece]:
        """Everything that is spoken from cell `start` on, by person."""
        return [
            piece
            for atom in [*self._clusterer.memory.recent, *self.live]
            if atom.stop > start
            for piece in self._pieces_of(atom)
            if piece.start >= start
        ]

    def _pieces_of(self, atom: Atom) -> list[Piece]:
        if atom.speaker == NOBODY:
            return []
        person_of = self._people.person_of
        second = [
            Piece(overlap.start, overlap.stop, person_of(overlap.speaker), SECOND_VOICE_CONFIDENCE)
            for overlap in atom.overlaps
            if overlap.speaker != NOBODY
        ]
        return [Piece(atom.start, atom.stop, person_of(atom.speaker), atom.confidence), *second]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "live": [atom_state(atom) for atom in self.live],
            "frozen": self._frozen,
            "now": self._now,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the account that `state` was taken from."""
        self.live = [atom_from(row) for row in state["live"]]
        self._frozen, self._now = state["frozen"], state["now"]


def merges(findings: Iterable[Finding]) -> dict[int, int]:
    """Persons of whom all went into another, old to new."""
    return {finding.old: finding.new for finding in findings if finding.is_merge}


def _voices_in(atom: Atom) -> set[int]:
    return {atom.speaker, *(overlap.speaker for overlap in atom.overlaps)}
