"""An ML Program as frozen values: what both readers make and the translator takes.

Types carry numpy's names. Numbers narrower than a byte exist only as constants; they are stored one to a
byte. Source: coremltools, mlmodel/format/MIL.proto.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PackageError
from ..predictor import TensorSpec

# How each type is held in numpy; those narrower than a byte keep one number per byte.
_STORAGE_NAMES: Mapping[str, str] = {
    "bool": "?",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "int4": "i1",
    "uint1": "u1",
    "uint2": "u1",
    "uint3": "u1",
    "uint4": "u1",
    "uint6": "u1",
}
STORAGE: Mapping[str, np.dtype[Any]] = {name: np.dtype(storage) for name, storage in _STORAGE_NAMES.items()}
PACKED_BITS: Mapping[str, int] = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}
FLOATS = frozenset({"float16", "float32", "float64"})


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and shape; None is a size known only when the program runs.

    dtype: a key of STORAGE, "string", or the name of a type that no operator here takes ("list", "state" …).
    """

    dtype: str
    shape: tuple[int | None, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype}[{sizes}]"


@dataclass(frozen=True, slots=True)
class Variable:
    """A result of an operation or a parameter of the function."""

    name: str
    type: TensorType


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A value known before the program runs.

    value: an array of STORAGE's type, possibly a view of the mapped weight file; a str for a scalar string;
    a tuple of such for anything else (lists of strings, tuples, dictionaries as pairs).
    """

    type: TensorType
    value: NDArray[Any] | str | tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a variable, by name."""

    name: str


Argument = Reference | Constant


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement: `outputs = kind(inputs)[attributes]`.

    inputs: each parameter has one argument or, where the operator takes a list, several.
    num_blocks: nested bodies (branches, loops), which are counted and not kept: they have no translation.
    """

    kind: str
    inputs: Mapping[str, tuple[Argument, ...]]
    outputs: tuple[Variable, ...]
    attributes: Mapping[str, Constant] = field(default_factory=dict)
    num_blocks: int = 0

    @property
    def name(self) -> str:
        return self.outputs[0].name if self.outputs else self.kind


@dataclass(frozen=True, slots=True)
class Program:
    """One function of a package, with the interface that the package declares for it.

    inputs, outputs: what a caller sees. parameters, results: the same inside the function, in its order.
    opset: the generation of operators, as the file writes it ("CoreML7", "ios17").
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: tuple[Variable, ...]
    results: tuple[Variable, ...]
    operations: tuple[Operation, ...]
    opset: str


def make_constant(dtype: str, shape: tuple[int | None, ...], array: NDArray[Any], where: str) -> Constant:
    """A constant of exactly the declared type; `array` may be flat. Raises PackageError on a wrong count."""
    return Constant(TensorType(dtype, shape), array.reshape(known_shape(shape, array.size, where)))


def known_shape(shape: tuple[int | None, ...], size: int, where: str) -> tuple[int, ...]:
    """`shape` without unknown sizes, if it holds `size` elements; raises PackageError otherwise."""
    known = tuple(axis for axis in shape if axis is not None)
    if len(known) < len(shape) or prod(known) != size or any(axis < 0 for axis in known):
        raise PackageError(f"{where}: {size} values for shape {TensorType('', shape)}")
    return known


def require_storage(dtype: str, where: str) -> np.dtype[Any]:
    """How constants of this type are held; raises PackageError for a type that cannot be read."""
    storage = STORAGE.get(dtype)
    if storage is None:
        raise PackageError(f"{where}: constants of type {dtype} cannot be read")
    return storage


def unpack_bits(raw: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """The first `count` numbers of `bits` (at most 8) each, packed least bit first; one per byte."""
    unpacked = np.unpackbits(raw, count=count * bits, bitorder="little").reshape(count, bits)
    values: NDArray[np.uint8] = np.left_shift(unpacked, np.arange(bits, dtype=np.uint8)).sum(
        1, dtype=np.uint8
    )
    return values


def unpack_numbers(raw: NDArray[np.uint8], tensor_type: TensorType, where: str) -> NDArray[Any]:
    """Numbers of a type narrower than a byte, flat. Raises PackageError when there are too few bytes."""
    bits = PACKED_BITS[tensor_type.dtype]
    count = prod(size or 0 for size in tensor_type.shape)
    if (count * bits + 7) // 8 != raw.size:
        raise PackageError(f"{where}: {raw.size} bytes for {tensor_type}")
    values = unpack_bits(raw, bits, count)
    if tensor_type.dtype != "int4":
        return values
    signed: NDArray[np.int8] = (values ^ 8).astype(np.int8) - np.int8(8)
    return signed
