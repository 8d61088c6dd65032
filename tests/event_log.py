"""Event logs to test readers with, told as a person would tell them: who spoke, from when to when."""

from collections.abc import Iterable
from typing import Any, TypeVar

from hocket.streaming.events import (
    Change,
    Event,
    RevisedTurn,
    Revision,
    SessionEnd,
    SessionStart,
    SpeakerNew,
    Status,
    Turn,
)
from hocket.streaming.replay import Segment

HOP = 0.5
_Event = TypeVar("_Event", bound=Event)


class EventLog:
    """Numbers events and stamps them with the session and the time."""

    def __init__(self, session: str = "talk") -> None:
        self.session = session
        self.at = 0.0
        self.events: list[Event] = []

    def add(self, kind: type[_Event], **fields: Any) -> _Event:
        """Append an event of this kind, said at `at`."""
        event = kind(seq=len(self.events) + 1, session=self.session, at=self.at, **fields)
        self.events.append(event)
        return event

    def start(self) -> None:
        """The first event."""
        self.add(SessionStart, rate=16000, models={"segmentation": "fake", "embedding": "fake"}, config={})

    def turn(self, turn_id: str, speaker: str, start: float, end: float, state: str = "final") -> None:
        """A turn as it now reads."""
        self.add(Turn, id=turn_id, speaker=speaker, start=start, end=end, state=state, confidence=0.9)

    def revise(
        self, turns: Iterable[tuple[str, str, float, float]], removed: Iterable[str] = (), **merged: str
    ) -> None:
        """Final turns that now read (id, speaker, start, end); merged: old=new."""
        revised = [
            RevisedTurn(id=turn_id, speaker=speaker, start=start, end=end)
            for turn_id, speaker, start, end in turns
        ]
        self.add(Revision, turns=revised, removed=list(removed), merged=merged, reason="reclustered")

    def end(self, speakers: Iterable[str], reason: str = "end") -> None:
        """The last event."""
        self.add(SessionEnd, duration=self.at, speakers=list(speakers), reason=reason)


def live(turns: list[Segment], duration: float, latency: float = 1.0, session: str = "talk") -> EventLog:
    """The log of a faultless session: turns open, grow at each hop, end, and are final after `latency`.

    Without its end, so that more can be told. Turn k of `turns` has the id "t<k>", from 1.
    """
    log = EventLog(session)
    log.start()
    shown: dict[int, str] = {}
    speaking: list[str] = []
    for step in range(1, int(duration / HOP) + 1):
        log.at = step * HOP
        for number, turn in enumerate(turns, start=1):
            state = _state(turn, log.at, latency)
            if state is None or shown.get(number) == "final":
                continue
            if not any(turn.speaker == turns[other - 1].speaker for other in shown):
                log.add(SpeakerNew, speaker=turn.speaker)
            shown[number] = state
            log.turn(f"t{number}", turn.speaker, turn.start, min(turn.end, log.at), state)
        now = sorted({turn.speaker for turn in turns if turn.start < log.at <= turn.end})
        if now != speaking:
            log.add(
                Change,
                t=log.at,
                speakers=now,
                started=sorted(set(now) - set(speaking)),
                ended=sorted(set(speaking) - set(now)),
                confidence=0.9,
            )
            speaking = now
        if step % 2 == 0:
            log.add(
                Status, lag=0.4, rtf=0.09, speakers=len({turns[k - 1].speaker for k in shown}), dropped=0.0
            )
    return log


def _state(turn: Segment, at: float, latency: float) -> str | None:
    if at <= turn.start:
        return None
    if at <= turn.end:
        return "open"
    return "final" if at >= turn.end + latency else "provisional"
