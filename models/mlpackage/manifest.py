"""Which files a package folder consists of, and the fingerprint of their contents.

Two forms exist: the compiled folder (`.mlmodelc`: model.mil as text, metadata.json) and the package
(`.mlpackage`: Manifest.json, Data/…/model.mlmodel as protobuf). model.mil is looked for first, since
published compiled folders carry manifests of other kinds.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PackageError, UnknownModel

# Specifications hold structure; the numbers lie in weight files. The largest seen in the field are a few MB.
_MAX_PROGRAM_BYTES = 64 << 20
_MAX_TEXT_BYTES = 32 << 20
_MAX_JSON_BYTES = 4 << 20


@dataclass(frozen=True)
class PackageFiles:
    """The files of one package.

    program: model.mil or model.mlmodel. root: the folder that `@model_path` stands for.
    metadata: the compiled form's description of its interface, if it has one.
    """

    folder: Path
    program: Path
    root: Path
    is_text: bool
    metadata: Path | None = None

    def read_program(self) -> bytes:
        """The program's bytes. Raises PackageError when they cannot be read or are implausibly many."""
        return read_bounded(self.program, _MAX_TEXT_BYTES if self.is_text else _MAX_PROGRAM_BYTES)

    def read_metadata(self) -> Any:
        """metadata.json decoded, or None when there is none."""
        return None if self.metadata is None else read_json(self.metadata)

    def fingerprint(self) -> str:
        """sha256 over everything that a translation depends on: program, interface and weights."""
        files = [self.program, *([self.metadata] if self.metadata else [])]
        digest = hashlib.sha256()
        try:
            files += sorted(path for path in (self.root / "weights").rglob("*") if path.is_file())
            for path in files:
                digest.update(f"{path.relative_to(self.root).as_posix()}\0{path.stat().st_size}\0".encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise PackageError(f"cannot read {error.filename}: {error.strerror}") from error
        return digest.hexdigest()


def locate(folder: Path) -> PackageFiles:
    """The files of the package in `folder`.

    Raises UnknownModel when there is no such folder, PackageError when it holds no ML Program.
    """
    if folder.is_file():
        raise PackageError(f"{folder} is a file, expected an .mlpackage or .mlmodelc folder")
    if not folder.is_dir():
        raise UnknownModel(f"no model folder at {folder}")
    text = folder / "model.mil"
    if text.is_file():
        metadata = folder / "metadata.json"
        return PackageFiles(folder, text, folder, True, metadata if metadata.is_file() else None)
    if (folder / "Manifest.json").is_file():
        program = _root_model(folder)
        return PackageFiles(folder, program, program.parent, False)
    raise PackageError(
        f"{folder} is neither an .mlpackage (no Manifest.json) nor a compiled ML Program (no model.mil)"
    )


def _root_model(folder: Path) -> Path:
    manifest = read_json(folder / "Manifest.json")
    try:
        item = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    except (KeyError, TypeError) as error:
        raise PackageError(f"{folder}: Manifest.json names no root model ({error})") from error
    data = (folder / "Data").resolve()
    if not isinstance(item, str) or "\0" in item or not (data / item).resolve().is_relative_to(data):
        raise PackageError(f"{folder}: Manifest.json points out of the package, at {item!r}")
    program = data / item
    if not program.is_file():
        raise PackageError(f"{folder}: Manifest.json names {item!r}, which is missing")
    return program


def read_json(path: Path) -> Any:
    """A small JSON file decoded. Raises PackageError when it cannot be read or is no JSON."""
    try:
        return json.loads(read_bounded(path, _MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{path.name} is not JSON: {error}") from error


def read_bounded(path: Path, most: int) -> bytes:
    """The file's bytes, at most `most` of them. Raises PackageError."""
    try:
        size = path.stat().st_size
        if size > most:
            raise PackageError(f"{path} has {size} bytes, more than the {most} that are plausible")
        return path.read_bytes()
    except OSError as error:
        raise PackageError(f"cannot read {path}: {error.strerror or error}") from error
