"""Who has the floor: the set of people speaking at the newest edge, and when it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class Step(NamedTuple):
    """At a cell a speaker starts, or ends."""

    at: int
    is_start: bool
    speaker: int
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
        current = {turn.speaker: turn for turn in turns if turn.stop + self.patience >= now}
        known_as = self._renamed(turns, current)
        before = {known_as.get(speaker, speaker): span for speaker, span in self.speaking.items()}
        steps = [Step(before[new][0], False, old, 1.0) for old, new in known_as.items()]
        steps += [Step(before[new][0], True, new, current[new].confidence) for new in known_as.values()]
        for turn in turns:
            if turn.speaker not in before and turn.stop > self._heard:
                steps += self._begun(turn, current.get(turn.speaker))
        for speaker, span in before.items():
            mine = [turn for turn in turns if turn.speaker == speaker]
            steps += self._paused(speaker, span, mine, current.get(speaker))
        steps.sort()
        self._ended |= {step.speaker: step.at for step in steps if not step.is_start}
        begun = {speaker: since for speaker, (since, _) in before.items()}
        begun |= {step.speaker: step.at for step in steps if step.is_start}
        said = set(self.speaking)
        self.speaking = {s: (begun[s], turn.stop) for s, turn in current.items() if s in begun}
        self._heard = now
        return _changes(said, steps)

    def _begun(self, turn: Piece, last: Piece | None) -> list[Step]:
        """Somebody who was not said to speak does, or did. last: their turn that goes on, if any."""
        if last is not None and last is not turn:
            return []
        # Speech that was said to have ended and goes on after all goes on from there.
        start = max(turn.start, min(self._ended.get(turn.speaker, 0), turn.stop))
        steps = [Step(start, True, turn.speaker, turn.confidence)]
        return steps if last else [*steps, Step(turn.stop, False, turn.speaker, turn.confidence)]

    def _paused(self, speaker: int, span: Span, turns: Sequence[Piece], last: Piece | None) -> list[Step]:
        """Somebody who was said to speak does no more, or did not between two steps. turns: theirs."""
        since, seen = span
        if last is None:
            stop = max((turn.stop for turn in turns), default=seen)
            return [Step(stop, False, speaker, max((turn.confidence for turn in turns), default=0.5))]
        stop = max((turn.stop for turn in turns if turn is not last), default=min(seen, last.start))
        if not since <= stop < last.start - self.patience:
            return []
        return [Step(stop, False, speaker, last.confidence), Step(last.start, True, speaker, last.confidence)]

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


def _changes(speaking: set[int], steps: Sequence[Step]) -> list[FloorChange]:
    changes: list[FloorChange] = []
    for at in sorted({step.at for step in steps}):
        now = [step for step in steps if step.at == at]
        started = {step.speaker for step in now if step.is_start}
        ended = {step.speaker for step in now if not step.is_start}
        speaking = (speaking | started) - ended
        changes.append(
            FloorChange(
                at,
                tuple(sorted(speaking)),
                tuple(sorted(started - ended)),
                tuple(sorted(ended - started)),
                round(max(step.confidence for step in now), 2),
            )
        )
    return [change for change in changes if change.started or change.ended]
