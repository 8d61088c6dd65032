"""Powerset classes and the speakers in them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.streaming.hearing.powerset import Powerset


def powerset(num_speakers: int, most: int) -> Powerset:
    sizes = range(most + 1)
    return Powerset(tuple(c for size in sizes for c in combinations(range(num_speakers), size)))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 100))
def test_a_certain_class_decodes_to_exactly_its_speakers(num_speakers: int, most: int, pick: int) -> None:
    classes = powerset(num_speakers, min(most, num_speakers))
    chosen = pick % len(classes.classes)
    logits = np.full((1, len(classes.classes)), -50, np.float32)
    logits[0, chosen] = 50
    probabilities = classes.probabilities(logits)
    members = classes.classes[chosen]
    np.testing.assert_allclose(
        classes.activity(probabilities)[0], [s in members for s in range(num_speakers)], atol=1e-6
    )
    assert classes.speech(probabilities)[0] == pytest.approx(float(len(members) > 0), abs=1e-6)
    assert classes.overlap(probabilities)[0] == pytest.approx(float(len(members) > 1), abs=1e-6)


@given(st.lists(st.floats(-80, 80, width=32), min_size=7, max_size=7))
def test_probabilities_are_a_distribution_whatever_the_scores(scores: list[float]) -> None:
    classes = powerset(3, 2)
    probabilities = classes.probabilities(np.array([scores], np.float32))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()


@given(st.permutations(range(3)), st.lists(st.floats(-9, 9, width=32), min_size=7, max_size=7))
def test_renaming_local_speakers_only_renames_their_activity(order: list[int], scores: list[float]) -> None:
    classes = powerset(3, 2)
    renamed = Powerset(tuple(tuple(sorted(order[s] for s in members)) for members in classes.classes))
    probabilities = classes.probabilities(np.array([scores], np.float32))
    np.testing.assert_allclose(
        renamed.activity(probabilities)[:, order], classes.activity(probabilities), atol=1e-6
    )
    np.testing.assert_allclose(renamed.overlap(probabilities), classes.overlap(probabilities), atol=1e-6)
