"""ONNX messages as bytes. Field numbers are those of onnx/onnx.proto, IR version 8."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..mlpackage.protobuf import (
    Buffer,
    bytes_field,
    float_field,
    integer_field,
    message_field,
    packed_field,
    varint,
)

IR_VERSION = 8
OPSET = 17
# Protobuf's own limit, which every reader of the file enforces.
_MAX_BYTES = (1 << 31) - 1

# TensorProto.DataType
ELEMENT_TYPES: Mapping[str, int] = {
    "float32": 1,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
}

Attribute = int | float | str | Sequence[int] | Sequence[str]


def encode_attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto: float (type 1), int (2), string (3), ints (7) or strings (8)."""
    head = bytes_field(1, name)
    if isinstance(value, float):
        return head + float_field(2, value) + integer_field(20, 1)
    if isinstance(value, int):
        return head + integer_field(3, value) + integer_field(20, 2)
    if isinstance(value, str):
        return head + bytes_field(4, value) + integer_field(20, 3)
    if any(isinstance(item, str) for item in value):
        return head + b"".join(bytes_field(9, str(item)) for item in value) + integer_field(20, 8)
    return head + b"".join(integer_field(8, int(item)) for item in value) + integer_field(20, 7)


def encode_node(
    kind: str, name: str, inputs: Iterable[str], outputs: Iterable[str], attributes: Mapping[str, Attribute]
) -> bytes:
    """A NodeProto; an absent optional input is the empty string."""
    parts = [bytes_field(1, item) for item in inputs]
    parts += [bytes_field(2, item) for item in outputs]
    parts += [bytes_field(3, name), bytes_field(4, kind)]
    parts += [bytes_field(5, encode_attribute(key, value)) for key, value in attributes.items()]
    return b"".join(parts)


def encode_tensor(name: str, array: NDArray[np.generic]) -> list[Buffer]:
    """A TensorProto in raw form (little endian); the numbers stand in a buffer of their own."""
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return [
        packed_field(1, array.shape),
        integer_field(2, ELEMENT_TYPES[array.dtype.name]),
        bytes_field(8, name),
        varint(9 << 3 | 2) + varint(raw.nbytes),
        raw.tobytes(),
    ]


def encode_value_info(name: str, element: str, shape: Sequence[int | str]) -> bytes:
    """A ValueInfoProto; a size given as text is a free axis of that name."""
    sizes = b"".join(
        bytes_field(1, bytes_field(2, size) if isinstance(size, str) else integer_field(1, size))
        for size in shape
    )
    tensor = integer_field(1, ELEMENT_TYPES[element]) + bytes_field(2, sizes)
    return bytes_field(1, name) + bytes_field(2, bytes_field(1, tensor))


def encode_metadata(key: str, value: str) -> bytes:
    """A field of ModelProto.metadata_props; it may also be appended to a finished file."""
    return bytes_field(14, bytes_field(1, key) + bytes_field(2, value))


def encode_model(graph: Sequence[Buffer], metadata: Mapping[str, str]) -> bytes:
    """A ModelProto around an encoded GraphProto; joins all buffers, once."""
    if sum(map(len, graph)) > _MAX_BYTES:
        raise ModelError("the translated model exceeds 2 GiB, more than one ONNX file can hold")
    parts: list[Buffer] = [
        integer_field(1, IR_VERSION),
        bytes_field(2, "hocket"),
        *message_field(7, graph),
        bytes_field(8, bytes_field(1, "") + integer_field(2, OPSET)),
        *(encode_metadata(key, value) for key, value in metadata.items()),
    ]
    return b"".join(parts)
