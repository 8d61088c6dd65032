"""When a server stretches its hops, and when it lets go again."""

from itertools import count

from hocket.streaming.server.sessions.pace import CALM_SECONDS, Pace


def hops(pace: Pace, lags: list[float], computed: float = 0.0, *, since: float = 0.0) -> list[float]:
    """The hop after each of so many seconds in which everything came so late."""
    found = []
    for second, lag in zip(count(since + 1), lags):
        pace.deliver(second, [lag] * 10, computed)
        found.append(pace.hop)
    return found


def test_hops_stretch_second_by_second_while_events_are_late() -> None:
    assert hops(Pace(2), [0.2, 0.7, 0.9, 0.8, 0.8, 0.8]) == [0.0, 0.0, 1.0, 1.5, 2.0, 2.0]


def test_one_bad_second_stretches_nothing() -> None:
    assert hops(Pace(2), [0.7, 0.1, 0.7, 0.1]) == [0.0] * 4


def test_far_behind_they_stretch_at_once() -> None:
    assert hops(Pace(2), [2.5]) == [2.0]


def test_a_few_late_events_stretch_nothing() -> None:
    pace = Pace(2)
    pace.deliver(1.0, [0.1] * 19 + [0.9], 0.0)
    assert pace.hop == 0.0


def test_they_are_let_go_one_by_one_when_it_is_calm_and_there_is_time_for_more() -> None:
    pace = Pace(2)
    hops(pace, [2.5])
    calm = round(CALM_SECONDS)
    found = hops(pace, [0.1] * (3 * calm), since=1.0)
    assert [found[calm * k - 1] for k in (1, 2, 3)] == [1.5, 1.0, 0.0]


def test_as_long_as_more_looks_would_not_fit_they_stay() -> None:
    pace = Pace(2)
    hops(pace, [2.5])
    assert hops(pace, [0.1] * 60, 1.5, since=1.0)[-1] == 2.0  # 1.5 of 2 s a second, a third more is too much
    assert hops(pace, [0.1] * 60, 1.1, since=61.0)[-1] == 1.5


def test_silence_from_all_sessions_judges_nothing() -> None:
    pace = Pace(1)
    pace.deliver(5.0, [], 0.0)
    assert pace.hop == 0.0


def test_a_server_may_be_told_never_to_stretch() -> None:
    assert hops(Pace(1, longest=0.0), [3.0, 3.0]) == [0.0, 0.0]
    assert hops(Pace(1, longest=1.0), [3.0, 3.0]) == [1.0, 1.0]
