"""The file of vectors, read back as anybody would."""

from pathlib import Path

import numpy as np

from hocket.streaming.verification.archive import write_archive
from hocket.streaming.verification.hearing import Voice
from hocket.streaming.verification.manifest import Entry
from hocket.streaming.verification.voices import Stretch


def test_segments_of_one_file_have_a_row_each(tmp_path: Path) -> None:
    voices = [
        (Entry("a.wav", Stretch(0.0, 2.0), "Anna"), Voice(np.array([1, 0], np.float32), 2.0, 1.5)),
        (Entry("a.wav", Stretch(2.0, 2.0), "Änne"), Voice(np.array([0, 1], np.float32), 2.0, 1.25)),
        (Entry("a.wav", Stretch(2.0, 2.0)), Voice(np.array([0, 1], np.float32), 2.0, 1.25)),
    ]
    write_archive(tmp_path / "voices", voices, model="levels")
    with np.load(tmp_path / "voices", allow_pickle=False) as found:
        assert set(found) == {"vectors", "path", "offset", "duration", "speech", "label", "model"}
        np.testing.assert_array_equal(found["vectors"], [[1, 0], [0, 1], [0, 1]])
        assert found["vectors"].dtype == np.float32
        assert found["path"].tolist() == ["a.wav"] * 3
        assert found["label"].tolist() == ["Anna", "Änne", ""]
        assert found["offset"].tolist() == [0.0, 2.0, 2.0]
        assert found["duration"].tolist() == [2.0, 2.0, 2.0]
        assert found["speech"].tolist() == [1.5, 1.25, 1.25]
        assert str(found["model"]) == "levels"


def test_the_same_voices_give_the_same_file(tmp_path: Path) -> None:
    voices = [(Entry("a.wav"), Voice(np.array([1, 0], np.float32), 2.0, 1.5))]
    write_archive(tmp_path / "1.npz", voices, model="levels")
    write_archive(tmp_path / "2.npz", voices, model="levels")
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
