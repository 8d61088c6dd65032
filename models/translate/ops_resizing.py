"""Resizing of the last axes, by target size or by factor."""

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

# How MIL's sampling modes read the input, in ONNX's words.
_SAMPLING = {
    "DEFAULT": "asymmetric",
    "STRICT_ALIGN_CORNERS": "align_corners",
    "ALIGN_CORNERS": "align_corners",
    "UNALIGN_CORNERS": "half_pixel",
}
_LIMITS = "no sampling mode OFFSET_CORNERS"


@lowers("upsample_nearest_neighbor")
def upsample_nearest_neighbor(call: Call, graph: Graph) -> Symbols:
    factors = [call.number(f"scale_factor_{side}", 1.0) for side in ("height", "width")]
    scales = graph.constant([1.0] * (call.rank() - 2) + factors)
    return graph.add(
        "Resize",
        call.operand(),
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@lowers("upsample_bilinear", limits="fractional factors only where the input's sizes are known")
def upsample_bilinear(call: Call, graph: Graph) -> Symbols:
    mode = "align_corners" if call.flag("align_corners", True) else "half_pixel"
    factors = [call.number(f"scale_factor_{side}", 1.0) for side in ("height", "width")]
    sizes = call.type().shape[-2:]
    if any(size is None for size in sizes):
        if any(factor % 1 for factor in factors):
            call.refuse("a fractional factor for sizes that are not known")
        scales = graph.constant([1.0] * (call.rank() - 2) + factors)
        return graph.add(
            "Resize", call.operand(), "", scales, mode="linear", coordinate_transformation_mode=mode
        )
    # The factor is what the rounded sizes make it, not what was asked for.
    target = [int((size or 0) * factor) for size, factor in zip(sizes, factors, strict=True)]
    return _resized(call, graph, graph.constant(target), "linear", mode)


@lowers("resize_bilinear", limits=_LIMITS)
def resize_bilinear(call: Call, graph: Graph) -> Symbols:
    return _resized(call, graph, _target(call, graph), "linear", _sampling(call))


@lowers("resize_nearest_neighbor")
def resize_nearest_neighbor(call: Call, graph: Graph) -> Symbols:
    return _resized(call, graph, _target(call, graph), "nearest", "asymmetric")


@lowers("resize", limits=_LIMITS)
def resize(call: Call, graph: Graph) -> Symbols:
    """The last `resized_dims` axes to the end of `shape`, where 0 keeps a size."""
    kinds = {"LINEAR": "linear", "NEAREST_NEIGHBOR": "nearest"}
    mode, count = call.text("interpolation_mode", "LINEAR"), call.integer("resized_dims")
    if mode not in kinds:
        call.refuse(f"interpolation_mode {mode!r}")
    last = graph.constant(list(range(-count, 0)))
    asked = graph.add("Gather", call.operand("shape"), last)
    own = graph.add("Shape", call.operand(), start=-count)
    target = graph.add("Where", graph.add("Equal", asked, graph.constant(0)), own, asked)
    return _resized(call, graph, target, kinds[mode], _sampling(call), count)


def _target(call: Call, graph: Graph) -> str:
    return graph.constant([call.integer(f"target_size_{side}", 1) for side in ("height", "width")])


def _sampling(call: Call) -> str:
    mode = call.text("sampling_mode", "DEFAULT")
    if mode not in _SAMPLING:
        call.refuse(f"sampling_mode {mode!r}")
    return _SAMPLING[mode]


def _resized(call: Call, graph: Graph, target: str, kind: str, sampling: str, count: int = 2) -> str:
    """x with its last `count` axes brought to the sizes in `target`."""
    sizes = graph.add("Concat", graph.add("Shape", call.operand(), end=-count), target, axis=0)
    return graph.add(
        "Resize",
        call.operand(),
        "",
        "",
        sizes,
        mode=kind,
        coordinate_transformation_mode=sampling,
        nearest_mode="floor" if kind == "nearest" else None,
    )
