"""The demo conversation and its reference fit together, and hold what a demo should show."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.streaming.replay import Segment
from hocket.streaming.rttm import parse_rttm

DEMO = Path(__file__).parents[2] / "examples" / "demo"
PAUSE_SECONDS = 0.2  # shorter ones are bridged in the RTTM


def shared_seconds(a: Segment, b: Segment) -> float:
    """How long both last at once; negative when they are apart."""
    return min(a.end, b.end) - max(a.start, b.start)


@pytest.fixture(scope="module")
def audio() -> NDArray[np.float32]:
    samples, rate = soundfile.read(DEMO / "conversation.ogg", dtype="float32")
    assert rate == 16_000
    assert samples.ndim == 1
    return samples


@pytest.fixture(scope="module")
def speech() -> list[Segment]:
    recordings = parse_rttm((DEMO / "conversation.rttm").read_text())
    assert set(recordings) == {"conversation"}
    return recordings["conversation"]


@pytest.fixture(scope="module")
def words() -> list[Segment]:
    entries = json.loads((DEMO / "conversation.words.json").read_text())
    assert all(set(entry) == {"speaker", "text", "start", "end"} for entry in entries)
    return [Segment(entry["start"], entry["end"], entry["speaker"]) for entry in entries]


def test_the_sound_is_small_and_lasts_one_to_two_minutes(audio: NDArray[np.float32]) -> None:
    assert (DEMO / "conversation.ogg").stat().st_size < 400_000
    assert 90 < len(audio) / 16_000 < 115


def test_the_sound_is_never_clipped(audio: NDArray[np.float32]) -> None:
    assert 0.3 < np.abs(audio).max() < 0.95


def test_all_speech_lies_within_the_sound_in_order(audio: NDArray[np.float32], speech: list[Segment]) -> None:
    assert all(0 <= stretch.start < stretch.end <= len(audio) / 16_000 for stretch in speech)
    assert speech == sorted(speech, key=lambda stretch: stretch.start)


def test_three_speakers_come_in_early_and_speak_for_twenty_seconds_each(speech: list[Segment]) -> None:
    speakers = {stretch.speaker for stretch in speech}
    assert len(speakers) == 3
    for speaker in speakers:
        own = [stretch for stretch in speech if stretch.speaker == speaker]
        assert own[0].start < 15
        assert sum(stretch.end - stretch.start for stretch in own) > 20


def test_a_speaker_pauses_between_two_stretches(speech: list[Segment]) -> None:
    for speaker in {stretch.speaker for stretch in speech}:
        own = [stretch for stretch in speech if stretch.speaker == speaker]
        gaps = [after.start - before.end for before, after in pairwise(own)]
        assert min(gaps) > PAUSE_SECONDS - 0.05  # padded by 20 ms at both ends, rounded to milliseconds


def test_two_voices_meet_in_interruptions_and_in_back_channels(speech: list[Segment]) -> None:
    meetings = [
        (a, b) for a, b in combinations(speech, 2) if a.speaker != b.speaker and shared_seconds(a, b) > 0.15
    ]
    short = [pair for pair in meetings if min(s.end - s.start for s in pair) < 0.8]
    interruptions = [pair for pair in meetings if pair not in short and 0.3 < shared_seconds(*pair) < 1.0]
    assert len(interruptions) >= 2
    assert len(short) >= 3


def test_speech_is_louder_than_the_room(audio: NDArray[np.float32], speech: list[Segment]) -> None:
    spoken = np.zeros(len(audio), bool)
    for stretch in speech:
        spoken[round(stretch.start * 16_000) : round((stretch.end + 0.3) * 16_000)] = True
    below = 10 * np.log10((audio[spoken] ** 2).mean() / (audio[~spoken] ** 2).mean())
    assert 22 < below < 35


def test_words_are_in_order_and_have_length(words: list[Segment]) -> None:
    assert words == sorted(words, key=lambda word: word.start)
    assert all(0.03 < word.end - word.start < 1.2 for word in words)


def test_a_speakers_words_do_not_overlap(words: list[Segment]) -> None:
    for speaker in {word.speaker for word in words}:
        own = [word for word in words if word.speaker == speaker]
        assert all(before.end <= after.start + 1e-6 for before, after in pairwise(own))


def test_every_word_lies_in_its_speakers_speech(speech: list[Segment], words: list[Segment]) -> None:
    for word in words:
        assert any(
            home.speaker == word.speaker and home.start - 0.01 <= word.start and word.end <= home.end + 0.01
            for home in speech
        ), word


def test_every_stretch_of_speech_begins_and_ends_with_a_word(
    speech: list[Segment], words: list[Segment]
) -> None:
    for stretch in speech:
        own = [
            word for word in words if word.speaker == stretch.speaker and shared_seconds(word, stretch) > 0
        ]
        assert own, stretch
        assert own[0].start - stretch.start < 0.03
        assert stretch.end - own[-1].end < 0.03
