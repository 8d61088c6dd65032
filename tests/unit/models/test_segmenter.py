"""A segmentation package as Segmenter: shapes, batches, log-probabilities, faults."""

import numpy as np
import pytest

from hocket.models.errors import ModelError, ModelRoleError, ShapeError
from hocket.models.predictor import Arrays, FakePredictor, TensorSpec
from hocket.models.roles import SegmenterSpec
from hocket.models.segmenter import PackageSegmenter

_SPEC = SegmenterSpec(
    rate=10, lengths=(50, 100), frame_step=10, frame_offset=5, classes=((), (0,), (1,), (0, 1))
)
_AUDIO = TensorSpec("audio", (1, 1, 100), allowed=((1, 1, 100), (2, 1, 100), (1, 1, 50)))
_SCORES = TensorSpec("scores", (1, 10, 4))


def _scores(value: float) -> FakePredictor:
    def predict(inputs: Arrays) -> dict[str, np.ndarray]:
        audio = inputs["audio"]
        scores = np.full((len(audio), audio.shape[2] // 10, 4), value, np.float32)
        return {"scores": scores + audio[:, :, :1]}

    return FakePredictor((_AUDIO,), (_SCORES,), predict)


def test_windows_come_back_in_their_order() -> None:
    segmenter = PackageSegmenter(_scores(0.0), _SPEC)
    audio = np.repeat(np.arange(5, dtype=np.float32)[:, None], 100, axis=1)
    scores = segmenter.segment(audio)
    assert scores.shape == (5, 10, 4)
    np.testing.assert_array_equal(scores[:, 0, 0], np.arange(5))


def test_shorter_windows_run_one_by_one_where_the_package_has_no_batches_of_them() -> None:
    assert PackageSegmenter(_scores(0.0), _SPEC).segment(np.zeros((3, 50), np.float32)).shape == (3, 5, 4)


def test_a_length_that_is_not_on_the_card_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, n\) with n one of 50, 100, got \(1, 80\)"):
        PackageSegmenter(_scores(0.0), _SPEC).segment(np.zeros((1, 80), np.float32))


def test_underflown_log_probabilities_become_finite() -> None:
    segmenter = PackageSegmenter(_scores(-np.inf), _SPEC, scores="log-probabilities")
    assert (segmenter.segment(np.zeros((1, 100), np.float32)) == -16).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_an_error(value: float) -> None:
    with pytest.raises(ModelError, match="not finite"):
        PackageSegmenter(_scores(value), _SPEC).segment(np.zeros((1, 100), np.float32))


def test_a_package_with_two_inputs_is_no_segmenter() -> None:
    weights = TensorSpec("weights", (1, 50))
    predictor = FakePredictor((_AUDIO, weights), (_SCORES,), lambda inputs: {})
    with pytest.raises(ModelRoleError, match=r"this takes audio .*, weights \(1, 50\)"):
        PackageSegmenter(predictor, _SPEC)
