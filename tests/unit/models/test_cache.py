"""What stays in the cache of translations, and that processes do not get into each other's way."""

import os
import threading
import time
from pathlib import Path

import pytest

from hocket.models import cache
from hocket.models.cache import cached, forget, prune

_DAY = 86400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(tmp_path))
    return tmp_path


def _made(folder: Path, key: str, days: float, size: int = 1000) -> Path:
    """A file that was last used so many days ago."""
    before = set(folder.iterdir())
    cached(key, lambda: bytes(size))
    (path,) = set(folder.iterdir()) - before
    return _aged(path, days)


def _aged(path: Path, days: float) -> Path:
    used = time.time() - days * _DAY
    os.utime(path, (used, used))
    return path


def _by_another_version(path: Path) -> Path:
    stem = path.name.partition(".")[0]
    return path.rename(path.with_name(f"{stem}.0123456789abcdef.onnx"))


def test_what_nobody_used_for_long_goes_when_something_new_comes(folder: Path) -> None:
    kept, old = _made(folder, "kept", 80), _made(folder, "old", 100)
    new = _made(folder, "new", 0)
    assert set(folder.iterdir()) == {kept, new}
    assert not old.exists()


def test_using_a_file_keeps_it(folder: Path) -> None:
    path = _made(folder, "used", 80)
    cached("used", lambda: pytest.fail("made again"))
    assert time.time() - path.stat().st_mtime < 60


def test_using_a_file_often_writes_nothing(folder: Path) -> None:
    path = _made(folder, "used", 0.5)
    before = path.stat().st_mtime
    cached("used", lambda: pytest.fail("made again"))
    assert path.stat().st_mtime == before


def test_another_versions_files_go_sooner_but_not_at_once(folder: Path) -> None:
    stays = _by_another_version(_made(folder, "a", 10))
    goes = _by_another_version(_made(folder, "b", 20))
    _made(folder, "new", 0)
    assert (stays.exists(), goes.exists()) == (True, False)


def test_the_least_recently_used_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_made(folder, str(days), days, size=400_000) for days in (3, 1, 2)]
    monkeypatch.setenv("HOCKET_CACHE_MB", "1")
    new = _made(folder, "new", 0, size=400_000)
    assert set(folder.iterdir()) == {paths[1], new}


def test_what_was_just_written_stays_however_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_CACHE_MB", "0")
    old = _made(folder, "old", 1)
    new = _made(folder, "new", 0)
    assert set(folder.iterdir()) == {new}
    assert not old.exists()


def test_a_size_that_is_no_number_is_said_and_not_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOCKET_CACHE_MB", "lots")
    _made(folder, "new", 0)
    assert "HOCKET_CACHE_MB is 'lots', expected a number of MB; taking 1024" in caplog.text


def test_half_written_files_go_once_they_are_surely_abandoned(folder: Path) -> None:
    abandoned, written = folder / "a.1.2.part", folder / "b.1.2.part"
    abandoned.write_bytes(b"half")
    written.write_bytes(b"half")
    _aged(abandoned, 2)
    _made(folder, "new", 0)
    assert (abandoned.exists(), written.exists()) == (False, True)


def test_files_that_are_not_ours_are_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_CACHE_MB", "0")
    notes = folder / "notes.txt"
    notes.write_text("mine")
    _aged(notes, 1000)
    _made(folder, "new", 0)
    assert notes.read_text() == "mine"


def test_forgetting_takes_every_versions_file_and_no_other(folder: Path) -> None:
    _by_another_version(_made(folder, "wanted", 0))
    _made(folder, "wanted", 0)
    other = _made(folder, "other", 0)
    sizes = [path.stat().st_size for path in folder.iterdir() if path != other]
    assert len(sizes) == 2
    assert forget("wanted") == sum(sizes)
    assert list(folder.iterdir()) == [other]
    assert forget("wanted") == 0


def test_many_at_once_get_their_bytes_while_all_throw_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_CACHE_MB", "0")
    wrong: list[str] = []

    def use(name: int) -> None:
        for _ in range(30):
            content = bytes([name]) * 10_000
            if cached(str(name), lambda content=content: content)[: len(content)] != content:  # type: ignore[misc]
                wrong.append(str(name))

    threads = [threading.Thread(target=use, args=(name % 3,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_file_that_cannot_be_removed_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _made(folder, "old", 100)

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError("in use")

    monkeypatch.setattr(Path, "unlink", refuse)
    prune(folder / "new.onnx")
    assert path.exists()
    assert cache.forget("old") == 0
