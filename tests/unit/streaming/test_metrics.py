"""DER and its parts on the grid, against counts made by hand."""

import numpy as np
import pytest

from hocket.streaming.metrics import DiarizationErrors, Lanes, best_map, diarization_errors, runs
from hocket.streaming.replay import Segment


def lanes(*segments: tuple[float, float, str], seconds: float = 10.0) -> Lanes:
    return Lanes.of([Segment(*segment) for segment in segments], round(seconds * 100))


def test_a_perfect_hypothesis_under_other_names_has_no_errors() -> None:
    reference = lanes((0, 4, "anna"), (3, 6, "ben"))
    hypothesis = lanes((0, 4, "S2"), (3, 6, "S1"))
    assert diarization_errors(reference, hypothesis) == DiarizationErrors(700, 0, 0, 0)


def test_each_part_is_counted_by_itself() -> None:
    # anna 0-4, ben 4-6; heard: S1 1-5, S2 5-7: 1 s missed, 1 s confused, 1 s false alarm of 6 s speech
    reference = lanes((0, 4, "anna"), (4, 6, "ben"))
    hypothesis = lanes((1, 5, "S1"), (5, 7, "S2"))
    errors = diarization_errors(reference, hypothesis)
    assert errors == DiarizationErrors(speech=600, false_alarm=100, missed=100, confusion=100)
    assert errors.rate == pytest.approx(0.5)


def test_an_overlap_counts_every_speaker_by_itself() -> None:
    # 2-3 s: two speak and one label is out, which is right: 1 s missed
    reference = lanes((0, 3, "anna"), (2, 5, "ben"))
    hypothesis = lanes((0, 3, "S1"), (3, 5, "S2"))
    assert diarization_errors(reference, hypothesis) == DiarizationErrors(600, 0, 100, 0)


def test_one_label_for_two_people_is_right_for_the_one_who_speaks_more() -> None:
    reference = lanes((0, 4, "anna"), (4, 6, "ben"))
    hypothesis = lanes((0, 6, "S1"))
    assert diarization_errors(reference, hypothesis) == DiarizationErrors(600, 0, 0, 200)
    assert best_map(reference, hypothesis, np.ones(1000, np.bool_)) == {"anna": "S1"}


def test_cells_that_are_not_scored_count_nothing() -> None:
    scored = np.zeros(1000, np.bool_)
    scored[:400] = True
    reference = lanes((0, 4, "anna"), (4, 6, "ben"))
    hypothesis = lanes((1, 5, "S1"), (5, 7, "S2"))
    assert diarization_errors(reference, hypothesis, scored) == DiarizationErrors(400, 0, 100, 0)


def test_pooling_adds_errors_not_rates() -> None:
    pooled = DiarizationErrors(100, 0, 100, 0) + DiarizationErrors(900, 0, 0, 0)
    assert pooled.rate == pytest.approx(0.1)


def test_no_reference_speech_has_no_rate() -> None:
    assert np.isnan(diarization_errors(lanes(), lanes((0, 1, "S1"))).rate)


def test_an_empty_hypothesis_misses_everything() -> None:
    assert diarization_errors(lanes((0, 2, "anna")), lanes()) == DiarizationErrors(200, 0, 200, 0)


def test_segments_come_back_from_the_grid_with_touching_ones_joined() -> None:
    grid = lanes((0, 1, "b"), (1, 2, "b"), (0.5, 0.75, "a"), (9.5, 12, "a"))
    assert grid.segments() == [Segment(0, 2, "b"), Segment(0.5, 0.75, "a"), Segment(9.5, 10, "a")]


def test_runs_are_half_open() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, np.bool_)) == []
