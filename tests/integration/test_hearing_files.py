"""The default models hear files as people have them, whole or damaged, and say so in one gapless log."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from hocket.models import ModelPair, open_models
from hocket.streaming import Event, Gap, Segment, SessionEnd, SessionStart, diarize
from hocket.streaming.replay import annotation
from tests.shared_data import shared

RATE = 16_000
CONVERSATION = "data/eval/telephone/pyannote_sample.flac"


@pytest.fixture(scope="module")
def models() -> ModelPair:
    return open_models()


@pytest.fixture(scope="module")
def talk() -> NDArray[np.float32]:
    """The first twelve seconds in which two people talk."""
    samples, rate = soundfile.read(shared(CONVERSATION), dtype="float32")
    assert rate == RATE
    cut: NDArray[np.float32] = samples[5 * RATE : 17 * RATE]
    return cut


@pytest.fixture(scope="module")
def original(
    tmp_path_factory: pytest.TempPathFactory, models: ModelPair, talk: NDArray[np.float32]
) -> list[Segment]:
    """Who speaks when in it, as it is."""
    path = tmp_path_factory.mktemp("talk") / "original.wav"
    soundfile.write(path, talk, RATE)
    return annotation(heard(path, models))


def heard(path: Path, models: ModelPair) -> list[Event]:
    """The log of a file, checked for what every log must be."""
    session = diarize(path, models=models)
    events = list(session)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], SessionStart)
    assert isinstance(events[-1], SessionEnd)
    assert session.annotation() == annotation(events)
    return events


def duration(events: list[Event]) -> float:
    end = events[-1]
    assert isinstance(end, SessionEnd)
    return end.duration


def speech(segments: list[Segment]) -> NDArray[np.bool_]:
    """Whether somebody speaks, every 10 ms of twelve seconds."""
    spoken = np.zeros(1_200, np.bool_)
    for segment in segments:
        spoken[round(100 * segment.start) : round(100 * segment.end)] = True
    return spoken


@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [("telephone.wav", 8_000, 1), ("studio.flac", 48_000, 2), ("call.mp3", 44_100, 2)],
)
def test_other_formats_are_heard_as_the_original(
    tmp_path: Path,
    models: ModelPair,
    talk: NDArray[np.float32],
    original: list[Segment],
    name: str,
    rate: int,
    channels: int,
) -> None:
    resampled = soxr.resample(talk, RATE, rate)
    soundfile.write(tmp_path / name, np.stack([resampled] * channels, axis=1), rate)
    events = heard(tmp_path / name, models)
    assert duration(events) == pytest.approx(12.0, abs=0.06)  # MP3 pads to whole frames
    assert speech(original).mean() > 0.5
    assert (speech(annotation(events)) == speech(original)).mean() > 0.9


def test_fifty_milliseconds_say_nothing_and_end_well(tmp_path: Path, models: ModelPair) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(800), RATE)
    events = heard(tmp_path / "short.wav", models)
    assert duration(events) == 0.05
    assert annotation(events) == []


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1.0])
def test_silence_and_no_sound_have_no_speakers(tmp_path: Path, models: ModelPair, value: float) -> None:
    soundfile.write(tmp_path / "flat.wav", np.full(6 * RATE, value), RATE, subtype="FLOAT")
    events = heard(tmp_path / "flat.wav", models)
    assert annotation(events) == []
    assert duration(events) == 6.0


def test_clipped_speech_is_still_speech(tmp_path: Path, models: ModelPair, talk: NDArray[np.float32]) -> None:
    soundfile.write(tmp_path / "clipped.wav", np.clip(30 * talk, -1, 1), RATE)
    assert speech(annotation(heard(tmp_path / "clipped.wav", models))).mean() > 0.5


def test_truncated_flac_is_heard_as_far_as_it_goes_and_the_rest_is_a_gap(
    tmp_path: Path, models: ModelPair, talk: NDArray[np.float32]
) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, talk, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    events = heard(path, models)
    (gap,) = [event for event in events if isinstance(event, Gap)]
    assert 4.0 < gap.start < 11.0
    assert gap.end == duration(events) == 12.0
    assert gap.reason == f"cut.flac is cut short at {gap.start:.2f} s"
    assert annotation(events)
    assert all(segment.end <= gap.start + 0.5 for segment in annotation(events))
