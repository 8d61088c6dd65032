"""Which files are recordings, and what is known about them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.streaming.errors import AudioFileError, FormatError
from hocket.streaming.evaluation.recordings import find_recordings
from hocket.streaming.replay import Segment

TURN = "SPEAKER {} 1 0.500 1.000 <NA> <NA> anna <NA> <NA>\n"


def add(
    folder: Path, name: str, *, rttm: str | None = None, uem: str | None = None, seconds: float = 2
) -> None:
    soundfile.write(folder / name, np.zeros(round(seconds * 8000), np.float32), 8000)
    if rttm is not None:
        (folder / name).with_suffix(".rttm").write_text(rttm)
    if uem is not None:
        (folder / name).with_suffix(".uem").write_text(uem)


def test_audio_with_a_reference_beside_it_is_a_recording(tmp_path: Path) -> None:
    add(tmp_path, "b.wav", rttm=TURN.format("b"))
    add(tmp_path, "a.flac", rttm=TURN.format("a"), uem="a 1 0.250 1.500\n")
    add(tmp_path, "c.wav")
    a, b = find_recordings(tmp_path)
    assert (a.name, a.duration, a.scored) == ("a", 2.0, [(0.25, 1.5)])
    assert (b.name, b.scored) == ("b", [(0.0, 2.0)])
    assert a.reference == [Segment(0.5, 1.5, "anna")]
    assert np.flatnonzero(a.mask).tolist() == list(range(25, 150))


def test_a_second_reference_is_no_recording_of_its_own(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm=TURN.format("a"))
    (tmp_path / "a.vocal.rttm").write_text(TURN.format("a"))
    assert [recording.name for recording in find_recordings(tmp_path)] == ["a"]


def test_the_only_entry_of_a_reference_may_go_by_another_name(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm=TURN.format("EN2001a"))
    assert len(find_recordings(tmp_path)[0].reference) == 1


def test_a_reference_of_several_others_is_refused(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm=TURN.format("b") + TURN.format("c"))
    with pytest.raises(FormatError, match=r"a\.rttm: holds b, c; expected a, or a single recording"):
        find_recordings(tmp_path)


def test_an_empty_reference_is_a_recording_without_speech(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm="")
    assert find_recordings(tmp_path)[0].reference == []


def test_a_reference_longer_than_the_audio_is_kept_whole(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm=TURN.format("a"), seconds=1)
    (recording,) = find_recordings(tmp_path)
    assert (recording.num_cells, recording.scored) == (150, [(0.0, 1.0)])


def test_two_audio_files_cannot_share_a_reference(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", rttm=TURN.format("a"))
    add(tmp_path, "a.flac")
    with pytest.raises(AudioFileError, match=r"share one reference: score them in two folders"):
        find_recordings(tmp_path)


def test_a_folder_without_references_says_what_was_expected(tmp_path: Path) -> None:
    add(tmp_path, "a.wav")
    with pytest.raises(AudioFileError, match=r"1 audio files, none with a reference; expected NAME\.rttm"):
        find_recordings(tmp_path)


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no such folder"):
        find_recordings(tmp_path / "nowhere")
