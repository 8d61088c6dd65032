"""Tensors taken apart and put together: reshaping, slicing, joining, repeating."""

import numpy as np

from ..mlpackage.program import Constant
from .call import Binding, Call
from .graph import Graph
from .registry import Symbols, lowers

# A constant `fill` or `tile` larger than this is damage, not a model: 1 GiB of float32.
_MAX_ELEMENTS = 1 << 28


@lowers("reshape", limits="0 only where the rank stays")
def reshape(call: Call, graph: Graph) -> Symbols:
    # 0 keeps the input's size and -1 takes what is left in both worlds.
    if call.is_constant("shape"):
        sizes = call.integers("shape")
        if 0 in sizes and len(sizes) != call.rank():
            call.refuse(f"shape {sizes} of a tensor of rank {call.rank()}")
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
    """Without axes those known to have size 1 go; axes of another size stay, as in PyTorch."""
    sizes = call.type().shape
    if call.has("axes"):
        axes = [call.count_axis(axis, len(sizes)) for axis in call.integers("axes")]
        axes = [axis for axis in axes if sizes[axis] in (1, None)]
    else:
        axes = [axis for axis, size in enumerate(sizes) if size == 1]
    return graph.add("Squeeze", call.operand(), graph.constant(axes)) if axes else call.operand()


@lowers("flatten2d")
def flatten2d(call: Call, graph: Graph) -> Symbols:
    # An axis equal to the rank is allowed: everything becomes rows of one.
    return graph.add("Flatten", call.operand(), axis=call.integer("axis", 1))


@lowers("reshape_like")
def reshape_like(call: Call, graph: Graph) -> Symbols:
    """A shape put together from stretches of other tensors' shapes."""
    begins, ends, masks = (call.bindings(key) for key in ("begins", "ends", "end_masks"))
    parts = []
    for index, symbol in enumerate(call.operands("ref_tensors")):
        begin, end, is_open = (_known(call, values[index]) for values in (begins, ends, masks))
        parts.append(graph.add("Shape", symbol, start=begin, end=None if is_open else end))
    return graph.add("Reshape", call.operand(), graph.add("Concat", *parts, axis=0))


def _known(call: Call, binding: Binding) -> int:
    if not isinstance(binding, Constant) or not isinstance(binding.value, np.ndarray):
        call.refuse("a computed range of axes")
    return int(binding.value.item())


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


@lowers("fill_like")
def fill_like(call: Call, graph: Graph) -> Symbols:
    value = call.operand("value") if call.has("value") else graph.constant(0.0)
    return graph.add("Expand", value, graph.add("Shape", call.operand("ref_tensor")))


@lowers("range_1d")
def range_1d(call: Call, graph: Graph) -> Symbols:
    return graph.add("Range", call.operand("start"), call.operand("end"), call.operand("step"))


_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


@lowers("pad")
def pad(call: Call, graph: Graph) -> Symbols:
    """MIL pads the last axes, (before, after) each; ONNX all axes, befores first."""
    rank, mode = call.rank(), call.text("mode", "constant")
    if mode not in _PAD_MODES:
        call.refuse(f"mode {mode!r}")
    if call.is_constant("pad"):
        amounts = call.integers("pad")
        _require_plausible(call, [max(size, 1) for size in amounts])
        amounts = [0] * (2 * rank - len(amounts)) + amounts
        pads = graph.constant(amounts[0::2] + amounts[1::2])
    else:
        pairs = graph.add("Reshape", call.operand("pad"), graph.constant([-1, 2]))
        pads = graph.add("Reshape", graph.add("Transpose", pairs, perm=[1, 0]), graph.constant([-1]))
    inputs = [call.operand(), pads]
    if mode == "constant" and call.has("constant_val"):
        inputs.append(call.operand("constant_val"))
    return graph.add("Pad", *inputs, mode=_PAD_MODES[mode])


@lowers("depth_to_space")
def depth_to_space(call: Call, graph: Graph) -> Symbols:
    return graph.add("DepthToSpace", call.operand(), blocksize=call.integer("block_size"), mode="DCR")


@lowers("space_to_depth")
def space_to_depth(call: Call, graph: Graph) -> Symbols:
    return graph.add("SpaceToDepth", call.operand(), blocksize=call.integer("block_size"))


@lowers("pixel_shuffle")
def pixel_shuffle(call: Call, graph: Graph) -> Symbols:
    return graph.add("DepthToSpace", call.operand(), blocksize=call.integer("upscale_factor"), mode="CRD")


@lowers("pixel_unshuffle", limits="the number of channels must be known")
def pixel_unshuffle(call: Call, graph: Graph) -> Symbols:
    """SpaceToDepth puts the place within a block before the channel; here the channel comes first."""
    factor, channels = call.integer("downscale_factor"), call.type().shape[1]
    if channels is None:
        call.refuse("an unknown number of channels")
    blocks = graph.add("SpaceToDepth", call.operand(), blocksize=factor)
    apart = graph.add("Reshape", blocks, graph.constant([0, factor * factor, channels, -1]))
    return graph.add("Reshape", graph.add("Transpose", apart, perm=[0, 2, 1, 3]), graph.add("Shape", blocks))
