"""Turns: from named pieces of speech to the open, provisional and final turns that a reader sees.

The only place where turns change. A step hands in the pieces as they now stand; what differs from what was
last said goes out, and nothing else does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .events import TurnState


@dataclass(frozen=True, slots=True)
class Piece:
    """Cells [start, stop) in which `speaker` speaks. Pieces of two speakers may overlap."""

    start: int
    stop: int
    speaker: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A turn as last said: cells, speaker number, state."""

    id: int
    speaker: int
    start: int
    stop: int
    state: TurnState
    confidence: float


def turns_of(pieces: Iterable[Piece], bridge: int) -> list[Piece]:
    """Pieces of one speaker joined where less than `bridge` cells lie between them; by start, then speaker."""
    joined: list[Piece] = []
    last: dict[int, int] = {}
    for piece in sorted(pieces, key=lambda p: (p.start, p.stop, p.speaker)):
        index = last.get(piece.speaker)
        if index is not None and piece.start - joined[index].stop <= bridge:
            before = joined[index]
            stop = max(before.stop, piece.stop)
            ours, theirs = before.stop - before.start, max(piece.stop - before.stop, 0)
            confidence = (before.confidence * ours + piece.confidence * theirs) / max(ours + theirs, 1)
            joined[index] = Piece(before.start, stop, piece.speaker, confidence)
        else:
            last[piece.speaker] = len(joined)
            joined.append(piece)
    return sorted(joined, key=lambda p: (p.start, p.speaker, p.stop))


class Timeline:
    """All turns of a session; `live` ones may still change, the rest are final.

    bridge: cells of silence inside which a speaker's turn goes on.
    """

    def __init__(self, bridge: int) -> None:
        self.bridge = bridge
        self.turns: dict[int, TurnRecord] = {}
        self.live: list[int] = []
        self._next_id = 1

    def show(self, pieces: Iterable[Piece], frozen: int, now: int) -> list[TurnRecord]:
        """Replace the live turns by what `pieces` say. Returns the turns that differ from what was last said.

        pieces: everything since the start of the earliest live turn. frozen: no cell before it will change
        any more. now: end of what has been heard; a turn that could still be joined there is open.
        A turn that vanished is returned with stop == start.
        """
        wanted = turns_of(pieces, self.bridge)
        matched = self._match(wanted)
        said: list[TurnRecord] = []
        live: list[int] = []
        for piece, turn_id in zip(wanted, matched):
            ends = piece.stop + self.bridge < now
            final = ends and piece.stop + self.bridge < frozen
            state: TurnState = "final" if final else "provisional" if ends else "open"
            turn = TurnRecord(
                turn_id, piece.speaker, piece.start, piece.stop, state, round(piece.confidence, 2)
            )
            if not final:
                live.append(turn_id)
            if self.turns.get(turn_id) != turn:
                self.turns[turn_id] = turn
                said.append(turn)
        for turn_id in set(self.live) - set(matched):
            gone = self.turns.pop(turn_id)
            said.append(replace(gone, stop=gone.start, state="final"))
        self.live = live
        return sorted(said, key=lambda turn: (turn.start, turn.id))

    def live_start(self, default: int) -> int:
        """Start of the earliest live turn."""
        return min((self.turns[turn_id].start for turn_id in self.live), default=default)

    def revise(
        self, pieces: Iterable[Piece], start: int, stop: int
    ) -> tuple[list[TurnRecord], list[TurnRecord]]:
        """Replace the final turns lying within cells [start, stop) by what `pieces` say.

        Returns (turns that are new or read differently, turns that are gone).
        """
        old = [t for t in self.turns.values() if t.state == "final" and start <= t.start and t.stop <= stop]
        wanted = turns_of(pieces, self.bridge)
        matched = _best_matches(wanted, old)
        changed: list[TurnRecord] = []
        kept: set[int] = set()
        for piece, old_turn in zip(wanted, matched):
            turn_id = old_turn.id if old_turn else self._take_id()
            kept.add(turn_id)
            turn = TurnRecord(
                turn_id, piece.speaker, piece.start, piece.stop, "final", round(piece.confidence, 2)
            )
            if old_turn is None or (turn.speaker, turn.start, turn.stop) != (
                old_turn.speaker, old_turn.start, old_turn.stop,
            ):  # fmt: skip
                changed.append(turn)
            self.turns[turn_id] = turn
        removed = [turn for turn in old if turn.id not in kept]
        for turn in removed:
            del self.turns[turn.id]
        return changed, removed

    def _match(self, wanted: list[Piece]) -> list[int]:
        old = [self.turns[turn_id] for turn_id in self.live]
        return [turn.id if turn else self._take_id() for turn in _best_matches(wanted, old)]

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        turns = [[t.id, t.speaker, t.start, t.stop, t.state, t.confidence] for t in self.turns.values()]
        return {"turns": turns, "live": self.live, "next_id": self._next_id}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the timeline that `state` was taken from."""
        self.turns = {row[0]: TurnRecord(*row) for row in state["turns"]}
        self.live = list(state["live"])
        self._next_id = state["next_id"]


def _best_matches(wanted: list[Piece], old: list[TurnRecord]) -> list[TurnRecord | None]:
    """For each wanted turn the old one it continues: most shared cells, the same speaker preferred; each once."""
    pairs = []
    for index, piece in enumerate(wanted):
        for turn in old:
            shared = min(piece.stop, turn.stop) - max(piece.start, turn.start)
            if shared > 0 or (turn.start == piece.start and turn.speaker == piece.speaker):
                pairs.append((piece.speaker == turn.speaker, shared, -turn.id, index, turn))
    result: list[TurnRecord | None] = [None] * len(wanted)
    taken: set[int] = set()
    for _, _, _, index, turn in sorted(pairs, key=lambda pair: pair[:4], reverse=True):
        if result[index] is None and turn.id not in taken:
            result[index] = turn
            taken.add(turn.id)
    return result
