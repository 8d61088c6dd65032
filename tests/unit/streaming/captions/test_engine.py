"""An engine with captions in its log."""

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.engine import Captioned
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.events import Caption, Event, SessionEnd, Status
from hocket.streaming.replay import Segment
from tests.event_log import live

RATE = 16000


class Told:
    """An engine that says what a log says, when the log says it."""

    rate = RATE

    def __init__(self, events: list[Event], end: Event) -> None:
        self._events, self._end, self._samples = events, end, 0

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        self._samples += len(samples)
        due = [event for event in self._events if event.at <= self._samples / RATE]
        self._events = self._events[len(due) :]
        return due

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        return self.push(np.zeros(num_samples, np.float32))

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        return Status(seq=0, session="talk", at=0.0, lag=lag, rtf=rtf, speakers=0, dropped=dropped)

    def finish(self, reason: str = "end") -> list[Event]:
        return [*self._events, self._end]


def test_the_log_has_captions_behind_their_step_and_ends_with_the_session() -> None:
    log = live([Segment(0.0, 3.0, "S1"), Segment(3.2, 6.0, "S2")], 10.0)
    end = SessionEnd(seq=99, session="talk", at=10.0, duration=10.0, speakers=["S1", "S2"], reason="end")
    words = [HeardWord(text="so", start=k * 0.5, end=k * 0.5 + 0.3) for k in range(12)]
    engine = Captioned(Told(log.events, end), Captioner("talk", CaptionRules(offset=0.0)), words)
    said = [event for _ in range(20) for event in engine.push(np.zeros(RATE // 2, np.float32))]
    assert {
        word.end for e in said if isinstance(e, Caption) for word in e.words if word.end > e.at + 0.5
    } == set()
    engine.add([HeardWord(text="late", start=9.0, end=9.3)])
    said += [engine.status(lag=0.0, rtf=0.0, dropped=0.0), *engine.finish()]
    assert [event.seq for event in said] == list(range(1, len(said) + 1))
    assert isinstance(said[-1], SessionEnd)
    last = {event.id: event for event in said if isinstance(event, Caption)}
    assert [(c.speaker, len(c.words), c.state) for c in last.values()] == [
        ("S1", 6, "final"), ("S2", 6, "final"), (None, 1, "final"),
    ]  # fmt: skip
