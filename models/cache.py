"""Translated packages, kept in the user's cache folder so that only the first run pays for translation.

A file is named by what it was made from: the package's contents, the translator's own source and the options.
It ends with a digest of itself, as one more metadata entry (protobuf messages may be appended to), so that a
damaged file is noticed and made again. A folder that cannot be written costs the time, nothing else.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from .translate.onnx_writer import encode_metadata

_log = logging.getLogger(__name__)

FOLDER_VARIABLE = "HOCKET_CACHE_DIR"
_DIGEST_KEY = "hocket.sha256"


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
    path = (
        cache_folder() / f"{hashlib.sha256(f'{key} {translator_version()}'.encode()).hexdigest()[:32]}.onnx"
    )
    kept = _read(path)
    if kept is not None:
        return kept
    data = make()
    _write(path, data + _footer(data))
    return data


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
    return whole


def _write(path: Path, data: bytes) -> None:
    """Write beside and rename, so that no other process ever sees half a file."""
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
