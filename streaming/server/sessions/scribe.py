"""A session's log: what the engine says, and once there are words, captions behind what they follow from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.events import Event, SessionEnd, SessionStart

RULES = CaptionRules(most_words=20_000)


class Scribe:
    """Numbers the log as one. A session without words costs nothing, and keeps the engine's numbers.

    seq: of the last event so far; a session begins with one.
    """

    def __init__(self, diarizer: Diarizer, session: str, seq: int = 1) -> None:
        self.seq = seq
        self._diarizer = diarizer
        self._session = session
        self._captioner: Captioner | None = None

    def take(self, events: list[Event]) -> list[Event]:
        """The events, and the captions that follow from them; those before the session's end, if it ends."""
        if self._captioner is None:
            self.seq = events[-1].seq if events else self.seq
            return events
        ends = [event for event in events if isinstance(event, SessionEnd)]
        captions: list[Event] = [*self._captioner.take(events)]
        if ends:
            captions += self._captioner.finish()
        return self._numbered([*(event for event in events if event not in ends), *captions, *ends])

    def add(self, words: Iterable[HeardWord]) -> list[Event]:
        """The captions that follow from words. Raises FormatError as Captioner.add."""
        if self._captioner is None:
            captioner = self._late_captioner()
            said = captioner.add(words)
            self._captioner = captioner
        else:
            said = self._captioner.add(words)
        return self._numbered(said)

    def _late_captioner(self) -> Captioner:
        """One that knows what was said so far, as far back as it would remember."""
        captioner = Captioner(self._session, RULES)
        engine = self._diarizer
        begun = SessionStart(
            seq=0, session=self._session, at=0.0, rate=engine.rate, models={}, config=engine.config.to_dict()
        )
        captioner.take([begun])
        turns = engine.turns()
        heard = max((turn.at for turn in turns), default=0.0)
        captioner.take(turn for turn in turns if turn.end > heard - RULES.memory)
        return captioner

    def _numbered(self, events: Iterable[Event]) -> list[Event]:
        numbered = []
        for event in events:
            self.seq += 1
            numbered.append(event if event.seq == self.seq else replace(event, seq=self.seq))
        return numbered

    def state(self) -> dict[str, Any] | None:
        """What `restore` needs beside `seq`; None as long as there were no words."""
        return None if self._captioner is None else self._captioner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the captions that `state` was taken of."""
        self._captioner = Captioner(self._session, RULES)
        self._captioner.restore(state)
