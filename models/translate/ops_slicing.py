"""Parts of tensors by position: slices, and writing into them."""

import numpy as np

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

_INT64 = np.iinfo(np.int64)


@lowers("slice_by_index")
def slice_by_index(call: Call, graph: Graph) -> Symbols:
    return _sliced(call, graph, call.operand())


@lowers("slice_update")
def slice_update(call: Call, graph: Graph) -> Symbols:
    """x with the slice replaced: slice the running numbers of x's elements, then scatter to those."""
    shape = graph.add("Shape", call.operand())
    count = graph.add("ReduceProd", shape, keepdims=0)
    numbers = graph.add("Range", graph.constant(0), count, graph.constant(1))
    places = _sliced(call, graph, graph.add("Reshape", numbers, shape))
    flat = graph.constant([-1])
    written = graph.add(
        "ScatterElements",
        graph.add("Reshape", call.operand(), flat),
        graph.add("Reshape", places, flat),
        graph.add("Reshape", call.operand("update"), flat),
    )
    return graph.add("Reshape", written, shape)


def _sliced(call: Call, graph: Graph, symbol: str) -> str:
    """symbol[begin:end:stride] per axis; masks open an end, squeeze_mask takes the one element at `begin`."""
    rank = call.rank()
    squeezed = call.flags("squeeze_mask", rank)
    strides = call.integers("stride", [1] * rank)
    if len(strides) != rank or 0 in strides:
        raise call.malformed(f"strides {strides} for a tensor of rank {rank}")
    begin = _bounds(call, graph, "begin", [0 if stride > 0 else _INT64.max for stride in strides])
    end = _bounds(call, graph, "end", [_INT64.max if stride > 0 else _INT64.min for stride in strides])
    kept = [axis for axis in range(rank) if not squeezed[axis]]
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


@lowers("slice_by_size")
def slice_by_size(call: Call, graph: Graph) -> Symbols:
    """x[begin : begin + size] per axis; begin may count from the end, size -1 takes all that is left."""
    zero, last = graph.constant(0), graph.constant(_INT64.max)
    begin, size = call.operand("begin"), call.operand("size")
    from_end = graph.add("Add", begin, graph.add("Shape", call.operand()))
    begin = graph.add("Where", graph.add("Less", begin, zero), from_end, begin)
    end = graph.add("Where", graph.add("Less", size, zero), last, graph.add("Add", begin, size))
    return graph.add("Slice", call.operand(), begin, end)


@lowers("crop")
def crop(call: Call, graph: Graph) -> Symbols:
    """Take (before, after) elements off each of the last two axes."""
    amounts = [call.integers("crop_height"), call.integers("crop_width")]
    begin = [before for before, _ in amounts]
    end = [-after if after else _INT64.max for _, after in amounts]
    axes = [call.rank() - 2, call.rank() - 1]
    return graph.add("Slice", call.operand(), *(graph.constant(value) for value in (begin, end, axes)))


@lowers("reverse")
def reverse(call: Call, graph: Graph) -> Symbols:
    axes = call.integers("axes", list(range(call.rank())))
    count = len(axes)
    bounds = ([_INT64.max] * count, [_INT64.min] * count, axes, [-1] * count)
    return graph.add("Slice", call.operand(), *(graph.constant(value) for value in bounds))


@lowers("reverse_sequence", limits="batch and sequence on the first two axes")
def reverse_sequence(call: Call, graph: Graph) -> Symbols:
    batch_axis, time_axis = call.axis("batch_axis", 0), call.axis("seq_axis", 0)
    if {batch_axis, time_axis} != {0, 1}:
        call.refuse(f"batch axis {batch_axis} with sequence axis {time_axis}")
    return graph.add(
        "ReverseSequence",
        call.operand(),
        call.operand("lengths"),
        batch_axis=batch_axis,
        time_axis=time_axis,
    )


@lowers("sliding_windows", limits="the axis must have a known size")
def sliding_windows(call: Call, graph: Graph) -> Symbols:
    axis, size, stride = call.axis(), call.integer("size"), call.integer("stride", 1)
    length = call.type().shape[axis]
    if length is None:
        call.refuse("an axis of unknown size")
    starts = np.arange(0, length - size + 1, stride)
    return graph.add("Gather", call.operand(), graph.constant(starts[:, None] + np.arange(size)), axis=axis)


@lowers("band_part")
def band_part(call: Call, graph: Graph) -> Symbols:
    """Zeros outside `lower` sub-diagonals and `upper` super-diagonals; negative numbers keep all."""
    lower, upper = call.integer("lower", -1), call.integer("upper", -1)
    symbol = call.operand()
    if upper >= 0:
        symbol = graph.add("Trilu", symbol, graph.constant(upper), upper=0)
    if lower >= 0:
        symbol = graph.add("Trilu", symbol, graph.constant(-lower), upper=1)
    return symbol
