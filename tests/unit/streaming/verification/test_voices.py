"""Files and samples to voices, with models for which a voice is a level."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.models import ModelPair
from hocket.streaming.errors import AudioFileError, BlockError, ConfigError, NoVoiceError
from hocket.streaming.verification.hearing import Voice
from hocket.streaming.verification.voices import Stretch, Verdict, VoiceEmbedder
from tests.level_voices import LevelEmbedder, LevelSegmenter


def levels(*turns: tuple[int, float], rate: int = 16_000) -> NDArray[np.float32]:
    """Each voice at its level for so many seconds, -1 for nobody."""
    pieces = [np.full(round(seconds * rate), 0.1 * (voice + 1), np.float32) for voice, seconds in turns]
    return np.concatenate(pieces)


def voices(**options: Any) -> VoiceEmbedder:
    pair = ModelPair(LevelSegmenter(), LevelEmbedder(), {"segmentation": "levels", "embedding": "levels"})
    return VoiceEmbedder(pair, **options)


def assert_is(voice: Voice | Exception, index: int) -> None:
    assert isinstance(voice, Voice)
    assert voice.vector @ np.eye(4)[index] > 0.99


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Voice 0 for 4 s, then voice 1 for 3 s, a pause, and voice 2 for 2 s."""
    soundfile.write(tmp_path / "talk.wav", levels((0, 4.0), (1, 3.0), (-1, 1.0), (2, 2.0)), 16_000)
    return tmp_path / "talk.wav"


def test_part_of_a_file_is_the_voice_of_that_part(talk: Path) -> None:
    found = voices().embed(talk, offset=4.5, duration=2.0)
    assert_is(found, 1)
    assert found.duration == 2.0


def test_a_part_that_reaches_beyond_the_end_is_what_there_is(talk: Path) -> None:
    found = voices().embed(talk, offset=8.5, duration=100.0)
    assert_is(found, 2)
    assert found.duration == 1.5


def test_stretches_of_one_file_may_overlap_and_come_in_any_order(talk: Path) -> None:
    stretches = [Stretch(8.0), Stretch(0.0, 4.0), Stretch(1.0, 2.0), Stretch(4.0, 3.0), Stretch(0.0, 4.0)]
    found = voices().embed_stretches(talk, stretches)
    for voice, expected in zip(found, [2, 0, 0, 1, 0], strict=True):
        assert_is(voice, expected)


def test_a_stretch_without_a_voice_does_not_take_the_others_along(talk: Path) -> None:
    silent, late, good = voices().embed_stretches(talk, [Stretch(7.2, 0.5), Stretch(11.0), Stretch(0.0)])
    assert isinstance(silent, NoVoiceError)
    assert str(silent) == f"{talk}, 7.20 s to 7.70 s: 0.50 s of silence: every sample is 0"
    assert isinstance(late, NoVoiceError)
    assert str(late) == f"{talk}, 11.00 s to the end: begins behind the file's end at 10.00 s"
    assert isinstance(good, Voice)


def test_no_more_of_a_file_is_read_than_its_stretches_need(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = voices()
    read = embedder._read
    pieces = 0

    def counting(*arguments: Any) -> Any:
        nonlocal pieces
        for piece in read(*arguments):
            pieces += 1
            yield piece

    monkeypatch.setattr(embedder, "_read", counting)
    assert_is(embedder.embed(talk, offset=1.0, duration=1.0), 0)
    assert pieces == 4  # of half a second


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"), [(8000, 1, "PCM_16"), (44_100, 2, "PCM_24"), (96_000, 3, "FLOAT")]
)
def test_files_of_any_rate_and_channels_are_heard(
    tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    samples = np.stack([levels((2, 3.0), rate=rate)] * channels, axis=1)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype=subtype)
    found = voices().embed(tmp_path / "a.wav")
    assert_is(found, 2)
    assert found.duration == pytest.approx(3.0, abs=1e-3)


def test_one_channel_can_be_chosen(tmp_path: Path) -> None:
    both = np.stack([levels((0, 3.0)), levels((3, 3.0))], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16_000)
    assert_is(voices().embed(tmp_path / "a.wav", channel=1), 3)
    assert_is(voices().embed_samples(both, 16_000, channel=0), 0)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_samples_of_any_type_are_heard_as_the_file_is(talk: Path, dtype: Any) -> None:
    samples, rate = soundfile.read(talk, dtype=np.dtype(dtype).name)
    np.testing.assert_allclose(
        voices().embed_samples(samples, rate).vector, voices().embed(talk).vector, atol=1e-6
    )


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 3, 4), np.float32), r"shape \(2, 3, 4\) and type float32: expected \(n,\) or"),
        (np.zeros(100, np.uint8), "type uint8: expected .* floats or signed integers"),
    ],
)
def test_samples_that_cannot_be_understood_are_refused(samples: NDArray[Any], message: str) -> None:
    with pytest.raises(BlockError, match=message):
        voices().embed_samples(samples, 16_000)


def test_no_samples_are_no_voice() -> None:
    with pytest.raises(NoVoiceError, match=r"^no audio: 0 samples$"):
        voices().embed_samples(np.zeros(0, np.float32), 16_000)


def test_a_file_that_cannot_be_heard_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "slow.wav", np.ones(100), 4000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    for name, message in {
        "missing.wav": r"no such file: .*missing\.wav",
        "empty.wav": r"empty\.wav is empty: 0 bytes",
        "text.wav": r"text\.wav is not audio that can be read",
        "slow.wav": r"slow\.wav: sample rate 4000 Hz: expected 8000 to 192000",
    }.items():
        with pytest.raises(AudioFileError, match=message):
            voices().embed(tmp_path / name)
    with pytest.raises(NoVoiceError, match=r"silent\.wav: 1\.00 s of silence"):
        voices().embed(tmp_path / "silent.wav")


def test_what_a_file_has_lost_is_said_and_the_rest_is_heard(
    talk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = talk.read_bytes()
    talk.write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        found = voices().embed(talk)
    assert found.duration == pytest.approx(5.0, abs=0.01)
    assert "cut short" in caplog.text or not caplog.text  # some versions of libsndfile trust the file's size


@pytest.mark.parametrize(("offset", "duration"), [(-1.0, None), (0.0, 0.0), (0.0, -2.0)])
def test_a_stretch_that_cannot_be_is_refused(talk: Path, offset: float, duration: float | None) -> None:
    with pytest.raises(ConfigError, match="expected an offset of 0 s or more and a duration over 0 s"):
        voices().embed(talk, offset=offset, duration=duration)


def test_two_voices_are_compared_by_the_threshold(talk: Path) -> None:
    embedder = voices(threshold=0.7)
    first, again, other = embedder.embed_stretches(talk, [Stretch(0, 2), Stretch(2, 2), Stretch(4, 3)])
    assert isinstance(first, Voice)
    assert isinstance(again, Voice)
    assert isinstance(other, Voice)
    same = embedder.compare(first, again)
    assert (same.score, same.is_same) == (pytest.approx(1.0), True)
    different = embedder.compare(first, other)
    assert (different.score, different.is_same) == (pytest.approx(0.5, abs=0.01), False)


def test_without_a_threshold_nothing_is_decided() -> None:
    assert Verdict(0.9, None).is_same is None
    assert voices().threshold is None


def test_a_score_at_the_threshold_is_one_speaker() -> None:
    """NeMo's 0.7 is a cosine of 0.4."""
    assert Verdict(0.4, 0.7).is_same is True
    assert Verdict(0.39, 0.7).is_same is False


@pytest.mark.parametrize("threshold", [-0.1, 1.1])
def test_a_threshold_that_no_score_can_have_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        voices(threshold=threshold)
