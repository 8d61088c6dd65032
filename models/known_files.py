"""Files whose size and hash are known, wherever they lie: those that ship and those that were pulled."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import PackageError


@dataclass(frozen=True)
class KnownFile:
    """One file, relative to a folder that goes without saying; `path` has slashes on every system."""

    path: str
    size: int
    sha256: str


def check_sizes(folder: Path, files: Iterable[KnownFile], remedy: str) -> None:
    """Raise PackageError where a file is absent or of another size. remedy: what the error ends with."""
    for file in files:
        path = folder / file.path
        size = path.stat().st_size if path.is_file() else None
        if size != file.size:
            found = "is missing" if size is None else f"has {size} bytes, expected {file.size}"
            raise PackageError(f"{path} {found}: {remedy}")


def check_hashes(folder: Path, files: Iterable[KnownFile], remedy: str) -> None:
    """Raise PackageError where a file is not byte for byte what is known of it."""
    files = tuple(files)
    check_sizes(folder, files, remedy)
    for file in files:
        path = folder / file.path
        digest = sha256_of(path)
        if digest != file.sha256:
            raise PackageError(f"{path} has sha256 {digest}, expected {file.sha256}: {remedy}")


def known_files_in(folder: Path) -> tuple[KnownFile, ...]:
    """Every file below `folder` as it is now, sorted by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        KnownFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path)) for path in paths
    )


def sha256_of(path: Path) -> str:
    """The file's hash in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
