"""A stand-in for the Diarizer: the same face, no models, a log that is easy to predict."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.events import Event, Gap, SessionEnd, SessionStart, Status, Turn


class FakeEngine:
    """Says a final turn of S1 after each whole second of audio, at the cost of `rtf` seconds a second.

    pushes: how many samples each push had. fail_at: seconds after which a push breaks.
    """

    def __init__(self, rate: int = 16_000, *, rtf: float = 0.0, fail_at: float = float("inf")) -> None:
        self.rate = rate
        self.pushes: list[int] = []
        self._heard: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
        self._num_samples = 0
        self._rtf, self._fail_at = rtf, fail_at
        self._seq = 0
        self._num_turns = 0

    @property
    def heard(self) -> NDArray[np.float32]:
        """All samples so far, zeros in gaps."""
        return np.concatenate(self._heard)

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        time.sleep(self._rtf * len(samples) / self.rate)
        if self._at + len(samples) / self.rate > self._fail_at:
            raise ZeroDivisionError("a fault of the engine")
        self.pushes.append(len(samples))
        return self._start() + self._take(samples)

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        events, start = self._start(), self._at
        end = start + num_samples / self.rate
        events.append(Gap(**self._stamp(), start=start, end=end, reason=reason))
        return events + self._take(np.zeros(num_samples, np.float32))

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        return Status(**self._stamp(), lag=lag, rtf=rtf, speakers=1, dropped=dropped)

    def finish(self, reason: str = "end") -> list[Event]:
        start = self._start()
        return [*start, SessionEnd(**self._stamp(), duration=self._at, speakers=["S1"], reason=reason)]

    @property
    def _at(self) -> float:
        return self._num_samples / self.rate

    def _stamp(self) -> dict[str, Any]:
        self._seq += 1
        return {"seq": self._seq, "session": "fake", "at": self._at}

    def _start(self) -> list[Event]:
        return [] if self._seq else [SessionStart(**self._stamp(), rate=self.rate, models={}, config={})]

    def _take(self, samples: NDArray[np.float32]) -> list[Event]:
        self._heard.append(samples)
        self._num_samples += len(samples)
        seconds = range(self._num_turns, int(self._at))
        self._num_turns = int(self._at)
        return [
            Turn(**self._stamp(), id=f"t{second + 1}", speaker="S1", start=float(second), end=second + 1.0,
                 state="final", confidence=1.0)
            for second in seconds
        ]  # fmt: skip
