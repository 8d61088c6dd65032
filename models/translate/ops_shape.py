"""Tensors taken apart and put together: reshaping, slicing, joining, repeating."""

import numpy as np

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

_INT64 = np.iinfo(np.int64)
# A constant `fill` or `tile` larger than this is damage, not a model: 1 GiB of float32.
_MAX_ELEMENTS = 1 << 28


@lowers("reshape")
def reshape(call: Call, graph: Graph) -> Symbols:
    # 0 keeps the input's size and -1 takes what is left in both worlds.
    return graph.add("Reshape", call.operand(), call.operand("shape"))


@lowers("transpose")
def transpose(call: Call, graph: Graph) -> Symbols:
    order = [call.count_axis(axis, call.rank()) for axis in call.integers("perm")]
    return graph.add("Transpose", call.operand(), perm=order)


@lowers("expand_dims")
def expand_dims(call: Call, graph: Graph) -> Symbols:
    return graph.add("Unsqueeze", call.operand(), graph.constant(call.integers("axes")))


@lowers("squeeze")
def squeeze(call: Call, graph: Graph) -> Symbols:
    if not call.has("axes"):
        return graph.add("Squeeze", call.operand())
    return graph.add("Squeeze", call.operand(), graph.constant(call.integers("axes")))


@lowers("shape")
def shape(call: Call, graph: Graph) -> Symbols:
    return graph.add("Shape", call.operand())


@lowers("concat", limits="no interleave")
def concat(call: Call, graph: Graph) -> Symbols:
    if call.flag("interleave", False):
        call.refuse("interleave")
    parts = []
    for symbol, binding in zip(call.operands("values"), call.bindings("values"), strict=True):
        # MIL joins scalars to a vector, as shapes are built; ONNX wants vectors of one.
        is_scalar = not binding.type.rank
        parts.append(graph.add("Reshape", symbol, graph.constant([1])) if is_scalar else symbol)
    return graph.add("Concat", *parts, axis=call.integer("axis"))


@lowers("stack")
def stack(call: Call, graph: Graph) -> Symbols:
    axis = graph.constant([call.integer("axis")])
    parts = [graph.add("Unsqueeze", symbol, axis) for symbol in call.operands("values")]
    return graph.add("Concat", *parts, axis=call.integer("axis"))


@lowers("split")
def split(call: Call, graph: Graph) -> Symbols:
    inputs = [call.operand()]
    if call.has("split_sizes"):
        inputs.append(call.operand("split_sizes"))
    return graph.add_many("Split", inputs, len(call.operation.outputs), axis=call.axis())


@lowers("gather")
def gather(call: Call, graph: Graph) -> Symbols:
    axis, batch_axes = call.axis(default=0), call.integer("batch_dims", 0)
    if not batch_axes:
        return graph.add("Gather", call.operand(), call.operand("indices"), axis=axis)
    if axis != batch_axes:
        call.refuse(f"batch_dims {batch_axes} with axis {axis}")
    indices = graph.add("Unsqueeze", call.operand("indices"), graph.constant([-1]))
    return graph.add("GatherND", call.operand(), indices, batch_dims=batch_axes)


@lowers("fill")
def fill(call: Call, graph: Graph) -> Symbols:
    if call.is_constant("shape"):
        _require_plausible(call, call.integers("shape"))
    value = call.operand("value") if call.has("value") else graph.constant(np.float32(0))
    return graph.add("Expand", value, call.operand("shape"))


@lowers("tile")
def tile(call: Call, graph: Graph) -> Symbols:
    if call.is_constant("reps"):
        _require_plausible(call, call.integers("reps"))
    return graph.add("Tile", call.operand(), call.operand("reps"))


def _require_plausible(call: Call, sizes: list[int]) -> None:
    if min(sizes, default=0) < 0 or np.prod(sizes, dtype=object) > _MAX_ELEMENTS:
        raise call.malformed(f"sizes {sizes} are implausible")


@lowers("slice_by_index")
def slice_by_index(call: Call, graph: Graph) -> Symbols:
    """x[begin:end:stride] per axis; masks open an end, squeeze_mask takes the one element at `begin`."""
    rank = call.rank()
    squeezed = call.flags("squeeze_mask", rank)
    strides = call.integers("stride", [1] * rank)
    if len(strides) != rank or 0 in strides:
        raise call.malformed(f"strides {strides} for a tensor of rank {rank}")
    begin = _bounds(call, graph, "begin", [0 if stride > 0 else _INT64.max for stride in strides])
    end = _bounds(call, graph, "end", [_INT64.max if stride > 0 else _INT64.min for stride in strides])
    kept = [axis for axis in range(rank) if not squeezed[axis]]
    symbol = call.operand()
    if kept:
        symbol = graph.add(
            "Slice",
            symbol,
            _chosen(graph, begin, kept),
            _chosen(graph, end, kept),
            graph.constant(kept),
            graph.constant([strides[axis] for axis in kept]),
        )
    for axis in reversed(range(rank)):
        if squeezed[axis]:
            symbol = graph.add("Gather", symbol, _chosen(graph, begin, axis), axis=axis)
    return symbol


def _bounds(call: Call, graph: Graph, key: str, opened: list[int]) -> str | list[int]:
    """`begin` or `end` with masked entries replaced by `opened`: a list where known, else a symbol."""
    mask = call.flags(f"{key}_mask", call.rank())
    if not call.is_constant(key):
        if not any(mask):
            return call.operand(key)
        return graph.add("Where", graph.constant(mask), graph.constant(opened), call.operand(key))
    given = call.integers(key)
    if len(given) != call.rank():
        raise call.malformed(f"{key} has {len(given)} entries for a tensor of rank {call.rank()}")
    return [b if masked else a for a, b, masked in zip(given, opened, mask, strict=True)]


def _chosen(graph: Graph, bounds: str | list[int], axes: int | list[int]) -> str:
    if isinstance(bounds, str):
        return graph.add("Gather", bounds, graph.constant(axes))
    return graph.constant(np.array(bounds, np.int64)[axes])
