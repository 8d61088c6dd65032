"""Silence costs little: windows wait for somebody to speak, not for ever, and not on one network's word."""

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.engine.compute import run
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.hearing.requests import DetectRequest, Request, SegmentRequest
from tests.unruly_models import RATE, UnrulyDetectingSegmenter, UnrulyEmbedder

Stretch = tuple[float, float]
NOBODY = (99.0, 99.0)


def answer(request: Request, speech: Stretch, detected: Stretch) -> NDArray[np.float32]:
    """Certain of who speaks when."""
    if isinstance(request, SegmentRequest):
        frames = np.arange((request.stop - request.start) // 270 - 3)
        at = (request.start + 495 + 270 * frames) / RATE
        scores = np.full((len(at), 7), -9, np.float32)
        scores[frames, ((at >= speech[0]) & (at < speech[1])).astype(int)] = 9
        return scores
    if isinstance(request, DetectRequest):
        at = np.arange(request.start, request.stop, 512) / RATE
        heard = (at >= detected[0]) & (at < detected[1])
        return np.concatenate([heard.astype(np.float32), request.memory])
    return run([request], UnrulyDetectingSegmenter(), UnrulyEmbedder())[0]


def windows(seconds: float, speech: Stretch, detected: Stretch) -> list[float]:
    """Where windows end, in seconds: somebody speaks as the windows have it, and as the detector has it."""
    diarizer, ends = Diarizer(UnrulyDetectingSegmenter(), UnrulyEmbedder()), list[float]()
    diarizer.feed(np.full(round(seconds * RATE), 0.001, np.float32))
    while requests := diarizer.due():
        ends += [request.stop / RATE for request in requests if isinstance(request, SegmentRequest)]
        diarizer.advance([answer(request, speech, detected) for request in requests])
    return ends


def test_windows_wait_while_neither_the_last_one_nor_the_detector_hears_anybody() -> None:
    assert windows(24, NOBODY, NOBODY) == [2.0, 12.0, 22.0]
    assert windows(24, NOBODY, (13.2, 13.3)) == [2.0, 12.0, 13.5, 23.5]


def test_shortly_after_speech_they_wait_less() -> None:
    ends = windows(18, (1.0, 5.0), (1.0, 5.0))
    assert ends == [*np.arange(2.0, 7.0, 0.5), 8.5, 10.5, 12.5, 14.5, 16.5]


def test_they_do_not_wait_for_a_deaf_detector() -> None:
    assert windows(6, (1.0, 99.0), NOBODY) == [*np.arange(2.0, 6.5, 0.5)]
