"""A session's state as bytes: plain values and arrays, no code, damage detected."""

import hashlib
import json
from typing import Any

import numpy as np

from ..errors import SnapshotError

_MAGIC = b"hocket snapshot 1\n"
_DIGEST = 32


def pack(state: dict[str, Any]) -> bytes:
    """Nested dicts and lists of numbers, strings, None and arrays, as bytes.

    Layout: magic line, SHA-256 of the rest, length of the JSON (8 bytes, little-endian), JSON with every
    array replaced by its place, the arrays' bytes.
    """
    arrays: list[bytes] = []
    offset = 0

    def plain(value: Any) -> Any:
        nonlocal offset
        if isinstance(value, np.ndarray):
            data = np.ascontiguousarray(value).tobytes()
            arrays.append(data)
            offset += len(data)
            return {"dtype": value.dtype.str, "shape": list(value.shape), "offset": offset - len(data)}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            return {"dict": [[plain(key), plain(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    head = json.dumps(plain(state), separators=(",", ":")).encode()
    body = len(head).to_bytes(8, "little") + head + b"".join(arrays)
    return _MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes) -> dict[str, Any]:
    """The state that `pack` was given. Raises SnapshotError for anything else."""
    start = len(_MAGIC) + _DIGEST
    body = data[start:]
    if not data.startswith(_MAGIC):
        raise SnapshotError(f"not a hocket snapshot: expected it to begin with {_MAGIC!r}, got {data[:18]!r}")
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : start]:
        raise SnapshotError(f"damaged snapshot: its {len(body)} bytes do not match their checksum")
    length = int.from_bytes(body[:8], "little")
    arrays = body[8 + length :]

    def value(plain: Any) -> Any:
        if isinstance(plain, list):
            return [value(item) for item in plain]
        if isinstance(plain, dict):
            if "dict" in plain:
                return {value(key): value(item) for key, item in plain["dict"]}
            dtype, shape = np.dtype(plain["dtype"]), tuple(plain["shape"])
            count = int(np.prod(shape))
            return np.frombuffer(arrays, dtype, count, plain["offset"]).reshape(shape).copy()
        return plain

    state: dict[str, Any] = value(json.loads(body[8 : 8 + length]))
    return state
