"""Batches of any size through packages that admit few."""

import numpy as np
import pytest

from hocket.models.batching import batch_sizes, plan, run_rows
from hocket.models.errors import ShapeError
from hocket.models.predictor import Arrays, FakePredictor, TensorSpec


def _doubler(spec: TensorSpec, calls: list[int]) -> FakePredictor:
    def double(inputs: Arrays) -> dict[str, np.ndarray]:
        calls.append(len(inputs[spec.name]))
        return {"twice": 2 * inputs[spec.name]}

    return FakePredictor((spec,), (TensorSpec("twice", spec.shape),), double)


def test_the_largest_admitted_batches_come_first() -> None:
    assert list(plan(7, (4, 2, 1))) == [(4, 4), (2, 2), (1, 1)]
    assert list(plan(9, (8, 4))) == [(8, 8), (1, 4)]
    assert list(plan(0, (1,))) == []


def test_sizes_depend_on_the_rows_shape() -> None:
    spec = TensorSpec("audio", (1, 1, 100), allowed=((1, 1, 100), (1, 1, 50), (4, 1, 100), (2, 1, 100)))
    assert batch_sizes(spec, (1, 100)) == (4, 2, 1)
    assert batch_sizes(spec, (1, 50)) == (1,)


def test_a_ranged_batch_is_cut_into_powers_of_two() -> None:
    spec = TensorSpec("x", (1, 3), ranges=((1, 20), (3, 3)))
    assert batch_sizes(spec, (3,)) == (16, 8, 4, 2, 1)


def test_rows_that_are_not_admitted_are_named() -> None:
    spec = TensorSpec("audio", (1, 1, 100))
    with pytest.raises(ShapeError, match=r"input 'audio' wants \(1, 1, 100\), got rows of \(1, 99\)"):
        batch_sizes(spec, (1, 99))


def test_results_come_in_the_order_of_the_rows() -> None:
    calls: list[int] = []
    predictor = _doubler(TensorSpec("x", (1, 2), allowed=((1, 2), (4, 2))), calls)
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.testing.assert_array_equal(run_rows(predictor, "twice", rows), 2 * rows)
    assert calls == [4, 1, 1]


def test_a_fixed_batch_is_filled_up_and_the_filling_dropped() -> None:
    calls: list[int] = []
    predictor = _doubler(TensorSpec("x", (4, 2)), calls)
    rows = np.ones((5, 2), np.float32)
    np.testing.assert_array_equal(run_rows(predictor, "twice", rows), 2 * rows)
    assert calls == [4, 4]
