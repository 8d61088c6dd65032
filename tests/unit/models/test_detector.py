"""A detector's package and a segmenter that brings it along: rows, memory, faults."""

import numpy as np
import pytest

from hocket.models.detector import PackageDetector, SecondedSegmenter
from hocket.models.errors import ModelError, ModelRoleError, ShapeError
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.roles import DetectingSegmenter, DetectorSpec
from tests.unruly_models import UnrulySegmenter

_SPEC = DetectorSpec(rate=16_000, chunk=4, lookback=2, memory=3, delay=0, share=0.5, lean=0.0)
_CHUNKS = TensorSpec("chunks", (1, 2, 6), ranges=((1, 8), (1, 8), (6, 6)))
_MEMORY = TensorSpec("memory", (1, 3), ranges=((1, 8), (3, 3)))


def _package(calls: list[Array]) -> FakePredictor:
    """Each chunk's mean, and a memory that counts chunks."""

    def predict(inputs: Arrays) -> dict[str, Array]:
        calls.append(inputs["chunks"])
        memory = inputs["memory"] + np.float32(inputs["chunks"].shape[1])
        return {"heard": np.concatenate([inputs["chunks"].mean(axis=2), memory], axis=1)}

    return FakePredictor((_CHUNKS, _MEMORY), (TensorSpec("heard", (1, -1)),), predict)


def test_streams_of_any_number_are_heard_each_with_its_own_memory() -> None:
    calls: list[Array] = []
    detector = PackageDetector(_package(calls), _SPEC)
    chunks = np.arange(11, dtype=np.float32)[:, None, None] * np.ones((11, 2, 6), np.float32)
    heard = detector.detect(chunks, np.tile(np.arange(11, dtype=np.float32)[:, None], 3))
    assert [len(call) for call in calls] == [8, 2, 1]
    np.testing.assert_array_equal(heard[:, :2], np.arange(11)[:, None] * [1, 1])
    np.testing.assert_array_equal(heard[:, 2:], np.arange(11)[:, None] + [2, 2, 2])


def test_chunks_and_memories_of_another_shape_are_refused() -> None:
    detector = PackageDetector(_package([]), _SPEC)
    memory = np.zeros((1, 3), np.float32)
    with pytest.raises(ShapeError, match=r"wants \(batch, n, 6\) and \(batch, 3\), got \(1, 2, 5\)"):
        detector.detect(np.zeros((1, 2, 5), np.float32), memory)
    with pytest.raises(ShapeError, match=r"got \(2, 2, 6\) and \(1, 3\)"):
        detector.detect(np.zeros((2, 2, 6), np.float32), memory)


def test_an_opinion_that_is_not_finite_is_an_error() -> None:
    detector = PackageDetector(_package([]), _SPEC)
    with pytest.raises(ModelError, match="not finite; is the audio finite"):
        detector.detect(np.full((1, 1, 6), np.inf, np.float32), np.zeros((1, 3), np.float32))


def test_a_package_with_another_interface_is_no_detector() -> None:
    package = FakePredictor((_CHUNKS,), (TensorSpec("heard", (1, -1)),), dict)
    with pytest.raises(ModelRoleError, match=r"takes chunks .* and a memory .*; this takes chunks \(1–8"):
        PackageDetector(package, _SPEC)


def test_a_seconded_segmenter_plays_both_parts() -> None:
    alone = UnrulySegmenter()
    assert not isinstance(alone, DetectingSegmenter)
    seconded = SecondedSegmenter(alone, PackageDetector(_package([]), _SPEC))
    assert isinstance(seconded, DetectingSegmenter)
    assert seconded.spec.detector == _SPEC
    audio = np.linspace(0, 1, 16_000, dtype=np.float32)[None]
    np.testing.assert_array_equal(seconded.segment(audio), alone.segment(audio))
    chunks, memory = np.ones((1, 3, 6), np.float32), np.zeros((1, 3), np.float32)
    np.testing.assert_array_equal(seconded.detect(chunks, memory), [[1, 1, 1, 3, 3, 3]])
