"""The reference in the segmentation model's place."""

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import SegmenterSpec
from hocket.streaming.evaluation.oracle import OracleSegmenter
from hocket.streaming.grid import FrameGrid
from hocket.streaming.hearing.powerset import Powerset
from hocket.streaming.hearing.requests import SegmentRequest
from hocket.streaming.metrics import Lanes
from hocket.streaming.replay import Segment

CLASSES = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
SPEC = SegmenterSpec(rate=16000, lengths=(160_000,), frame_step=270, frame_offset=495, classes=CLASSES)


def logits(
    segments: list[tuple[float, float, str]], start: float = 0.0, stop: float = 10.0
) -> NDArray[np.float32]:
    reference = Lanes.of([Segment(*segment) for segment in segments], 2000)
    first, end = round(start * 16000), round(stop * 16000)
    request = SegmentRequest(first, end, np.zeros(end - first, np.float32))
    return OracleSegmenter(reference, SPEC).logits(request)


def activity(segments: list[tuple[float, float, str]], start: float = 0.0, stop: float = 10.0) -> Lanes:
    """Back through softmax, powerset and frame grid, as the engine reads a model's answer."""
    powerset = Powerset(CLASSES)
    frames = powerset.activity(powerset.probabilities(logits(segments, start, stop)))
    cells = FrameGrid(160, 270, 495).to_cells(frames, round((stop - start) * 16000))
    return Lanes(("first", "second", "third"), cells.T > 0.5)


def test_a_full_window_has_as_many_frames_as_the_model() -> None:
    assert logits([]).shape == (589, 7)
    assert logits([]).dtype == np.float32


def test_the_true_class_is_certain() -> None:
    rows = logits([(0, 10, "anna"), (0, 10, "ben")])
    assert rows[300].tolist() == [-10, -10, -10, -10, 10, -10, -10]


def test_the_engine_reads_back_the_reference_to_a_frame() -> None:
    heard = activity([(1, 4, "anna"), (3, 6, "ben"), (8, 9, "anna")]).segments()
    expected = [Segment(1, 4, "first"), Segment(3, 6, "second"), Segment(8, 9, "first")]
    assert len(heard) == len(expected)
    for one, other in zip(heard, expected, strict=True):
        assert one.speaker == other.speaker
        assert abs(one.start - other.start) <= 0.02
        assert abs(one.end - other.end) <= 0.02


def test_local_speakers_are_numbered_by_first_appearance_in_the_window() -> None:
    segments = [(0, 4, "anna"), (4, 8, "ben"), (12, 16, "anna")]
    assert activity(segments, 5, 15).labels[0] == "first"
    heard = activity(segments, 5, 15).cells
    assert heard[0, 100]
    assert heard[1, 800]


def test_of_four_speakers_those_who_say_most_remain() -> None:
    heard = activity([(0, 0.5, "dora"), (1, 4, "anna"), (4, 7, "ben"), (7, 9.5, "cleo")])
    assert not heard.cells[:, 25].any()
    assert [heard.cells[k, cell] for k, cell in enumerate((200, 500, 800))] == [True] * 3


def test_of_three_at_once_the_two_who_say_most_remain() -> None:
    heard = activity([(0, 3, "anna"), (0.5, 9, "ben"), (1, 6, "cleo")])
    assert heard.cells[:, 150].tolist() == [False, True, True]


def test_there_is_nobody_outside_the_recording() -> None:
    heard = activity([(0, 20, "anna")], -5, 5)
    assert not heard.cells[:, :490].any()
    assert heard.cells[0, 510:].all()
    assert not activity([(0, 20, "anna")], 15, 25).cells[:, 510:].any()
