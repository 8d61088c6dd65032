"""Who has the floor: the set of people speaking at the newest edge, and when it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .timeline import Piece

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FloorChange:
    """From cell `at` on, `speakers` speak; sets are ascending."""

    at: int
    speakers: tuple[int, ...]
    started: tuple[int, ...]
    ended: tuple[int, ...]
    confidence: float


class Floor:
    """Compares who speaks now with who was last said to. Said changes are never taken back; turns are.

    But where somebody who speaks turns out to be somebody else, that is said of the cell at which they began.
    patience: cells of silence after which a speaker is held to have ended.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.speaking: dict[int, Span] = {}  # where their speech was said to begin, and last seen to end
        self._heard = 0
        self._ended: dict[int, int] = {}  # speaker -> cell at which they were last said to have ended

    def follow(self, turns: Sequence[Piece], now: int) -> list[FloorChange]:
        """The changes since the last call, in order of time. turns: those that reach beyond the last call."""
        steps: list[tuple[int, bool, int, float]] = []  # cell, whether it is a start, speaker, confidence
        current = {turn.speaker: turn for turn in turns if turn.stop + self.patience >= now}
        known_as = self._renamed(turns, current)
        for old, new in known_as.items():
            since = self.speaking[old][0]
            steps += [(since, False, old, 1.0), (since, True, new, current[new].confidence)]
        before = {known_as.get(speaker, speaker): span for speaker, span in self.speaking.items()}
        for turn in turns:
            if turn.speaker in before or turn.stop <= self._heard:
                continue
            if turn.speaker in current and current[turn.speaker] is not turn:
                continue
            # Speech that was said to have ended and goes on after all goes on from there.
            start = max(turn.start, min(self._ended.get(turn.speaker, 0), turn.stop))
            steps.append((start, True, turn.speaker, turn.confidence))
            if turn.speaker not in current:
                steps.append((turn.stop, False, turn.speaker, turn.confidence))
        for speaker, (_, seen) in before.items():
            if speaker not in current:
                mine = [turn for turn in turns if turn.speaker == speaker]
                stop = max([seen if not mine else 0, *(turn.stop for turn in mine)])
                confidence = max((turn.confidence for turn in mine), default=0.5)
                steps.append((stop, False, speaker, confidence))
        self._ended |= {speaker: cell for cell, is_start, speaker, _ in steps if not is_start}
        begun = {speaker: cell for cell, is_start, speaker, _ in steps if is_start}
        begun |= {speaker: since for speaker, (since, _) in before.items()}
        said = set(self.speaking)
        self.speaking = {s: (begun[s], turn.stop) for s, turn in current.items() if s in begun}
        self._heard = now
        return _changes(said, sorted(steps))

    def _renamed(self, turns: Sequence[Piece], current: Mapping[int, Piece]) -> dict[int, int]:
        """Of those said to speak and of whose speech no turn is left, who it was instead."""
        known_as: dict[int, int] = {}
        for speaker, (since, seen) in self.speaking.items():
            if any(t.speaker == speaker and t.start < seen and since < t.stop for t in turns):
                continue
            shared = {
                other: min(turn.stop, seen) - max(turn.start, since)
                for other, turn in current.items()
                if other not in self.speaking and other not in known_as.values()
            }
            most = max(shared, key=lambda other: shared[other], default=None)
            if most is not None and 2 * shared[most] >= max(1, seen - since):
                known_as[speaker] = most
        return known_as

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"speaking": self.speaking, "heard": self._heard, "ended": self._ended}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the floor that `state` was taken from."""
        self.speaking = {speaker: (since, seen) for speaker, (since, seen) in state["speaking"].items()}
        self._ended = dict(state["ended"])
        self._heard = state["heard"]


def _changes(speaking: set[int], steps: Sequence[tuple[int, bool, int, float]]) -> list[FloorChange]:
    changes: list[FloorChange] = []
    for at in sorted({step[0] for step in steps}):
        now = [step for step in steps if step[0] == at]
        started = {speaker for _, is_start, speaker, _ in now if is_start}
        ended = {speaker for _, is_start, speaker, _ in now if not is_start}
        speaking = (speaking | started) - ended
        changes.append(
            FloorChange(
                at,
                tuple(sorted(speaking)),
                tuple(sorted(started - ended)),
                tuple(sorted(ended - started)),
                round(max(confidence for *_, confidence in now), 2),
            )
        )
    return [change for change in changes if change.started or change.ended]
