"""How often a server looks at live audio: as often as was asked for, or less often where it falls behind.

The first to give is the hop, the same for all: nobody's audio is looked at more often than every `hop`
seconds. Only what no hop can make up for is dropped, by the session that has too much waiting.
"""

from collections.abc import Sequence

STEPS = (0.0, 1.0, 1.5, 2.0)  # seconds; 0 is as every session asked
JUDGED_SECONDS = 1.0  # from one judgement to the next
LATE_SECONDS = 0.5  # events that come later than this are late
LATE_SHARE = 0.1  # of late ones from which hops are stretched, where it is so twice in a row
FAR_BEHIND_SECONDS = 2.0  # from here on at once as far as possible
CALM_SECONDS = 15.0  # without a late one before hops may be shorter again
BUSY_SHARE = 0.8  # of the time that may be computed, once they are


class Pace:
    """Decides `hop` from what is delivered. Times are of any clock, in seconds.

    num_threads: that compute at the same time. longest: to which a hop may be stretched; 0 for never.
    """

    def __init__(self, num_threads: int, longest: float = STEPS[-1]) -> None:
        self._num_threads = num_threads
        self._steps: Sequence[float] = [step for step in STEPS if step <= longest] or STEPS[:1]
        self._level = 0
        self._was_late = False
        self._begun = self._calm_since = 0.0
        self._lags: list[float] = []
        self._computed = 0.0

    @property
    def hop(self) -> float:
        """Seconds below which no hop is for now; 0 where all are as asked."""
        return self._steps[self._level]

    def deliver(self, now: float, lags: Sequence[float], computed: float) -> None:
        """Some live sessions' events are out, so many seconds late each; computing them took so long."""
        self._lags += lags
        self._computed += computed
        if now - self._begun < JUDGED_SECONDS:
            return
        if self._lags:
            self._judge(now)
        self._begun, self._lags = now, []

    def _judge(self, now: float) -> None:
        late, is_far = sum(lag > LATE_SECONDS for lag in self._lags), max(self._lags) > FAR_BEHIND_SECONDS
        was_late, self._was_late = self._was_late, late > LATE_SHARE * len(self._lags)
        if self._was_late and (was_late or is_far) and self._level + 1 < len(self._steps):
            self._move(now, len(self._steps) - 1 if is_far else self._level + 1)
        elif late:
            self._restart(now)
        elif self._level and now - self._calm_since >= CALM_SECONDS:
            busy = self._computed / (now - self._calm_since) / self._num_threads
            before = self._steps[self._level - 1] or self._steps[self._level] / 2
            if busy * self.hop / before <= BUSY_SHARE:
                self._move(now, self._level - 1)
            else:
                self._restart(now)

    def _move(self, now: float, level: int) -> None:
        self._level = level
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._calm_since, self._computed = now, 0.0
