"""Facts of the engine, numbered and said: the one place that makes events."""

from typing import Any

from .events import Event, Revision, RevisedTurn, SessionEnd, SessionStart, SpeakerNew, Turn
from .grid import seconds
from .timeline import TurnRecord


def label(speaker: int) -> str:
    """The id a reader sees: S1, S2 …"""
    return f"S{speaker + 1}"


class Journal:
    def __init__(self, session: str, rate: int, models: dict[str, str], config: dict[str, Any]) -> None:
        self.session = session
        self._seq = 0
        self._at = 0.0
        self._outbox: list[Event] = []
        self._known: set[int] = set()
        self._say(SessionStart, rate=rate, models=models, config=config)

    def at(self, cell: int) -> None:
        self._at = seconds(cell)

    def take(self) -> list[Event]:
        events, self._outbox = self._outbox, []
        return events

    def turns(self, turns: list[TurnRecord]) -> None:
        for t in turns:
            if t.speaker not in self._known:
                self._known.add(t.speaker)
                self._say(SpeakerNew, speaker=label(t.speaker))
            self._say(
                Turn, id=f"t{t.id}", speaker=label(t.speaker), start=seconds(t.start), end=seconds(t.stop),
                state=t.state, confidence=t.confidence,
            )

    def revision(self, changed: list[TurnRecord], removed: list[TurnRecord], merged: dict[int, int], reason: str) -> None:
        if not changed and not removed and not merged:
            return
        for t in changed:
            if t.speaker not in self._known:
                self._known.add(t.speaker)
                self._say(SpeakerNew, speaker=label(t.speaker))
        self._say(
            Revision,
            turns=[RevisedTurn(id=f"t{t.id}", speaker=label(t.speaker), start=seconds(t.start), end=seconds(t.stop)) for t in changed],
            removed=[f"t{t.id}" for t in removed],
            merged={label(a): label(b) for a, b in merged.items()},
            reason=reason,
        )

    def end(self, duration: float, speakers: list[int], reason: str) -> None:
        self._say(SessionEnd, duration=duration, speakers=[label(s) for s in speakers], reason=reason)

    def _say(self, kind: type[Event], **fields: Any) -> None:
        self._seq += 1
        self._outbox.append(kind(seq=self._seq, session=self.session, at=self._at, **fields))
