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
_KNOWN_SIZES = "fractional factors only where the input's sizes are known"


@lowers("upsample_nearest_neighbor", limits=_KNOWN_SIZES)
def upsample_nearest_neighbor(call: Call, graph: Graph) -> Symbols:
    return _scaled(call, graph, "nearest", "asymmetric")


@lowers("upsample_bilinear", limits=_KNOWN_SIZES)
def upsample_bilinear(call: Call, graph: Graph) -> Symbols:
    if call.flag("align_corners", True):
        return _scaled(call, graph, "linear", "align_corners")
    is_centred = call.flag("half_pixel_centers", True)
    return _scaled(call, graph, "linear", "half_pixel" if is_centred else "asymmetric")


@lowers("resize_bilinear", limits=_LIMITS)
def resize_bilinear(call: Call, graph: Graph) -> Symbols:
    target = graph.constant([call.integer(f"target_size_{side}", 1) for side in ("height", "width")])
    return _resized(call, graph, target, "linear", _sampling(call))


@lowers("resize", limits=f"no nearest neighbours; {_LIMITS}")
def resize(call: Call, graph: Graph) -> Symbols:
    """The last `resized_dims` axes to the end of `shape`, where 0 keeps a size."""
    if (mode := call.text("interpolation_mode", "LINEAR")) != "LINEAR":
        # Which neighbour is nearest is not documented, and the known examples fit more than one rule.
        call.refuse(f"interpolation_mode {mode!r}")
    count = call.integer("resized_dims")
    asked = graph.add("Gather", call.operand("shape"), graph.constant(list(range(-count, 0))))
    own = graph.add("Shape", call.operand(), start=-count)
    target = graph.add("Where", graph.add("Equal", asked, graph.constant(0)), own, asked)
    return _resized(call, graph, target, "linear", _sampling(call), count)


def _sampling(call: Call) -> str:
    mode = call.text("sampling_mode", "DEFAULT")
    if mode not in _SAMPLING:
        call.refuse(f"sampling_mode {mode!r}")
    return _SAMPLING[mode]


def _scaled(call: Call, graph: Graph, kind: str, sampling: str) -> str:
    """x with its last two axes multiplied; a fractional factor is what the rounded sizes make of it."""
    factors = [call.number(f"scale_factor_{side}", 1.0) for side in ("height", "width")]
    if all(factor.is_integer() for factor in factors):
        own = graph.add("Shape", call.operand(), start=-2)
        target = graph.add("Mul", own, graph.constant([int(factor) for factor in factors]))
    else:
        sizes = call.type().shape[-2:]
        target = graph.constant([_multiplied(call, *pair) for pair in zip(sizes, factors, strict=True)])
    return _resized(call, graph, target, kind, sampling)


def _multiplied(call: Call, size: int | None, factor: float) -> int:
    if size is None:
        call.refuse("a fractional factor for sizes that are not known")
    return int(size * factor)


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
