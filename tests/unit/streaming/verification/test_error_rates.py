"""Misses, false alarms, equal error rate and cost, against figures worked out by hand."""

import numpy as np
import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.verification.error_rates import (
    ErrorCurve,
    Point,
    equal_error_rate,
    error_curve,
    minimum_cost,
)


def curve(same: list[float], different: list[float]) -> ErrorCurve:
    return error_curve(np.array([*same, *different]), np.arange(len(same) + len(different)) < len(same))


# One of four trials of one speaker scores below two of the four of two speakers.
MIXED = ([0.9, 0.8, 0.7, 0.3], [0.6, 0.4, 0.2, 0.1])


def test_every_threshold_has_its_misses_and_false_alarms() -> None:
    found = curve(*MIXED)
    np.testing.assert_array_equal(found.thresholds, [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, np.inf])
    np.testing.assert_array_equal(found.misses * 4, [0, 0, 0, 1, 1, 1, 2, 3, 4])
    np.testing.assert_array_equal(found.false_alarms * 4, [4, 3, 2, 2, 1, 0, 0, 0, 0])
    assert (found.num_same, found.num_different) == (4, 4)


@pytest.mark.parametrize(
    ("threshold", "misses", "false_alarms"),
    [(-1, 0, 1), (0.3, 0, 0.5), (0.35, 0.25, 0.5), (0.6, 0.25, 0.25), (0.65, 0.25, 0), (2, 1, 0)],
)
def test_a_score_at_the_threshold_is_accepted(threshold: float, misses: float, false_alarms: float) -> None:
    assert curve(*MIXED).at(threshold) == (misses, false_alarms)


def test_errors_are_equal_where_the_rates_meet() -> None:
    assert equal_error_rate(curve(*MIXED)) == Point(0.25, 0.6)


def test_between_two_thresholds_rates_lie_on_a_straight_line() -> None:
    # From (misses 0, false alarms 1/2) to (1/3, 0): equal at 1/5.
    found = equal_error_rate(curve([0.5, 0.9, 0.9], [0.5, 0.1]))
    assert found.value == pytest.approx(1 / 5)
    assert found.threshold == 0.9


def test_voices_told_apart_without_fault_have_no_errors_and_no_cost() -> None:
    found = curve([0.8, 0.9], [0.1, 0.2])
    assert equal_error_rate(found) == Point(0.0, 0.8)
    assert minimum_cost(found, 0.01) == Point(0.0, 0.8)


def test_scores_that_say_nothing_err_in_half_of_the_trials() -> None:
    found = curve([0.5, 0.5], [0.5, 0.5, 0.5])
    assert equal_error_rate(found) == Point(0.5, 0.5)
    assert minimum_cost(found, 0.01) == Point(1.0, np.inf)
    assert minimum_cost(found, 0.99) == Point(1.0, 0.5)


def test_scores_the_wrong_way_round_err_in_all() -> None:
    assert equal_error_rate(curve([0.1], [0.9])).value == 1.0


def test_the_least_cost_weighs_both_errors_by_how_often_they_may_happen() -> None:
    # A false alarm in a hundred costs (0.95 / 0.05) / 100 = 0.19; here 0.25 of misses are cheaper than any.
    assert minimum_cost(curve(*MIXED), 0.05) == Point(0.25, 0.7)
    # With one speaker in nine of ten trials, half of all false alarms cost 0.1 · 0.5 / 0.1 and no misses.
    assert minimum_cost(curve(*MIXED), 0.9).value == pytest.approx(0.5)


def test_costs_of_both_errors_may_differ() -> None:
    # NIST's of 2008: p_target 0.01, a miss costs 10; min(10 · 0.01, 1 · 0.99) = 0.1.
    found = minimum_cost(curve(*MIXED), 0.01, cost_miss=10.0)
    assert found.value == pytest.approx(10 * 0.01 * 0.25 / 0.1)


@pytest.mark.parametrize("p_target", [0.0, 1.0, -1.0])
def test_a_share_of_none_or_all_is_refused(p_target: float) -> None:
    with pytest.raises(ConfigError, match="expected more than 0 and less than 1"):
        minimum_cost(curve(*MIXED), p_target)


def test_trials_of_one_kind_alone_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="2 trials of one speaker and 0 of two: error rates need both kinds"
    ):
        curve([0.1, 0.2], [])


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 of 3 scores are not finite"):
        curve([np.nan, 0.2], [0.1])
