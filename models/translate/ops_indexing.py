"""Elements by index: gathering, scattering, sorting."""

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

_SCATTER_LIMITS = "modes update, add, sub, mul and div"


@lowers("gather", limits="batch_dims only where axis equals it")
def gather(call: Call, graph: Graph) -> Symbols:
    axis, num_batch_axes = call.axis(default=0), call.integer("batch_dims", 0)
    if not num_batch_axes:
        return graph.add("Gather", call.operand(), call.operand("indices"), axis=axis)
    if axis != num_batch_axes:
        call.refuse(f"batch_dims {num_batch_axes} with axis {axis}")
    indices = graph.add("Unsqueeze", call.operand("indices"), graph.constant([-1]))
    return graph.add("GatherND", call.operand(), indices, batch_dims=num_batch_axes)


@lowers("gather_nd")
def gather_nd(call: Call, graph: Graph) -> Symbols:
    batch_dims = call.integer("batch_dims", 0)
    return graph.add("GatherND", call.operand(), call.operand("indices"), batch_dims=batch_dims)


@lowers("gather_along_axis")
def gather_along_axis(call: Call, graph: Graph) -> Symbols:
    axis = call.axis(default=0)
    return graph.add("GatherElements", call.operand(), call.operand("indices"), axis=axis)


@lowers("scatter", limits=_SCATTER_LIMITS)
def scatter(call: Call, graph: Graph) -> Symbols:
    """Whole slices along an axis; the axis comes first for ScatterND and goes back afterwards."""
    rank = call.rank("data")
    axis = call.axis(default=0, of="data")
    order = [axis, *(other for other in range(rank) if other != axis)]
    updates, reduction = _updates(call, graph, "update")
    scattered = graph.add(
        "ScatterND",
        graph.add("Transpose", call.operand("data"), perm=order),
        graph.add("Unsqueeze", call.operand("indices"), graph.constant([-1])),
        graph.add("Transpose", updates, perm=order),
        reduction=reduction,
    )
    return graph.add("Transpose", scattered, perm=[order.index(other) for other in range(rank)])


@lowers("scatter_nd", limits=_SCATTER_LIMITS)
def scatter_nd(call: Call, graph: Graph) -> Symbols:
    updates, reduction = _updates(call, graph, "add")
    return graph.add("ScatterND", call.operand("data"), call.operand("indices"), updates, reduction=reduction)


@lowers("scatter_along_axis", limits=_SCATTER_LIMITS)
def scatter_along_axis(call: Call, graph: Graph) -> Symbols:
    updates, reduction = _updates(call, graph, "add")
    return graph.add(
        "ScatterElements",
        call.operand("data"),
        call.operand("indices"),
        updates,
        axis=call.axis(default=0, of="data"),
        reduction=reduction,
    )


def _updates(call: Call, graph: Graph, default: str) -> tuple[str, str]:
    """The updates, turned where need be so that adding or multiplying does it, and that reduction."""
    mode, updates = call.text("mode", default), call.operand("updates")
    if mode == "sub":
        return graph.add("Neg", updates), "add"
    if mode == "div":
        return graph.add("Reciprocal", updates), "mul"
    reductions = {"update": "none", "add": "add", "mul": "mul"}
    if mode not in reductions:
        call.refuse(f"mode {mode!r}")
    return updates, reductions[mode]


@lowers("topk")
def topk(call: Call, graph: Graph) -> Symbols:
    count = call.operand("k") if call.has("k") else graph.constant(1)
    outputs = graph.add_many(
        "TopK",
        [call.operand(), graph.add("Reshape", count, graph.constant([1]))],
        2,
        axis=call.axis(default=-1),
        largest=int(not call.flag("ascending", False)),
    )
    return outputs[: len(call.operation.outputs)]


@lowers("argsort")
def argsort(call: Call, graph: Graph) -> Symbols:
    axis = call.axis(default=-1)
    size = graph.add("Gather", graph.add("Shape", call.operand()), graph.constant([axis]))
    ascending = call.flag("ascending", False)
    return graph.add_many("TopK", [call.operand(), size], 2, axis=axis, largest=int(not ascending))[1]


@lowers("non_zero")
def non_zero(call: Call, graph: Graph) -> Symbols:
    return graph.add("Transpose", graph.add("NonZero", call.operand()), perm=[1, 0])


@lowers("one_hot")
def one_hot(call: Call, graph: Graph) -> Symbols:
    off = call.array("off_value").ravel() if call.has("off_value") else [0]
    on = call.array("on_value").ravel() if call.has("on_value") else [1]
    return graph.add(
        "OneHot",
        call.operand("indices"),
        call.operand("one_hot_vector_size"),
        graph.constant([*off, *on]),
        axis=call.integer("axis", -1),
    )
