"""The turns that words may still fall into, and which of them the engine is done with."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hocket.streaming.events import Event, Revision, SessionEnd, SessionStart, SpeakerUpdate, Turn
from hocket.streaming.replay import Replay

Stretch = tuple[float, float]

_SHELF = 10.0  # seconds of audio whose turns are kept together


class TurnBook:
    """Turns by time, as the log now has them; old ones are forgotten on request.

    heard: seconds that the engine had heard when it last spoke.
    """

    def __init__(self) -> None:
        self.heard = 0.0
        self._latency = 1.0
        self._over = False
        self._replay = Replay()
        self._shelves: defaultdict[int, set[str]] = defaultdict(set)
        self._unsettled: set[str] = set()

    @property
    def settled(self) -> float:
        """Up to here only a revision changes turns; infinite once the session has ended."""
        if self._over:
            return math.inf
        turns = self._replay.turns
        # A second on top: a voice that is recognised late begins before the step that shows it.
        return min([self.heard - self._latency - 1.0, *(turns[turn].start for turn in self._unsettled)])

    def __len__(self) -> int:
        return len(self._replay.turns)

    def take(self, event: Event) -> list[Stretch]:
        """Take one event; returns where it changed who speaks, perhaps nowhere."""
        self.heard = max(self.heard, event.at)
        match event:
            case SessionStart():
                latency = event.config.get("latency")
                self._latency = float(latency) if isinstance(latency, int | float) else self._latency
            case SessionEnd():
                self.end()
            case Turn():
                return self._apply(event, [event.id])
            case Revision():
                moved = [turn.id for turn in self._replay.turns.values() if turn.speaker in event.merged]
                return self._apply(event, [*(turn.id for turn in event.turns), *event.removed, *moved])
            case SpeakerUpdate(merged_into=str()):
                moved = [turn.id for turn in self._replay.turns.values() if turn.speaker == event.speaker]
                return self._apply(event, moved)
        return []

    def end(self) -> None:
        """No event comes any more: every turn is settled."""
        self._over = True

    def near(self, start: float, end: float) -> Iterator[tuple[Turn, str]]:
        """Turns that meet [start, end], and who speaks in them, merged ids resolved; in a fixed order."""
        turns = self._replay.turns
        ids = {
            turn for shelf in _shelves(start, end) if shelf in self._shelves for turn in self._shelves[shelf]
        }
        for turn in sorted((turns[turn] for turn in ids), key=lambda turn: (turn.start, turn.end, turn.id)):
            if turn.start <= end and turn.end >= start:
                yield turn, self._replay.resolve(turn.speaker)

    def edges(self, since: float) -> tuple[list[float], list[float]]:
        """Starts and ends of the turns that end after `since`."""
        turns = [turn for turn in self._replay.turns.values() if turn.end > since]
        return [turn.start for turn in turns], [turn.end for turn in turns if turn.state != "open"]

    def forget(self, before: float) -> None:
        """Let go of the final turns that ended before."""
        old = [turn for turn in self._replay.turns.values() if turn.end < before and turn.state == "final"]
        for turn in old:
            self._shelve(turn, taken_off=True)
            del self._replay.turns[turn.id]

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain values."""
        replay = self._replay
        return {
            "heard": self.heard,
            "latency": self._latency,
            "turns": [turn.to_dict() for turn in replay.turns.values()],
            "aliases": replay.aliases,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the book that `state` was taken from."""
        self.heard, self._latency = state["heard"], state["latency"]
        self._replay.aliases = dict(state["aliases"])
        for row in state["turns"]:
            turn = Turn.from_dict(row)
            self._replay.turns[turn.id] = turn
            self._shelve(turn)

    def _apply(self, event: Event, touched: Iterable[str]) -> list[Stretch]:
        touched = list(dict.fromkeys(touched))
        turns, resolve = self._replay.turns, self._replay.resolve
        before = {turn: (turns[turn], resolve(turns[turn].speaker)) for turn in touched if turn in turns}
        self._replay.add(event)
        changed: list[Stretch] = []
        for turn_id in touched:
            old, new = before.get(turn_id), turns.get(turn_id)
            if old is not None:
                self._shelve(old[0], taken_off=True)
            if new is not None:
                self._shelve(new)
            changed += _difference(old, (new, resolve(new.speaker)) if new is not None else None)
        return changed

    def _shelve(self, turn: Turn, *, taken_off: bool = False) -> None:
        for shelf in _shelves(turn.start, turn.end):
            if not taken_off:
                self._shelves[shelf].add(turn.id)
            else:
                self._shelves[shelf].discard(turn.id)
                if not self._shelves[shelf]:
                    del self._shelves[shelf]
        if taken_off or turn.state == "final":
            self._unsettled.discard(turn.id)
        else:
            self._unsettled.add(turn.id)


def _difference(old: tuple[Turn, str] | None, new: tuple[Turn, str] | None) -> list[Stretch]:
    """Where two readings of one turn differ: all of both for another speaker, else what lies at the edges."""
    if old is not None and new is not None and old[1] == new[1]:
        edges = [(old[0].start, new[0].start), (old[0].end, new[0].end)]
        return [(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]]
    return [(reading[0].start, reading[0].end) for reading in (old, new) if reading is not None]


def _shelves(start: float, end: float) -> range:
    return range(int(start // _SHELF), int(end // _SHELF) + 1)
