"""Cached frames beside the whole network over each window, with models whose answers are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.streaming.errors import AudioFileError
from hocket.streaming.evaluation.from_scratch import compare, pooled
from hocket.streaming.metrics import Lanes, diarization_errors
from hocket.streaming.replay import Segment
from tests.level_voices import LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 7.0, "0"), Segment(8.0, 14.0, "1"), Segment(15.0, 21.0, "0"), Segment(22.0, 28.0, "2")]


def _whole(window: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.concatenate([np.zeros(LevelEmbedder.spec.preroll, np.float32), window])
    frames: NDArray[np.float32] = LevelEmbedder().frames(padded[np.newaxis])[0]
    return frames


def test_clear_voices_get_the_same_vectors_and_names_either_way() -> None:
    found = compare(conversation(TURNS, 30.0), LevelSegmenter(), LevelEmbedder(), _whole)
    assert found.hops == 41
    figures = pooled([found, found])
    assert figures["hops"] == 82
    assert figures["cosine_p5"] == pytest.approx(1.0, abs=1e-5)
    for way in (found.cached, found.scratch):
        reference = Lanes.of(TURNS, 3000)
        assert diarization_errors(reference, Lanes.of(way.segments, 3000)).rate < 0.05
        assert {segment.speaker for segment in way.segments} == {"S1", "S2", "S3"}


def test_a_recording_without_a_voice_is_named() -> None:
    silence = compare(np.zeros(16_000 * 11, np.float32), LevelSegmenter(), LevelEmbedder(), _whole)
    assert not silence.cached.segments
    with pytest.raises(AudioFileError, match="nothing to compare"):
        pooled([silence])
