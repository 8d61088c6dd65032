"""Turns: from named pieces of speech to the open, provisional and final turns that a reader sees.

The only place where turns change. A step hands in the pieces as they now stand; what differs from what was
last said goes out, and nothing else does.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..events import TurnState


@dataclass(frozen=True, slots=True)
class Piece:
    """Cells [start, stop) in which `speaker` speaks. Pieces of two speakers may overlap."""

    start: int
    stop: int
    speaker: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A turn as last said: cells, speaker number, state. One that vanished has stop == start."""

    id: int
    speaker: int
    start: int
    stop: int
    state: TurnState
    confidence: float


@dataclass(frozen=True, slots=True)
class Update:
    """What a step changed.

    said: turns that are not final yet, or became so. revised, removed: turns that had been final.
    """

    said: list[TurnRecord]
    revised: list[TurnRecord]
    removed: list[TurnRecord]


def turns_of(pieces: Iterable[Piece], bridge: int) -> list[Piece]:
    """Pieces of one speaker joined where at most `bridge` cells lie between them; by start, then speaker."""
    joined: list[Piece] = []
    last: dict[int, int] = {}
    for piece in sorted(pieces, key=lambda p: (p.start, p.stop, p.speaker)):
        index = last.get(piece.speaker)
        if index is not None and piece.start - joined[index].stop <= bridge:
            joined[index] = _join(joined[index], piece)
        else:
            last[piece.speaker] = len(joined)
            joined.append(piece)
    return sorted(joined, key=lambda p: (p.start, p.speaker, p.stop))


def _join(before: Piece, piece: Piece) -> Piece:
    ours, theirs = before.stop - before.start, max(piece.stop - before.stop, 0)
    confidence = (before.confidence * ours + piece.confidence * theirs) / (ours + theirs)
    return Piece(before.start, max(before.stop, piece.stop), piece.speaker, confidence)


class Timeline:
    """All turns of a session: `live` ones may still change, the others are final.

    bridge: cells of silence inside which a speaker's turn goes on.
    """

    def __init__(self, bridge: int) -> None:
        self.bridge = bridge
        self.turns: dict[int, TurnRecord] = {}
        self.live: set[int] = set()
        self._final_stops: list[tuple[int, int]] = []  # (stop, id) of the final turns, ascending
        self._next_id = 1
        self._frozen = 0

    def rebuilt_from(self, start: int, remembered: int) -> int:
        """The cell from which turns must be rebuilt so that none that reaches beyond `start` is cut in two.

        remembered: pieces before this cell are forgotten. Final turns that began before it stay as they
        are, and the rebuilding begins after them.
        """
        start = min([start, *(self.turns[turn_id].start for turn_id in self.live)])
        while cut := [t for t in self._finals_beyond(start - self.bridge) if t.start < start]:
            start = min(turn.start for turn in cut)
        while start < remembered:
            start = remembered
            cut = [t for t in self._finals_beyond(remembered - self.bridge) if t.start < remembered]
            remembered = max([remembered, *(turn.stop + self.bridge + 1 for turn in cut)])
        return start

    def update(self, pieces: Iterable[Piece], start: int, frozen: int, now: int) -> Update:
        """Replace all turns that begin at cell `start` or later, and all live ones, by what `pieces` say.

        pieces: everything from `start` on. frozen: no cell before it will change but by a revision. now: end
        of what has been heard; a turn that could still go on there is open.
        """
        live = [self.turns[turn_id] for turn_id in sorted(self.live)]
        old = [t for t in self._finals_beyond(start) if t.start >= start] + live
        forgotten = [
            Piece(turn.start, min(turn.stop, start), turn.speaker, turn.confidence)
            for turn in live
            if turn.start < start
        ]
        wanted = turns_of([*forgotten, *pieces], self.bridge)
        result = Update([], [], [])
        kept: set[int] = set()
        for piece, before in zip(wanted, _best_matches(wanted, old)):
            turn = self._turn(piece, before, frozen, now)
            kept.add(turn.id)
            if turn != before:
                settled = turn.state == "final" and turn.stop <= self._frozen
                was_final = before.state == "final" if before else settled
                (result.revised if was_final else result.said).append(turn)
                self._put(turn)
        for turn in old:
            if turn.id not in kept:
                self._drop(turn)
                gone = replace(turn, stop=turn.start, state="final")
                (result.removed if turn.state == "final" else result.said).append(gone)
        for turns in (result.said, result.revised, result.removed):
            turns.sort(key=lambda turn: (turn.start, turn.id))
        self._frozen = frozen
        return result

    def merge(self, merged: Mapping[int, int]) -> None:
        """Turns of merged speakers now go by the ids they went into, as every reader of the log knows."""
        for turn in [turn for turn in self.turns.values() if turn.speaker in merged]:
            self.turns[turn.id] = replace(turn, speaker=merged[turn.speaker])

    def reassign(self, persons: Mapping[int, int]) -> list[TurnRecord]:
        """Turns, by id, are other speakers', whatever is remembered of them. Returns those that changed."""
        changed = [
            replace(self.turns[turn_id], speaker=speaker)
            for turn_id, speaker in sorted(persons.items())
            if self.turns[turn_id].speaker != speaker
        ]
        self.turns.update((turn.id, turn) for turn in changed)
        return changed

    def speakers(self) -> list[int]:
        """Everybody who has a turn, ascending."""
        return sorted({turn.speaker for turn in self.turns.values()})

    def _turn(self, piece: Piece, before: TurnRecord | None, frozen: int, now: int) -> TurnRecord:
        beyond = piece.stop + self.bridge
        state: TurnState = "final" if beyond < frozen else "provisional" if beyond < now else "open"
        if before is None:
            self._next_id += 1
        turn_id = before.id if before else self._next_id - 1
        confidence = round(piece.confidence, 2)
        if before and before.state == "final":
            state = "final"
            if (before.speaker, before.start, before.stop) == (piece.speaker, piece.start, piece.stop):
                confidence = before.confidence
        return TurnRecord(turn_id, piece.speaker, piece.start, piece.stop, state, confidence)

    def _put(self, turn: TurnRecord) -> None:
        if turn.id in self.turns:
            self._drop(self.turns[turn.id])
        self.turns[turn.id] = turn
        if turn.state == "final":
            insort(self._final_stops, (turn.stop, turn.id))
        else:
            self.live.add(turn.id)

    def _drop(self, turn: TurnRecord) -> None:
        del self.turns[turn.id]
        if turn.state == "final":
            del self._final_stops[bisect_left(self._final_stops, (turn.stop, turn.id))]
        else:
            self.live.discard(turn.id)

    def _finals_beyond(self, cell: int) -> list[TurnRecord]:
        """Final turns that end at `cell` or later."""
        first = bisect_left(self._final_stops, (cell, 0))
        return [self.turns[turn_id] for _, turn_id in self._final_stops[first:]]

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        turns = [[t.id, t.speaker, t.start, t.stop, t.state, t.confidence] for t in self.turns.values()]
        return {"turns": turns, "next_id": self._next_id, "frozen": self._frozen}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the timeline that `state` was taken from."""
        self.turns, self.live, self._final_stops = {}, set(), []
        for row in state["turns"]:
            self._put(TurnRecord(*row))
        self._next_id, self._frozen = state["next_id"], state["frozen"]


def _best_matches(wanted: Sequence[Piece], old: Sequence[TurnRecord]) -> list[TurnRecord | None]:
    """For each wanted turn the old one that it continues, each at most once.

    Of one speaker before of another, then by shared cells, then the earlier turn.
    """
    pairs = []
    for index, piece in enumerate(wanted):
        for turn in old:
            shared = min(piece.stop, turn.stop) - max(piece.start, turn.start)
            if shared > 0:
                pairs.append((piece.speaker != turn.speaker, -shared, turn.id, index, turn))
    result: list[TurnRecord | None] = [None] * len(wanted)
    taken: set[int] = set()
    for _, _, turn_id, index, turn in sorted(pairs, key=lambda pair: pair[:4]):
        if result[index] is None and turn_id not in taken:
            result[index] = turn
            taken.add(turn_id)
    return result
