"""How fast a producer is read: all it likes for a while, then no faster than it is told."""

import pytest

from hocket.streaming.server.protocol.metering import BURST_SECONDS, FRAMES_PER_SECOND, MOST_FRAMES, Meter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_sends_at_once_what_was_kept_does_not_wait() -> None:
    meter = Meter(100, Clock())
    meter.audio(BURST_SECONDS)
    assert meter.wait() == 0


def test_a_file_waits_until_it_comes_no_faster_than_it_may() -> None:
    clock = Clock()
    meter = Meter(50, clock)
    for _ in range(1000):
        meter.audio(1)
        clock.now += meter.wait()
    assert clock.now == pytest.approx((1000 - BURST_SECONDS) / 50)


def test_frames_count_whatever_is_in_them() -> None:
    clock = Clock()
    meter = Meter(50, clock)
    for _ in range(int(MOST_FRAMES) + 5000):
        meter.frame()
        clock.now += meter.wait()
    assert clock.now == pytest.approx(5000 / FRAMES_PER_SECOND)


def test_a_clock_that_stands_still_is_no_trouble() -> None:
    meter = Meter(100, Clock())
    meter.audio(1)
    assert meter.wait() == meter.wait() == 0
