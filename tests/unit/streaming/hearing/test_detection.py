"""The second opinion on speech: which chunks are asked for, where they lie, how it is mixed in."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.roles import DetectorSpec
from hocket.streaming.hearing.detection import Detection
from hocket.streaming.hearing.requests import DetectRequest
from hocket.streaming.hearing.ring import Ring

CELL = 160
SPEC = DetectorSpec(rate=16_000, chunk=512, lookback=64, memory=2, delay=256, share=0.5, lean=0.1)


def audio_of(samples: NDArray[np.float32]) -> Ring:
    ring = Ring(len(samples))
    ring.append(samples)
    return ring


def asked(detection: Detection, stop: int, audio: Ring) -> DetectRequest:
    request = detection.request(stop, audio)
    assert request is not None
    return request


def test_every_whole_chunk_is_asked_for_once_with_what_came_before_it() -> None:
    samples = np.arange(1, 3001, dtype=np.float32)
    audio, detection = audio_of(samples), Detection(SPEC, CELL, 16_000)
    assert detection.request(511, audio) is None
    first = asked(detection, 1500, audio)
    assert (first.start, first.stop, first.chunks.shape) == (0, 1024, (2, 576))
    np.testing.assert_array_equal(first.chunks[0], np.concatenate([np.zeros(64), samples[:512]]))
    np.testing.assert_array_equal(first.chunks[1], samples[512 - 64 : 1024])
    detection.take(np.array([0.1, 0.2, 7, 8], np.float32))
    assert detection.request(1500, audio) is None
    second = asked(detection, 3000, audio)
    assert (second.start, second.stop) == (1024, 2560)
    np.testing.assert_array_equal(second.chunks[0], samples[1024 - 64 : 1536])
    np.testing.assert_array_equal(second.memory, [7, 8])


def test_an_answer_speaks_of_the_beginning_of_its_chunk_and_others_are_interpolated() -> None:
    detection = Detection(SPEC, CELL, 16_000)
    detection.take(np.array([0, 0, 1, 1, 0, 0], np.float32))
    speech = np.zeros(12, np.float32)
    opinion = np.clip((np.arange(12) + 0.5) * CELL / 512 - 1, 0, 1)
    np.testing.assert_allclose(detection.mixed(speech, 0), 0.5 * opinion + 0.1, atol=1e-6)


@pytest.mark.parametrize(
    ("windows", "detector", "is_speech"),
    [(0.9, 0.0, True), (0.7, 0.0, False), (0.7, 0.2, True), (0.3, 0.6, True), (0.2, 0.5, False)],
)
def test_an_average_of_two_fifths_is_held_for_speech(
    windows: float, detector: float, is_speech: bool
) -> None:
    detection = Detection(SPEC, CELL, 16_000)
    detection.take(np.array([detector, 0, 0], np.float32))
    [speech] = detection.mixed(np.array([windows], np.float32), 0)
    assert (speech > 0.5) == is_speech


def test_without_an_opinion_the_windows_decide_alone() -> None:
    speech = np.array([0.2, 0.8, 0.5], np.float32)
    detection = Detection(SPEC, CELL, 16_000)
    np.testing.assert_array_equal(detection.mixed(speech, 0), speech)
    detection.take(np.full(4, np.nan, np.float32))
    np.testing.assert_array_equal(detection.mixed(speech, 0), speech)


def test_a_mixture_stays_a_probability() -> None:
    detection = Detection(SPEC, CELL, 16_000)
    detection.take(np.ones(3, np.float32))
    np.testing.assert_array_equal(detection.mixed(np.ones(2, np.float32), 0), [1, 1])


def test_a_restored_detection_goes_on_where_the_first_one_stopped() -> None:
    audio, first, second = audio_of(np.ones(4000, np.float32)), *(Detection(SPEC, CELL, 16_000) for _ in "ab")
    first.take(np.array([0.3, 0.9, 5, 6], np.float32))
    second.restore(first.state())
    a, b = asked(first, 4000, audio), asked(second, 4000, audio)
    assert (a.start, a.stop) == (b.start, b.stop)
    np.testing.assert_array_equal(a.memory, b.memory)
    cells = np.full(9, 0.4, np.float32)
    np.testing.assert_array_equal(first.mixed(cells, 0), second.mixed(cells, 0))


def test_only_the_newest_chunks_are_kept() -> None:
    detection = Detection(SPEC, CELL, 5120)
    detection.take(np.append(np.linspace(0, 1, 1000), [0, 0]).astype(np.float32))
    kept = detection.state()["chunks"]
    assert (kept["stop"], len(kept["rows"])) == (1000, 12)
    newest = detection.mixed(np.zeros(1, np.float32), 1000 * 512 // CELL)
    np.testing.assert_allclose(newest, 0.6)
