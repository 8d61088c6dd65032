"""Constants, plain and compressed: quantised, palettised and sparse weights are expanded when translating.

Two generations of the same four encodings exist: iOS 16 keeps the pieces as attributes, iOS 18 as inputs with
a scale or table per block. Source: coremltools, converters/mil/mil/ops/defs/{iOS16,iOS18}/compression.py.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..mlpackage.program import Constant, known_shape
from .call import Call

_PREFIX = "constexpr_"


def is_encoded_constant(kind: str) -> bool:
    """Whether the operator is a compressed constant that can be expanded."""
    return kind in ENCODINGS


def decode_constant(call: Call) -> Constant:
    """The value of a `const` or `constexpr_*` operation, of its declared type."""
    kind = call.operation.kind
    value = call.constant("val") if kind == "const" else ENCODINGS[kind](call)
    declared = call.operation.outputs[0].type
    if isinstance(value, np.ndarray):
        value = value.reshape(known_shape(declared.shape, value.size, str(call)))
    return Constant(declared, value)


def _cast(call: Call) -> NDArray[Any]:
    names = {"fp16": np.float16, "fp32": np.float32}
    target = call.text("output_dtype")
    if target not in names:
        call.refuse(f"output_dtype {target!r}")
    return call.array("source_val").astype(names[target])


def _affine(call: Call) -> NDArray[Any]:
    """scale * (data - zero point), both per channel of one axis or single."""
    data, scale = call.array("quantized_data"), call.array("scale")
    axis = call.count_axis(call.integer("axis"), data.ndim)

    def along(parameter: NDArray[Any]) -> NDArray[Any]:
        shape = [-1 if index == axis else 1 for index in range(data.ndim)] if parameter.size > 1 else []
        return parameter.astype(np.float32).reshape(shape)

    return ((data.astype(np.float32) - along(call.array("zero_point"))) * along(scale)).astype(scale.dtype)


def _palette(call: Call) -> NDArray[Any]:
    if call.has("shape"):
        return _palette_of_packed_indices(call)
    return _palette_of_groups(call)


def _palette_of_packed_indices(call: Call) -> NDArray[Any]:
    """iOS 16: one table, indices of log2(table size) bits each, least bit first."""
    table, shape = call.array("lut"), call.integers("shape")
    bits = max(int(table.size - 1).bit_length(), 1)
    packed = call.array("indices").ravel().view(np.uint8)
    count = packed.size * 8 // bits
    wanted = known_shape(tuple(shape), int(np.prod(shape, dtype=np.int64)), str(call))
    size = int(np.prod(wanted, dtype=np.int64))
    if size > count:
        raise call.malformed(f"{count} indices for shape {wanted}")
    spread = np.unpackbits(packed, count=size * bits, bitorder="little").reshape(size, bits)
    indices = (spread.astype(np.int64) << np.arange(bits)).sum(axis=1)
    return table.ravel()[indices].reshape(wanted)


def _palette_of_groups(call: Call) -> NDArray[Any]:
    """iOS 18: a table (…, entries, 1) for each block of the indices."""
    indices, tables = call.array("indices"), call.array("lut")
    if tables.ndim != indices.ndim + 2:
        raise call.malformed(f"tables of rank {tables.ndim} for indices of rank {indices.ndim}")
    if tables.shape[-1] != 1:
        call.refuse("a palette of vectors")
    block = [_blocks(call, size, groups) for size, groups in zip(indices.shape, tables.shape)]
    grid = np.ix_(*(np.arange(size) // step for size, step in zip(indices.shape, block)))
    return tables[(*grid, indices.astype(np.int64), 0)]


def _blockwise(call: Call) -> NDArray[Any]:
    """iOS 18: scale * (data - offset), one of each per block."""
    return _scale_blocks(call, call.array("data"))


def _scale_blocks(call: Call, data: NDArray[Any]) -> NDArray[Any]:
    scale = call.array("scale")

    def grown(parameter: NDArray[Any]) -> NDArray[Any]:
        if parameter.ndim != data.ndim:
            raise call.malformed(f"scales of rank {parameter.ndim} for data of rank {data.ndim}")
        for axis, (size, groups) in enumerate(zip(data.shape, parameter.shape)):
            parameter = parameter.repeat(_blocks(call, size, groups), axis=axis)
        return parameter.astype(np.float32)

    shifted = data.astype(np.float32)
    if call.has("offset"):
        shifted -= grown(call.array("offset"))
    return (shifted * grown(scale)).astype(scale.dtype)


def _blocks(call: Call, size: int, groups: int) -> int:
    if not groups or size % groups:
        raise call.malformed(f"{size} values do not divide into {groups} blocks")
    return size // groups


def _sparse(call: Call) -> NDArray[Any]:
    """The nonzero values in order, and a mask of where they go: a bit each (iOS 16) or an array (iOS 18)."""
    values = call.array("nonzero_data").ravel()
    if call.has("shape"):
        shape = known_shape(
            tuple(call.integers("shape")), int(np.prod(call.integers("shape"), dtype=np.int64)), str(call)
        )
        size = int(np.prod(shape, dtype=np.int64))
        packed = call.array("mask").ravel().view(np.uint8)
        if size > packed.size * 8:
            raise call.malformed(f"a mask of {packed.size * 8} bits for shape {shape}")
        mask = np.unpackbits(packed, count=size, bitorder="little").reshape(shape).astype(bool)
    else:
        mask = call.array("mask").astype(bool)
    if int(mask.sum()) != values.size:
        raise call.malformed(f"{values.size} values for {int(mask.sum())} places")
    dense = np.zeros(mask.shape, values.dtype)
    dense[mask] = values
    return dense


ENCODINGS: dict[str, Callable[[Call], NDArray[Any]]] = {
    f"{_PREFIX}cast": _cast,
    f"{_PREFIX}affine_dequantize": _affine,
    f"{_PREFIX}lut_to_dense": _palette,
    f"{_PREFIX}blockwise_shift_scale": _blockwise,
    f"{_PREFIX}sparse_to_dense": _sparse,
}
