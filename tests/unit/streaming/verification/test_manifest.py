"""NeMo's manifests as they are found: fields that are missing, null or unknown, and lines that are wrong."""

from pathlib import Path

import pytest

from hocket.streaming.errors import FormatError
from hocket.streaming.verification.manifest import Entry, read_manifest
from hocket.streaming.verification.voices import Stretch


def manifest(folder: Path, *lines: str) -> Path:
    (folder / "m.json").write_text("\n".join(lines), encoding="utf-8")
    return folder / "m.json"


def test_every_line_is_a_stretch(tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        '{"audio_filepath": "/a.wav", "offset": 1.5, "duration": 2, "label": "Anna", "text": "-"}',
        "",
        '{"audio_filepath": "/a.wav", "offset": null, "duration": null, "label": null}',
        '{"audio_filepath": "/b.wav", "label": 7}',
    )
    assert read_manifest(path) == [
        Entry("/a.wav", Stretch(1.5, 2.0), "Anna"),
        Entry("/a.wav", Stretch(0.0, None), ""),
        Entry("/b.wav", Stretch(0.0, None), "7"),
    ]


def test_a_relative_path_is_looked_for_beside_the_manifest_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    for name in ("here/both.wav", "there/both.wav", "there/beside.wav"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    lines = [
        '{"audio_filepath": "both.wav"}',
        '{"audio_filepath": "beside.wav"}',
        '{"audio_filepath": "none.wav"}',
    ]
    found = read_manifest(manifest(tmp_path / "there", *lines))
    assert [entry.path for entry in found] == ["both.wav", str(tmp_path / "there/beside.wav"), "none.wav"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: expected a JSON object: "),
        ("[1]", "line 2: expected a JSON object with a text audio_filepath"),
        ('{"offset": 1}', "line 2: expected a JSON object with a text audio_filepath"),
        ('{"audio_filepath": "a.wav", "offset": -1}', "line 2: offset -1: expected seconds, 0 or more"),
        ('{"audio_filepath": "a.wav", "offset": "1"}', "line 2: offset '1': expected seconds, 0 or more"),
        ('{"audio_filepath": "a.wav", "duration": NaN}', "line 2: duration nan: expected seconds"),
        ('{"audio_filepath": "a.wav", "duration": 0}', "line 2: duration 0: expected more, or none"),
        ('{"audio_filepath": "a.wav", "duration": true}', "line 2: duration True: expected seconds"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = manifest(tmp_path, '{"audio_filepath": "a.wav"}', line)
    with pytest.raises(FormatError) as caught:
        read_manifest(path)
    assert f"{path}, {message}" in str(caught.value)


def test_an_empty_manifest_says_what_belongs_in_it(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"holds no line: expected \{\"audio_filepath\""):
        read_manifest(manifest(tmp_path, ""))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(b"RIFF\xff\xfe")
    with pytest.raises(FormatError, match="is no text in UTF-8"):
        read_manifest(tmp_path / "m.json")
