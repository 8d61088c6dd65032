"""Constants, plain and compressed: quantised, palettised and sparse weights are expanded when translating.

Two generations of the same four encodings exist: iOS 16 keeps the pieces as attributes, iOS 18 as inputs with
a scale or table per block. Source: coremltools, converters/mil/mil/ops/defs/{iOS16,iOS18}/compression.py.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..mlpackage.program import Constant, make_constant, unpack_bits
from .call import Call


def is_encoded_constant(kind: str) -> bool:
    """Whether the operator is a compressed constant that can be expanded."""
    return kind in ENCODINGS


def decode_constants(call: Call) -> list[Constant]:
    """The values of a `const` or `constexpr_*` operation, each of its declared type."""
    kind = call.operation.kind
    with np.errstate(over="ignore", invalid="ignore"):
        decoded = call.constant("val") if kind == "const" else ENCODINGS[kind](call)
    values = decoded if kind in _SPARSE else (decoded,)
    outputs = call.operation.outputs
    if len(values) != len(outputs):
        raise call.malformed(f"has {len(outputs)} results, expected {len(values)}")
    return [
        make_constant(output.type.dtype, output.type.shape, value, str(call))
        if isinstance(value, np.ndarray)
        else Constant(output.type, value)
        for output, value in zip(outputs, values, strict=True)
    ]


def _cast(call: Call) -> NDArray[Any]:
    names = {"fp16": np.float16, "fp32": np.float32}
    target = call.text("output_dtype")
    if target not in names:
        call.refuse(f"output_dtype {target!r}")
    value: NDArray[Any] = call.array("source_val").astype(names[target])
    return value


def _affine(call: Call) -> NDArray[Any]:
    """scale * (data - zero point), both per channel of one axis or single."""
    data, scale = call.array("quantized_data"), call.array("scale")
    axis = call.count_axis(call.integer("axis"), data.ndim)

    def along(parameter: NDArray[Any]) -> NDArray[Any]:
        shape = [-1 if index == axis else 1 for index in range(data.ndim)] if parameter.size > 1 else []
        return parameter.astype(np.float32).reshape(shape)

    values = (data.astype(np.float32) - along(call.array("zero_point"))) * along(scale)
    typed: NDArray[Any] = values.astype(scale.dtype)
    return typed


def _palette(call: Call) -> NDArray[Any]:
    if call.has("shape"):
        return _palette_of_packed_indices(call)
    return _palette_of_groups(call)


def _palette_of_packed_indices(call: Call) -> NDArray[Any]:
    """iOS 16: one table, indices of log2(table size) bits each, least bit first."""
    table = call.array("lut").ravel()
    bits = max((table.size - 1).bit_length(), 1)
    if bits > 8:
        raise call.malformed(f"a table of {table.size} entries, expected at most 256")
    return table[_packed(call, "indices", bits)]


def _packed(call: Call, key: str, bits: int) -> NDArray[np.uint8]:
    """A packed array of numbers of `bits` each, of the shape in the parameter `shape`."""
    shape = call.integers("shape")
    raw = call.array(key).ravel().view(np.uint8)
    count = prod(shape)
    if min(shape, default=0) < 0 or count * bits > raw.size * 8:
        raise call.malformed(f"{key} has {raw.size} bytes for shape {shape} of {bits} bits")
    return unpack_bits(raw, bits, count).reshape(shape)


def _palette_of_groups(call: Call) -> NDArray[Any]:
    """iOS 18: a table (…, entries, vector size) for each block of the indices."""
    return _look_up(call, call.array("indices"))


def _look_up(call: Call, indices: NDArray[Any]) -> NDArray[Any]:
    tables = call.array("lut")
    if tables.ndim != indices.ndim + 2:
        raise call.malformed(f"tables of rank {tables.ndim} for indices of rank {indices.ndim}")
    blocks = (_blocks(call, size, groups) for size, groups in zip(indices.shape, tables.shape))
    grid = np.ix_(*(np.arange(size) // block for size, block in zip(indices.shape, blocks)))
    vectors: NDArray[Any] = tables[(*grid, indices.astype(np.int64))]
    if tables.shape[-1] == 1:
        return vectors[..., 0]
    axis = call.count_axis(call.integer("vector_axis"), indices.ndim)
    shape = [size * (tables.shape[-1] if index == axis else 1) for index, size in enumerate(indices.shape)]
    return np.moveaxis(vectors, -1, axis + 1).reshape(shape)


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
    scaled: NDArray[Any] = (shifted * grown(scale)).astype(scale.dtype)
    return scaled


def _blocks(call: Call, size: int, groups: int) -> int:
    if not groups or size % groups:
        raise call.malformed(f"{size} values do not divide into {groups} blocks")
    return size // groups


def _sparse(call: Call) -> NDArray[Any]:
    """The nonzero values in order, and a mask of where they go: a bit each (iOS 16) or an array (iOS 18)."""
    mask = _packed(call, "mask", 1) if call.has("shape") else call.array("mask")
    return _spread(call, call.array("nonzero_data"), mask)


def _spread(call: Call, values: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
    places = mask.astype(bool)
    if int(places.sum()) != values.size:
        raise call.malformed(f"{values.size} values for {int(places.sum())} places")
    dense = np.zeros(mask.shape, values.dtype)
    dense[places] = values.ravel()
    return dense


def _sparse_blockwise(call: Call) -> tuple[NDArray[Any], NDArray[Any]]:
    """The mask, and the values that it places after scaling them as the dense array's blocks."""
    mask = call.array("data_mask")
    dense = _scale_blocks(call, _spread(call, call.array("nonzero_data"), mask))
    return mask, dense[mask.astype(bool)]


def _sparse_palette(call: Call) -> tuple[NDArray[Any], NDArray[Any]]:
    """The mask, grown along the vectors' axis, and the looked-up values that it places."""
    mask = call.array("indices_mask")
    dense = _look_up(call, _spread(call, call.array("indices_nonzero_data"), mask))
    for axis, (size, grown) in enumerate(zip(mask.shape, dense.shape)):
        mask = mask.repeat(grown // size, axis=axis) if size else mask
    return mask, dense[mask.astype(bool)]


ENCODINGS: dict[str, Callable[[Call], Any]] = {
    "constexpr_cast": _cast,
    "constexpr_affine_dequantize": _affine,
    "constexpr_lut_to_dense": _palette,
    "constexpr_blockwise_shift_scale": _blockwise,
    "constexpr_sparse_to_dense": _sparse,
    "constexpr_sparse_blockwise_shift_scale": _sparse_blockwise,
    "constexpr_lut_to_sparse": _sparse_palette,
}
_SPARSE = ("constexpr_sparse_blockwise_shift_scale", "constexpr_lut_to_sparse")
