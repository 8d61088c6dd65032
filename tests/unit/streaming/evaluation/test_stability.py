"""Steadiness of names, against counts made by hand."""

import numpy as np
import pytest

from hocket.streaming.evaluation.live import Sight
from hocket.streaming.evaluation.stability import (
    Arrivals,
    Flips,
    LabelCount,
    Repairs,
    arrivals,
    flips,
    labels_per_speaker,
    repairs,
)
from hocket.streaming.metrics import Lanes
from hocket.streaming.replay import Segment

ALL = np.ones(3000, np.bool_)


def lanes(*segments: tuple[float, float, str]) -> Lanes:
    return Lanes.of([Segment(*segment) for segment in segments], 3000)


def sight(settled: Lanes, since: dict[str, list[tuple[float, float, float]]]) -> Sight:
    """since: label to (start, end, audio clock at which it was first out there), in seconds."""
    clocks = np.full(settled.cells.shape, -1, np.int32)
    for label, spans in since.items():
        for start, end, clock in spans:
            clocks[settled.labels.index(label), round(start * 100) : round(end * 100)] = round(clock * 100)
    return Sight(settled, np.zeros_like(settled.cells), settled, clocks)


class TestFlips:
    def test_one_label_all_along_never_flips(self) -> None:
        assert flips(lanes((0, 30, "anna")), lanes((0, 30, "S1")), ALL) == Flips(0, 3000)

    def test_a_change_inside_a_turn_is_a_flip(self) -> None:
        shown = lanes((0, 10, "S1"), (10, 12, "S2"), (12, 30, "S1"))
        found = flips(lanes((0, 30, "anna")), shown, ALL)
        assert found == Flips(2, 3000)
        assert found.per_minute == pytest.approx(4.0)

    def test_a_change_between_turns_is_none(self) -> None:
        reference = lanes((0, 10, "anna"), (10, 20, "ben"))
        assert flips(reference, lanes((0, 10, "S1"), (10, 20, "S2")), ALL).count == 0

    def test_silence_between_two_labels_in_one_turn_does_not_hide_the_flip(self) -> None:
        assert flips(lanes((0, 9, "anna")), lanes((0, 4, "S1"), (5, 9, "S2")), ALL) == Flips(1, 800)

    def test_cells_with_two_voices_or_two_labels_are_passed_over(self) -> None:
        reference = lanes((0, 10, "anna"), (4, 6, "ben"))
        shown = lanes((0, 10, "S1"), (4, 6, "S2"), (7, 8, "S2"))
        # anna's 0-4, 6-7 and 8-10 remain; ben is never alone
        assert flips(reference, shown, ALL) == Flips(0, 700)

    def test_turns_under_a_second_are_too_short(self) -> None:
        assert flips(lanes((0, 0.99, "anna")), lanes((0, 0.5, "S1"), (0.5, 1, "S2")), ALL) == Flips(0, 0)

    def test_what_is_not_scored_is_not_counted(self) -> None:
        scored = ALL.copy()
        scored[:500] = False
        shown = lanes((0, 3, "S1"), (3, 10, "S2"))
        assert flips(lanes((0, 10, "anna")), shown, scored) == Flips(0, 500)

    def test_nothing_shown_has_no_rate(self) -> None:
        assert np.isnan(flips(lanes((0, 10, "anna")), lanes(), ALL).per_minute)


class TestLabelsPerSpeaker:
    def test_only_labels_with_a_second_of_solo_speech_count(self) -> None:
        reference = lanes((0, 10, "anna"), (10, 20, "ben"))
        shown = lanes((0, 5, "S1"), (5, 6, "S2"), (6, 6.99, "S3"), (10, 20, "S4"))
        assert labels_per_speaker(reference, shown, ALL) == LabelCount(3, 2)
        assert labels_per_speaker(reference, shown, ALL).per_speaker == 1.5

    def test_overlap_belongs_to_nobody(self) -> None:
        reference = lanes((0, 10, "anna"), (5, 10, "ben"))
        # S2 lies on overlap alone; ben is never alone and is left out
        assert labels_per_speaker(reference, lanes((0, 5, "S1"), (5, 10, "S2")), ALL) == LabelCount(1, 1)


class TestArrivals:
    def test_a_speaker_is_there_with_half_a_second_under_their_own_label(self) -> None:
        reference = lanes((2, 10, "anna"))
        settled = lanes((2, 10, "S1"))
        # 2.0-2.3 out at 3.0, 2.3-2.5 at 3.5: half a second is complete at 3.5, 1.5 s after the onset
        seen = sight(settled, {"S1": [(2, 2.3, 3), (2.3, 2.5, 3.5), (2.5, 10, 10.5)]})
        assert arrivals(reference, seen, ALL) == Arrivals((1.5,), 0)

    def test_the_label_that_counts_is_the_one_finally_theirs(self) -> None:
        reference = lanes((0, 10, "anna"), (10, 20, "ben"))
        settled = lanes((0, 10, "S1"), (10, 20, "S2"))
        # ben went under S1 until a revision at 18
        seen = sight(settled, {"S1": [(0, 10, 1), (10, 18, 11)], "S2": [(10, 18, 18), (18, 20, 20)]})
        assert arrivals(reference, seen, ALL) == Arrivals((1.0, 8.0), 0)

    def test_who_ends_without_a_label_of_their_own_is_missed(self) -> None:
        reference = lanes((0, 12, "anna"), (12, 20, "ben"))
        seen = sight(lanes((0, 20, "S1")), {"S1": [(0, 20, 1)]})
        assert arrivals(reference, seen, ALL) == Arrivals((1.0,), 1)

    def test_who_says_less_than_five_seconds_is_not_waited_for(self) -> None:
        reference = lanes((0, 12, "anna"), (12, 16.9, "ben"))
        seen = sight(lanes((0, 20, "S1")), {"S1": [(0, 20, 1)]})
        assert arrivals(reference, seen, ALL).missed == 0

    def test_pooling_keeps_every_delay(self) -> None:
        assert Arrivals((1.0,), 1) + Arrivals((2.0,), 0) == Arrivals((1.0, 2.0), 1)


def test_repairs_take_back_what_was_wrong() -> None:
    reference = lanes((0, 10, "ann"), (10, 20, "bob"))
    first = lanes((0, 12, "S1"), (12, 20, "S2"), (20, 21, "S3"))
    settled = lanes((0, 9, "S1"), (9, 20, "S2"))
    revised = np.zeros(first.cells.shape, np.bool_)
    revised[first.labels.index("S1"), 900:1200] = True  # a second of it was right
    revised[first.labels.index("S3"), 2000:2100] = True  # nobody's
    seen = Sight(first, revised, settled, np.zeros(settled.cells.shape, np.int32))
    assert repairs(reference, seen, ALL) == Repairs(revised=400, wrong=300)
    assert (Repairs(400, 300) + Repairs(100, 100)).share == 0.8
    assert np.isnan(Repairs(0, 0).share)
