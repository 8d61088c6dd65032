"""Lists of trials: read, scored, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.errors import AudioFileError, ConfigError, FormatError
from hocket.streaming.verification.hearing import Voice
from hocket.streaming.verification.trials import (
    Trial,
    find_recordings,
    read_trials,
    recordings_of,
    score_trials,
)


def listed(folder: Path, text: str) -> Path:
    (folder / "trials.txt").write_text(text)
    return folder / "trials.txt"


def voice(degrees: float) -> Voice:
    angle = np.radians(degrees)
    return Voice(np.array([np.cos(angle), np.sin(angle)], np.float32), 3.0, 2.0)


VOICES = {"a": voice(0), "a2": voice(60), "b": voice(90), "b2": voice(180)}
TRIALS = [Trial(True, "a", "a2"), Trial(True, "b", "b2"), Trial(False, "a", "b"), Trial(False, "a", "b2")]


def test_a_list_in_voxcelebs_form_is_read(tmp_path: Path) -> None:
    path = listed(tmp_path, "1 id1/x/1.wav id1/y/2.wav\n\n0\tid1/x/1.wav  id2/z/1.wav\n")
    trials = read_trials(path)
    assert trials == [
        Trial(True, "id1/x/1.wav", "id1/y/2.wav"),
        Trial(False, "id1/x/1.wav", "id2/z/1.wav"),
    ]
    assert recordings_of(trials) == ["id1/x/1.wav", "id1/y/2.wav", "id2/z/1.wav"]


@pytest.mark.parametrize("line", ["2 a b", "a b 1", "1 a", "1 a b c", "yes a b"])
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str) -> None:
    path = listed(tmp_path, f"1 a b\n0 a c\n{line}\n")
    with pytest.raises(FormatError) as caught:
        read_trials(path)
    assert str(caught.value) == (
        f"{path}, line 3: {line!r}: expected '1 a.wav b.wav' for one speaker or '0 a.wav b.wav' for two"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 a b\n1 a c\n", "2 trials of one speaker and 0 of two"),
        ("0 a b\n", "0 trials of one speaker and 1 of two"),
        ("", "0 trials of one speaker and 0 of two"),
    ],
)
def test_a_list_of_one_kind_is_refused_before_anything_is_heard(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(FormatError, match=f"{found}: error rates need both kinds"):
        read_trials(listed(tmp_path, text))


def test_missing_recordings_are_counted_before_anything_is_heard(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert find_recordings(["a.wav"], tmp_path) == {"a.wav": tmp_path / "a.wav"}
    with pytest.raises(AudioFileError, match=r"2 of 3 recordings are missing, among them .*b\.wav: --root"):
        find_recordings(["a.wav", "b.wav", "c.wav"], tmp_path)


def test_scores_become_rates() -> None:
    # Scores: one speaker at 60° 0.75 and 90° 0.5, two speakers at 90° 0.5 and 180° 0.
    report = score_trials(TRIALS, VOICES, threshold=0.6)
    np.testing.assert_allclose(report.curve.thresholds, [0, 0.5, 0.75, np.inf], atol=1e-7)
    assert report.decisions == (0.5, 0.0)
    assert report.equal_errors.value == pytest.approx(0.25)
    assert report.to_dict() == {
        "same": 2,
        "different": 2,
        "left_out": 0,
        "eer": {"value": pytest.approx(0.25), "threshold": pytest.approx(0.5)},
        "min_dcf": {
            "0.01": {"value": pytest.approx(0.5), "threshold": pytest.approx(0.75)},
            "0.05": {"value": pytest.approx(0.5), "threshold": pytest.approx(0.75)},
        },
        "decisions": {"threshold": 0.6, "misses": 0.5, "false_alarms": 0.0},
    }


def test_a_trial_without_a_voice_is_left_out_and_counted() -> None:
    report = score_trials([*TRIALS, Trial(False, "a", "unheard")], VOICES, threshold=None)
    assert report.num_left_out == 1
    assert (report.curve.num_same, report.curve.num_different) == (2, 2)
    assert report.decisions is None


def test_when_no_voice_is_left_that_is_said() -> None:
    with pytest.raises(ConfigError, match="0 trials of one speaker and 0 of two"):
        score_trials(TRIALS, {}, threshold=None)


def test_long_lists_are_scored_as_short_ones() -> None:
    long = score_trials(TRIALS * 6000, VOICES, threshold=0.6)
    short = score_trials(TRIALS, VOICES, threshold=0.6)
    np.testing.assert_array_equal(long.curve.misses, short.curve.misses)
    np.testing.assert_array_equal(long.curve.thresholds, short.curve.thresholds)
