"""Change events against reference changes, matched by hand."""

import numpy as np
import pytest

from hocket.streaming.evaluation.changes import ChangeScore, reference_changes, score_changes
from hocket.streaming.events import Change
from hocket.streaming.metrics import Lanes
from hocket.streaming.replay import Segment

ALL = np.ones(1000, np.bool_)


def lanes(*segments: tuple[float, float, str]) -> Lanes:
    return Lanes.of([Segment(*segment) for segment in segments], 1000)


def change(t: float, at: float) -> Change:
    return Change(seq=1, session="s", at=at, t=t, speakers=[], started=[], ended=[], confidence=1.0)


def test_a_hand_over_is_one_change() -> None:
    reference = lanes((1, 4, "anna"), (4, 6, "ben"))
    assert reference_changes(reference, ALL).tolist() == [100, 400, 600]


def test_starts_and_ends_inside_an_overlap_are_changes() -> None:
    reference = lanes((1, 6, "anna"), (3, 4, "ben"))
    assert reference_changes(reference, ALL).tolist() == [100, 300, 400, 600]


def test_pauses_up_to_half_a_second_are_bridged() -> None:
    reference = lanes((1, 2, "anna"), (2.5, 3, "anna"), (3.51, 4, "anna"))
    assert reference_changes(reference, ALL).tolist() == [100, 300, 351, 400]


def test_speech_from_the_first_cell_to_the_last_begins_and_does_not_end() -> None:
    assert reference_changes(lanes((0, 10, "anna")), ALL).tolist() == [0]


def test_without_speech_nothing_changes() -> None:
    assert reference_changes(lanes(), ALL).tolist() == []


def test_half_a_second_off_is_right_and_more_is_wrong() -> None:
    reference = lanes((1, 4, "anna"))
    score = score_changes(reference, [change(1.5, 2.0), change(4.51, 5.0)], ALL)
    assert score == ChangeScore(reference=2, said=2, delays=(1.0,))
    assert score.f1 == pytest.approx(0.5)


def test_two_events_cannot_both_be_the_same_change() -> None:
    score = score_changes(lanes((1, 10, "anna")), [change(0.9, 1.5), change(1.1, 1.5)], ALL)
    assert (score.reference, score.said, len(score.delays)) == (1, 2, 1)
    assert score.f1 == pytest.approx(2 / 3)


def test_who_it_was_after_all_is_no_change_of_its_own() -> None:
    score = score_changes(lanes((1, 10, "anna")), [change(1.1, 1.5), change(1.1, 2.0)], ALL)
    assert score == ChangeScore(1, 1, (0.5,))


def test_the_most_pairs_come_before_the_nearest() -> None:
    # 2.0 is nearest to 1.9, but then 1.5 has nothing left: 1.5 with 1.9 and 2.0 with 2.4 makes two pairs
    reference = lanes((1.5, 10, "anna"), (2.0, 10, "ben"))
    score = score_changes(reference, [change(1.9, 3.0), change(2.4, 3.0)], ALL)
    assert score.delays == pytest.approx((1.5, 1.0))


def test_the_nearest_of_equally_many_pairs_is_taken() -> None:
    reference = lanes((1.0, 10, "anna"), (1.4, 10, "ben"))
    score = score_changes(reference, [change(1.4, 2.0)], ALL)
    assert score.delays == pytest.approx((0.6,))


def test_what_is_not_scored_counts_on_neither_side() -> None:
    scored = ALL.copy()
    scored[500:] = False
    reference = lanes((1, 6, "anna"))
    assert score_changes(reference, [change(1.0, 1.5), change(6.0, 6.5)], scored) == ChangeScore(1, 1, (0.5,))


def test_no_changes_on_either_side_have_no_f1() -> None:
    assert np.isnan(score_changes(lanes(), [], ALL).f1)


def test_thousands_of_changes_match_one_to_one() -> None:
    reference = Lanes.of([Segment(2.0 * k, 2.0 * k + 1.0, "anna") for k in range(3000)], 600_000)
    events = [change(1.0 * k + 0.2, 1.0 * k + 1.0) for k in range(6000)]
    score = score_changes(reference, events, np.ones(600_000, np.bool_))
    assert (score.f1, score.delays) == (1.0, pytest.approx([1.0] * 6000))
