"""A stand-in for the Diarizer: the same face, no models, a log that is easy to predict."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.events import Change, Event, Gap, SessionEnd, SessionStart, Status


class FakeEngine:
    """Says `change` after each whole second of audio, at the cost of `rtf` seconds a second.

    heard: all samples, with zeros for gaps. pushes: how long each push was.
    """

    def __init__(self, rate: int = 16_000, *, rtf: float = 0.0, fail_at: float = float("inf")) -> None:
        self.rate = rate
        self.heard = np.zeros(0, np.float32)
        self.pushes: list[int] = []
        self._rtf, self._fail_at = rtf, fail_at
        self._seq = 0
        self._changes = 0

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        time.sleep(self._rtf * len(samples) / self.rate)
        if (self._at + len(samples) / self.rate) > self._fail_at:
            raise ZeroDivisionError("a fault of the engine")
        self.pushes.append(len(samples))
        self.heard = np.concatenate([self.heard, samples])
        return self._start() + self._say_changes()

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        start = self._at
        self.heard = np.concatenate([self.heard, np.zeros(num_samples, np.float32)])
        return [
            *self._start(),
            Gap(**self._stamp(), start=start, end=self._at, reason=reason),
            *self._say_changes(),
        ]

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        return Status(**self._stamp(), lag=lag, rtf=rtf, speakers=1, dropped=dropped)

    def finish(self, reason: str = "end") -> list[Event]:
        start = self._start()
        return [*start, SessionEnd(**self._stamp(), duration=self._at, speakers=["S1"], reason=reason)]

    @property
    def _at(self) -> float:
        return len(self.heard) / self.rate

    def _stamp(self) -> dict[str, Any]:
        self._seq += 1
        return {"seq": self._seq, "session": "fake", "at": self._at}

    def _start(self) -> list[Event]:
        return [] if self._seq else [SessionStart(**self._stamp(), rate=self.rate, models={}, config={})]

    def _say_changes(self) -> list[Event]:
        seconds = range(self._changes + 1, int(self._at) + 1)
        self._changes = int(self._at)
        return [
            Change(**self._stamp(), t=float(t), speakers=["S1"], started=["S1"], ended=[], confidence=1.0)
            for t in seconds
        ]
