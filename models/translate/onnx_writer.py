"""ONNX messages as bytes: IR version 8, opset 17.

Source of the field numbers: onnx/onnx.proto.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..mlpackage.protobuf import (
    Buffer,
    WireType,
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


class _ModelField(IntEnum):
    IR_VERSION = 1
    PRODUCER = 2
    GRAPH = 7
    OPSETS = 8
    METADATA = 14


class _OpsetField(IntEnum):
    DOMAIN = 1
    VERSION = 2


class _EntryField(IntEnum):
    KEY = 1
    VALUE = 2


class _GraphField(IntEnum):
    NODES = 1
    NAME = 2
    CONSTANTS = 5
    INPUTS = 11
    OUTPUTS = 12


class _NodeField(IntEnum):
    INPUTS = 1
    OUTPUTS = 2
    NAME = 3
    KIND = 4
    ATTRIBUTES = 5


class _AttributeField(IntEnum):
    NAME = 1
    FLOAT = 2
    INTEGER = 3
    STRING = 4
    INTEGERS = 8
    STRINGS = 9
    TYPE = 20


class _AttributeType(IntEnum):
    FLOAT = 1
    INTEGER = 2
    STRING = 3
    INTEGERS = 7
    STRINGS = 8


class _TensorField(IntEnum):
    SHAPE = 1
    ELEMENT = 2
    NAME = 8
    RAW = 9


class _ValueInfoField(IntEnum):
    NAME = 1
    TYPE = 2


class _TypeField(IntEnum):
    TENSOR = 1


class _TensorTypeField(IntEnum):
    ELEMENT = 1
    SHAPE = 2


class _ShapeField(IntEnum):
    SIZES = 1


class _SizeField(IntEnum):
    KNOWN = 1
    NAMED = 2


def encode_attribute(name: str, value: Attribute) -> bytes:
    """An AttributeProto, of the kind that the value's type says."""
    field, kind = _AttributeField, _AttributeType
    head = bytes_field(field.NAME, name)
    if isinstance(value, float):
        return head + float_field(field.FLOAT, value) + integer_field(field.TYPE, kind.FLOAT)
    if isinstance(value, int):
        return head + integer_field(field.INTEGER, value) + integer_field(field.TYPE, kind.INTEGER)
    if isinstance(value, str):
        return head + bytes_field(field.STRING, value) + integer_field(field.TYPE, kind.STRING)
    if any(isinstance(item, str) for item in value):
        items = b"".join(bytes_field(field.STRINGS, str(item)) for item in value)
        return head + items + integer_field(field.TYPE, kind.STRINGS)
    items = b"".join(integer_field(field.INTEGERS, int(item)) for item in value)
    return head + items + integer_field(field.TYPE, kind.INTEGERS)


def encode_node(
    kind: str, name: str, inputs: Iterable[str], outputs: Iterable[str], attributes: Mapping[str, Attribute]
) -> bytes:
    """A NodeProto; an absent optional input is the empty string."""
    parts = [bytes_field(_NodeField.INPUTS, item) for item in inputs]
    parts += [bytes_field(_NodeField.OUTPUTS, item) for item in outputs]
    parts += [bytes_field(_NodeField.NAME, name), bytes_field(_NodeField.KIND, kind)]
    parts += [
        bytes_field(_NodeField.ATTRIBUTES, encode_attribute(key, value)) for key, value in attributes.items()
    ]
    return b"".join(parts)


def encode_tensor(name: str, array: NDArray[Any]) -> list[Buffer]:
    """A TensorProto in raw form (little endian); its last part is a view of the array's own numbers."""
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return [
        packed_field(_TensorField.SHAPE, array.shape),
        integer_field(_TensorField.ELEMENT, ELEMENT_TYPES[array.dtype.name]),
        bytes_field(_TensorField.NAME, name),
        varint(_TensorField.RAW << 3 | WireType.LENGTH) + varint(raw.nbytes),
        raw.reshape(-1).view(np.uint8).data,
    ]


def encode_value_info(name: str, element: str, shape: Sequence[int | str]) -> bytes:
    """A ValueInfoProto; a size given as text is a free axis of that name."""
    sizes = b"".join(
        bytes_field(
            _ShapeField.SIZES,
            bytes_field(_SizeField.NAMED, size)
            if isinstance(size, str)
            else integer_field(_SizeField.KNOWN, size),
        )
        for size in shape
    )
    tensor = integer_field(_TensorTypeField.ELEMENT, ELEMENT_TYPES[element])
    tensor += bytes_field(_TensorTypeField.SHAPE, sizes)
    return bytes_field(_ValueInfoField.NAME, name) + bytes_field(
        _ValueInfoField.TYPE, bytes_field(_TypeField.TENSOR, tensor)
    )


def encode_graph(
    nodes: Iterable[bytes],
    constants: Iterable[tuple[str, NDArray[Any]]],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> list[Buffer]:
    """A GraphProto of encoded nodes, inputs and outputs, as parts to be joined once."""
    parts: list[Buffer] = [bytes_field(_GraphField.NODES, node) for node in nodes]
    parts.append(bytes_field(_GraphField.NAME, "main"))
    for name, array in constants:
        parts += message_field(_GraphField.CONSTANTS, encode_tensor(name, array))
    parts += [bytes_field(_GraphField.INPUTS, item) for item in inputs]
    parts += [bytes_field(_GraphField.OUTPUTS, item) for item in outputs]
    return parts


def encode_metadata(key: str, value: str) -> bytes:
    """A field of ModelProto.metadata_props; it may also be appended to a finished file."""
    entry = bytes_field(_EntryField.KEY, key) + bytes_field(_EntryField.VALUE, value)
    return bytes_field(_ModelField.METADATA, entry)


def encode_model(graph: Sequence[Buffer], metadata: Mapping[str, str]) -> bytes:
    """A ModelProto around an encoded GraphProto; joins all buffers, once."""
    if sum(map(len, graph)) > _MAX_BYTES:
        raise ModelError("the translated model exceeds 2 GiB, more than one ONNX file can hold")
    opset = bytes_field(_OpsetField.DOMAIN, "") + integer_field(_OpsetField.VERSION, OPSET)
    parts: list[Buffer] = [
        integer_field(_ModelField.IR_VERSION, IR_VERSION),
        bytes_field(_ModelField.PRODUCER, "hocket"),
        *message_field(_ModelField.GRAPH, graph),
        bytes_field(_ModelField.OPSETS, opset),
        *(encode_metadata(key, value) for key, value in metadata.items()),
    ]
    return b"".join(parts)
