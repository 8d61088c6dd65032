"""Error rates against counting every trial at every threshold, with fractions in the place of floats."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.streaming.verification.error_rates import (
    Flags,
    Floats,
    equal_error_rate,
    error_curve,
    minimum_cost,
)

# Few different scores, so that ties within a kind and between kinds are common.
scores = st.lists(st.integers(0, 12), min_size=1, max_size=25)
Rates = list[tuple[Fraction, Fraction]]


def counted(same: list[int], different: list[int]) -> Rates:
    """(misses, false alarms) when all scores from t on are accepted, t = 0 to 13."""
    return [
        (
            Fraction(sum(score < t for score in same), len(same)),
            Fraction(sum(score >= t for score in different), len(different)),
        )
        for t in range(14)
    ]


def crossing(rates: Rates) -> Fraction:
    """Where the line through the points crosses misses = false alarms, piece by piece."""
    for (m0, f0), (m1, f1) in itertools.pairwise(rates):
        if m0 == f0:
            return m0
        if m0 < f0 and m1 >= f1:
            return m0 + (m1 - m0) * (f0 - m0) / ((f0 - m0) + (m1 - f1))
    return rates[-1][0]


def arrays(same: list[int], different: list[int]) -> tuple[Floats, Flags]:
    return np.array([*same, *different], float), np.arange(len(same) + len(different)) < len(same)


@given(scores, scores)
def test_the_equal_error_rate_is_where_counted_rates_cross(same: list[int], different: list[int]) -> None:
    found = equal_error_rate(error_curve(*arrays(same, different)))
    assert found.value == pytest.approx(float(crossing(counted(same, different))), abs=1e-12)
    assert found.threshold in {*same, *different}


@given(scores, scores, st.integers(1, 99))
def test_the_least_cost_is_the_least_of_all_counted(
    same: list[int], different: list[int], percent: int
) -> None:
    p_target = Fraction(percent, 100)
    costs = [p_target * misses + (1 - p_target) * alarms for misses, alarms in counted(same, different)]
    found = minimum_cost(error_curve(*arrays(same, different)), float(p_target))
    assert found.value == pytest.approx(float(min(costs) / min(p_target, 1 - p_target)), abs=1e-12)
    assert found.value <= 1 + 1e-12


@given(scores, scores, st.integers(-1, 14))
def test_rates_at_any_threshold_are_counts(same: list[int], different: list[int], threshold: int) -> None:
    found = error_curve(*arrays(same, different)).at(threshold)
    misses = sum(score < threshold for score in same) / len(same)
    false_alarms = sum(score >= threshold for score in different) / len(different)
    assert found == pytest.approx((misses, false_alarms))


@given(scores, scores)
def test_the_order_of_trials_does_not_matter(same: list[int], different: list[int]) -> None:
    values, kinds = arrays(same, different)
    order = np.random.default_rng(len(same)).permutation(len(values))
    before, after = error_curve(values, kinds), error_curve(values[order], kinds[order])
    np.testing.assert_array_equal(before.misses, after.misses)
    np.testing.assert_array_equal(before.false_alarms, after.false_alarms)


@given(scores, scores)
def test_scores_and_kinds_turned_over_swap_both_errors(same: list[int], different: list[int]) -> None:
    one = equal_error_rate(error_curve(*arrays(same, different)))
    other = equal_error_rate(error_curve(*arrays([-s for s in different], [-s for s in same])))
    assert one.value == pytest.approx(other.value)
