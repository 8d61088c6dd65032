"""The whole recording first, then who it was: on models whose voices are exact."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.errors import BlockError, SessionOver
from hocket.streaming.events import Change, Event, Gap, SessionEnd, SessionStart, SpeakerNew, Turn
from hocket.streaming.offline.diarizer import OfflineDiarizer
from hocket.streaming.replay import Segment, annotation
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation
from tests.unruly_models import UnrulyEmbedder, UnrulySegmenter

TURNS = [
    Segment(1, 4, "0"), Segment(4.5, 8, "1"), Segment(8, 10, "2"), Segment(12, 15, "0"), Segment(40, 47, "1"),
]  # fmt: skip


def session(config: DiarizerConfig | None = None) -> OfflineDiarizer:
    return OfflineDiarizer(LevelSegmenter(), LevelEmbedder(), config)


def heard(diarizer: OfflineDiarizer, samples: NDArray[np.float32], block: int = RATE) -> list[Event]:
    events: list[Event] = []
    for start in range(0, len(samples), block):
        events += diarizer.push(samples[start : start + block])
    return events + diarizer.finish()


def test_exact_voices_give_exact_turns() -> None:
    diarizer = session()
    heard(diarizer, conversation(TURNS, 50))
    turns = diarizer.annotation()
    assert [turn.speaker for turn in turns] == ["S1", "S2", "S3", "S1", "S2"]
    for turn, truth in zip(turns, TURNS, strict=True):
        assert turn.start == pytest.approx(truth.start, abs=0.05)
        assert turn.end == pytest.approx(truth.end, abs=0.05)


def test_nothing_is_said_before_the_end_and_all_that_is_said_is_final() -> None:
    diarizer = session()
    before = diarizer.push(conversation(TURNS, 50))
    assert [type(event) for event in before] == [SessionStart]
    after = diarizer.finish()
    assert {event.state for event in after if isinstance(event, Turn)} == {"final"}
    assert [event.speaker for event in after if isinstance(event, SpeakerNew)] == ["S1", "S2", "S3"]
    assert isinstance(after[-1], SessionEnd)
    assert after[-1].speakers == ["S1", "S2", "S3"]
    assert annotation([*before, *after]) == diarizer.annotation()


def test_changes_follow_who_speaks() -> None:
    changes = [e for e in heard(session(), conversation(TURNS, 50)) if isinstance(e, Change)]
    for truth, speaker in zip(TURNS, ["S1", "S2", "S3", "S1", "S2"], strict=True):
        [begun] = [change for change in changes if change.t == pytest.approx(truth.start, abs=0.1)]
        assert begun.speakers == [speaker]
    assert changes[-1].speakers == []


@pytest.mark.parametrize("block", [777, RATE // 10, 50 * RATE])
def test_it_does_not_matter_how_audio_is_cut(block: int) -> None:
    samples = 0.1 * np.random.default_rng(0).standard_normal(35 * RATE).astype(np.float32)
    whole = OfflineDiarizer(UnrulySegmenter(), UnrulyEmbedder())
    cut = OfflineDiarizer(UnrulySegmenter(), UnrulyEmbedder())
    assert heard(cut, samples, block) == heard(whole, samples)


def test_a_recording_without_speech_has_no_turns() -> None:
    events = heard(session(), np.zeros(30 * RATE, np.float32))
    assert [type(event) for event in events] == [SessionStart, SessionEnd]


@pytest.mark.parametrize("seconds", [0, 0.3, 1.5, 2.0])
def test_a_recording_shorter_than_any_window_is_heard(seconds: float) -> None:
    diarizer = session()
    heard(diarizer, conversation([Segment(0, seconds, "0")], seconds))
    assert sum(turn.end - turn.start for turn in diarizer.annotation()) == pytest.approx(seconds, abs=0.1)


def test_speech_without_a_pause_is_one_turn() -> None:
    diarizer = session()
    heard(diarizer, conversation([Segment(0, 65, "2")], 65))
    [turn] = diarizer.annotation()
    assert (turn.start, turn.end) == pytest.approx((0, 65), abs=0.05)


def test_a_gap_moves_the_clock_on() -> None:
    diarizer = session()
    diarizer.push(conversation([Segment(0, 5, "0")], 5))
    [gap] = diarizer.gap(20 * RATE, "network")
    diarizer.push(conversation([Segment(0, 5, "1")], 5))
    diarizer.finish()
    assert isinstance(gap, Gap)
    assert [(round(turn.start), round(turn.end)) for turn in diarizer.annotation()] == [(0, 5), (25, 30)]


def test_no_more_speakers_than_asked_for() -> None:
    diarizer = session(DiarizerConfig(max_speakers=2))
    heard(diarizer, conversation(TURNS, 50))
    assert len({turn.speaker for turn in diarizer.annotation()}) == 2


def test_what_is_no_audio_is_refused() -> None:
    diarizer = session()
    with pytest.raises(BlockError, match="samples want shape"):
        diarizer.push(np.zeros((2, 100), np.float32))
    diarizer.finish()
    assert diarizer.finish() == []
    with pytest.raises(SessionOver):
        diarizer.push(np.zeros(100, np.float32))
