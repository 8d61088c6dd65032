"""Weight files: numbers too many to stand in the program itself, storage version 2.

A 64-byte header (u32 count, u32 version), then records aligned to 64 bytes. A program points at a record
by its offset; the record's own 64 bytes say u32 magic, u32 type, u64 bytes of data, u64 offset of the data
from the start of the file, u64 padding bits. Files are memory-mapped: only what is used is read.

Source: coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp.
"""

import struct
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PackageError
from .program import PACKED_BITS, Constant, TensorType, known_shape, require_storage, unpack_numbers

_VERSION = 2
_MAGIC = 0xDEADBEEF
_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<IIQQQ")
_RECORD_DTYPES = {
    1: "float16",
    2: "float32",
    3: "uint8",
    4: "int8",
    6: "int16",
    7: "uint16",
    8: "int4",
    9: "uint1",
    10: "uint2",
    11: "uint4",
    12: "uint3",
    13: "uint6",
    14: "int32",
    15: "uint32",
}
_ROOT = ("@model_path", "weights")


class BlobFile:
    """One mapped weight file. Arrays read from it are read-only views and keep it mapped."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            if path.stat().st_size < _HEADER.size:
                raise PackageError(f"{self._name} is too short to be a weight file")
            self._bytes = np.memmap(path, np.uint8, "r")
        except OSError as error:
            raise PackageError(f"cannot read the weight file {path}: {error.strerror or error}") from error
        _, version = _HEADER.unpack(self._bytes[: _HEADER.size].tobytes())
        if version != _VERSION:
            raise PackageError(f"{self._name} has storage version {version}, expected {_VERSION}")

    def read(self, offset: int, dtype: str, shape: tuple[int | None, ...]) -> Constant:
        """The record at `offset`, which must hold exactly this type and number of elements."""
        where = f"{self._name}, record at {offset}"
        if not 0 <= offset <= self._bytes.size - _RECORD.size:
            raise PackageError(f"{where}: outside the file of {self._bytes.size} bytes")
        magic, code, size, start, _ = _RECORD.unpack(self._bytes[offset : offset + _RECORD.size].tobytes())
        if magic != _MAGIC:
            raise PackageError(f"{where}: no record there (magic {magic:#010x}, expected {_MAGIC:#010x})")
        found = _RECORD_DTYPES.get(code, f"unknown type {code}")
        if found != dtype:
            raise PackageError(f"{where}: holds {found}, the program says {dtype}")
        if start > self._bytes.size or size > self._bytes.size - start:
            raise PackageError(f"{where}: {size} bytes at {start} run past the file's {self._bytes.size}")
        raw = self._bytes[start : start + size]
        return Constant(TensorType(dtype, shape), _decode(raw, dtype, shape, where))


def _decode(raw: NDArray[np.uint8], dtype: str, shape: tuple[int | None, ...], where: str) -> NDArray[Any]:
    storage = require_storage(dtype, where)
    if dtype in PACKED_BITS:
        values = unpack_numbers(raw, TensorType(dtype, shape), where)
    elif raw.size % storage.itemsize:
        raise PackageError(f"{where}: {raw.size} bytes are no whole number of {dtype}")
    else:
        values = raw.view(storage)
    return values.reshape(known_shape(shape, values.size, where))


class Weights:
    """The weight files of one package, opened when first asked for.

    root: the folder that `@model_path` stands for. Paths that leave its `weights` folder are refused: what a
    package's fingerprint does not cover must not enter a translation.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._files: dict[str, BlobFile] = {}

    def read(self, file: str, offset: int, dtype: str, shape: tuple[int | None, ...]) -> Constant:
        """The constant at `offset` of `file` ("@model_path/weights/weight.bin")."""
        if file not in self._files:
            self._files[file] = BlobFile(self._resolve(file))
        return self._files[file].read(offset, dtype, shape)

    def _resolve(self, file: str) -> Path:
        parts = PurePosixPath(file).parts
        if parts[:2] != _ROOT or ".." in parts or "\0" in file:
            raise PackageError(f"weight file {file!r} does not lie in {'/'.join(_ROOT)}")
        path = self._root.joinpath(*parts[1:]).resolve()
        if not path.is_relative_to(self._root):
            raise PackageError(f"weight file {file!r} leads out of the package")
        return path
