"""Answers of the models are kept by what was asked, in memory or on disk, and never twice computed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import FormatError
from hocket.streaming.evaluation.recorded import (
    OnDisk,
    Output,
    Remembered,
    fingerprint,
    remembered,
)
from hocket.streaming.evaluation.run import TimedSession
from hocket.streaming.hearing.requests import FramesRequest, Request, SegmentRequest
from hocket.streaming.replay import Segment
from tests.level_voices import LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(0.5, 4.0, "0"), Segment(4.5, 9.0, "1")]
KEYS = [bytes([number]) * 16 for number in range(4)]


def test_what_was_kept_on_disk_is_there_after_opening_it_again(tmp_path: Path) -> None:
    outputs = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 3), np.float32), np.float32([7])]
    store = OnDisk(tmp_path / "new" / "one.outputs")
    for key, output in zip(KEYS, outputs):
        store.put(key, output)
    for reader in (store, OnDisk(store.path)):
        for key, output in zip(KEYS, outputs):
            found = reader.get(key)
            assert found is not None
            np.testing.assert_array_equal(found, output)
        assert reader.get(KEYS[3]) is None


@pytest.mark.parametrize("lost", range(1, 16 + 4 + 4 + 12))
def test_an_output_cut_off_by_an_interruption_is_dropped_and_can_be_kept_again(
    tmp_path: Path, lost: int
) -> None:
    path = tmp_path / "one.outputs"
    store = OnDisk(path)
    store.put(KEYS[0], np.float32([1, 2, 3]))
    store.put(KEYS[1], np.float32([4, 5, 6]))
    path.write_bytes(path.read_bytes()[:-lost])
    store = OnDisk(path)
    assert store.get(KEYS[1]) is None
    store.put(KEYS[1], np.float32([4, 5, 6]))
    store = OnDisk(path)
    assert [store.get(key).tolist() for key in KEYS[:2]] == [[1, 2, 3], [4, 5, 6]]  # type: ignore[union-attr]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.outputs"
    path.write_bytes(b"RIFF and so on, for a while")
    with pytest.raises(FormatError, match=r"song.outputs begins with b'RIFF and so .*: remove it"):
        OnDisk(path)


def test_a_second_session_in_another_process_asks_the_models_nothing(tmp_path: Path) -> None:
    def heard(answer: Remembered) -> list[object]:
        session = TimedSession(Diarizer(LevelSegmenter(), LevelEmbedder()), answer)
        return [*session.push(conversation(TURNS, 10.0)), *session.finish()]

    asked: list[Request] = []

    def refuse(requests: Sequence[Request]) -> list[Output]:
        asked.extend(requests)
        raise AssertionError("the models were asked")

    first = heard(remembered(LevelSegmenter(), LevelEmbedder(), "talk", tmp_path))
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"talk-{fingerprint(LevelSegmenter(), LevelEmbedder())}.outputs"
    assert heard(Remembered(refuse, OnDisk(kept))) == first
    assert asked == []


def test_requests_of_two_kinds_with_the_same_audio_are_two_questions() -> None:
    def answer(requests: Sequence[Request]) -> list[Output]:
        return [np.float32([isinstance(request, SegmentRequest)]) for request in requests]

    audio = np.ones(8, np.float32)
    both = Remembered(answer)([SegmentRequest(0, 8, audio), FramesRequest(0, 8, audio)])
    assert [output.tolist() for output in both] == [[1.0], [0.0]]


def test_other_models_have_another_fingerprint() -> None:
    class Louder(LevelSegmenter):
        def segment(self, audio: Output) -> Output:
            return super().segment(audio) + np.float32(1)

    same, again = (fingerprint(LevelSegmenter(), LevelEmbedder()) for _ in range(2))
    assert same == again
    assert fingerprint(Louder(), LevelEmbedder()) != same
