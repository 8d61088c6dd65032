"""Translated packages, kept in the user's cache folder so that only the first run pays for translation.

A file is named by what it was made from: the package's contents and the options, then the translator's own
source. It ends with a digest of itself, as one more metadata entry (protobuf messages may be appended to), so
that a damaged file is noticed and made again. A folder that cannot be written costs the time, nothing else.

Whoever adds a file throws out what has not been used for long, another translator's sooner, and the least
recently used where all are too many bytes together. Other processes may do the same at any moment: a file
that vanishes is made again, and no process removes one that it has just written.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .translate.onnx_writer import encode_metadata

_log = logging.getLogger(__name__)

FOLDER_VARIABLE = "HOCKET_CACHE_DIR"
SIZE_VARIABLE = "HOCKET_CACHE_MB"
_DIGEST_KEY = "hocket.sha256"

_DAY = 86400.0
_MOST_MEGABYTES = 1024  # every model of the catalogue several times over
_UNUSED = 90 * _DAY
_UNUSED_OF_OTHERS = 14 * _DAY  # another version of hocket may still be installed, so not at once
_ABANDONED = _DAY  # a half-written file of a process that died
_TOUCHED_EVERY = _DAY  # so that reading writes next to nothing


def cache_folder() -> Path:
    """Where translated packages lie: $HOCKET_CACHE_DIR, else the system's place for caches."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("hocket") / "translated"


@cache
def translator_version() -> str:
    """A digest of the code that reads and translates: nobody has to remember to count a version up."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in ("mlpackage", "translate"):
        for source in sorted((here / folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cached(key: str, make: Callable[[], bytes]) -> bytes:
    """The bytes kept under `key`, or `make()`'s, which are then kept."""
    path = cache_folder() / f"{_stem(key)}.{translator_version()}.onnx"
    kept = _read(path)
    if kept is not None:
        return kept
    data = make()
    if _write(path, data + _footer(data)):
        prune(path)
    return data


def forget(key: str) -> int:
    """Remove what any version of the translator keeps under `key`; the number of bytes that this frees."""
    return sum(file.remove() for file in _files() if file.path.name.startswith(f"{_stem(key)}."))


def prune(just_written: Path) -> None:
    """Remove what is old, and what is too much; never `just_written`."""
    now = time.time()
    staying = []
    for file in _files():
        if file.path != just_written and now - file.used > file.may_stay_unused():
            file.remove()
        else:
            staying.append(file)
    excess = sum(file.num_bytes for file in staying) - _most_bytes()
    for file in sorted(staying, key=lambda file: file.used):
        if excess <= 0:
            break
        if file.path != just_written and file.path.suffix == ".onnx":
            excess -= file.remove()


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _most_bytes() -> int:
    wanted = os.environ.get(SIZE_VARIABLE, "")
    if wanted and not wanted.isdecimal():
        _log.warning("%s is %r, expected a number of MB; taking %d", SIZE_VARIABLE, wanted, _MOST_MEGABYTES)
        wanted = ""
    return int(wanted or _MOST_MEGABYTES) * 1_000_000


@dataclass(frozen=True)
class _File:
    """One file of ours. used: when it was last written or read, give or take a day; seconds since 1970."""

    path: Path
    num_bytes: int
    used: float

    def may_stay_unused(self) -> float:
        """For how many seconds."""
        if self.path.suffix == ".part":
            return _ABANDONED
        return _UNUSED if self.path.stem.endswith(f".{translator_version()}") else _UNUSED_OF_OTHERS

    def remove(self) -> int:
        """The number of bytes that this frees: none where another process was quicker or has it open."""
        try:
            self.path.unlink()
        except OSError:
            return 0
        return self.num_bytes


def _files() -> list[_File]:
    found = []
    for pattern in ("*.onnx", "*.part"):
        for path in cache_folder().glob(pattern):
            try:
                status = path.stat()
            except OSError:  # gone since it was listed
                continue
            found.append(_File(path, status.st_size, status.st_mtime))
    return found


def _footer(data: bytes | memoryview) -> bytes:
    return encode_metadata(_DIGEST_KEY, hashlib.sha256(data).hexdigest())


_FOOTER_SIZE = len(_footer(b""))


def _read(path: Path) -> bytes | None:
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    body = memoryview(whole)[:-_FOOTER_SIZE]
    if whole[-_FOOTER_SIZE:] != _footer(body):
        _log.warning("%s is damaged and will be made again", path)
        return None
    _touch(path)
    return whole


def _touch(path: Path) -> None:
    """Note that a file was used, by its time of change: many systems do not keep that of reading."""
    try:
        if time.time() - path.stat().st_mtime > _TOUCHED_EVERY:
            os.utime(path)
    except OSError:  # not ours to write, or gone
        return


def _write(path: Path, data: bytes) -> bool:
    """Write beside and rename, so that no other process ever sees half a file. Whether it is kept."""
    part = path.with_name(f"{path.stem}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        _log.info("translations are not kept: cannot write %s (%s)", path, error.strerror or error)
        return False
    return True
