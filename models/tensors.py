"""Named arrays outside of packages: FluidInference's JSON files of tensors, and numpy's archives."""

import base64
import binascii
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import PackageError
from .predictor import Array

_DTYPES = ("float32", "float64")


def read_tensors(path: Path) -> dict[str, Array]:
    """The arrays of a JSON file {"tensors": {name: {"shape", "dtype", "data_base64"}}}.

    Bytes are little-endian, in C order. Raises PackageError for a file that is not one.
    """
    try:
        tensors = json.loads(path.read_text(encoding="utf-8"))["tensors"]
        return {name: _decoded(fields) for name, fields in tensors.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise PackageError(f"{path} is not a JSON file of tensors: {error}") from error


def write_tensors(path: Path, arrays: Mapping[str, Array], **about: Any) -> None:
    """Write arrays in single precision, as FluidInference publishes them; read_tensors reads them.

    about: further entries beside "tensors".
    """
    tensors = {
        name: {
            "shape": list(array.shape),
            "dtype": "float32",
            "layout": "row-major",
            "data_base64": base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode("ascii"),
        }
        for name, array in arrays.items()
    }
    path.write_text(json.dumps({**about, "tensors": tensors}, indent=2), encoding="utf-8")


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of a numpy archive. Raises PackageError for a file that is not one, or holds objects."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise PackageError(f"{path} is not a numpy archive: {error}") from error


def _decoded(fields: Mapping[str, Any]) -> Array:
    dtype = fields.get("dtype", "float32")
    if dtype not in _DTYPES:
        raise ValueError(f"dtype {dtype!r}, expected one of {', '.join(_DTYPES)}")
    try:
        data = base64.b64decode(fields["data_base64"])
    except binascii.Error as error:
        raise ValueError(f"base64 is damaged: {error}") from error
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(fields["shape"])
