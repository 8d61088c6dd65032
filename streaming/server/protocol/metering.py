"""How fast a producer is read: so many seconds of audio a second, so many frames, and more for a while."""

import time
from collections.abc import Callable

BURST_SECONDS = 150.0  # of audio at once: more than pages and clients keep while the server is away
FRAMES_PER_SECOND, MOST_FRAMES = 1000.0, 20_000.0  # binary ones; and at once


class Meter:
    """What one connection has sent, against the clock.

    speed: times real time at which audio may come, for long.
    """

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._seconds, self._frames = BURST_SECONDS, MOST_FRAMES  # that may still come
        self._counted_at = clock()

    def frame(self) -> None:
        """A frame has come."""
        self._frames -= 1

    def audio(self, seconds: float) -> None:
        """Audio has come."""
        self._seconds -= seconds

    def wait(self) -> float:
        """Seconds to wait before the next frame is read; the sender has to wait with us."""
        now = self._clock()
        passed, self._counted_at = now - self._counted_at, now
        self._seconds = min(BURST_SECONDS, self._seconds + passed * self._speed)
        self._frames = min(MOST_FRAMES, self._frames + passed * FRAMES_PER_SECOND)
        return max(0.0, -self._seconds / self._speed, -self._frames / FRAMES_PER_SECOND)
