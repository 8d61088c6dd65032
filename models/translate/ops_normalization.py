"""Normalisations and softmax."""

import numpy as np

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers


@lowers("batch_norm")
def batch_norm(call: Call, graph: Graph) -> Symbols:
    channels = call.type("mean").shape[0]
    return graph.add(
        "BatchNormalization",
        call.operand(),
        _per_channel(call, graph, "gamma", 1, channels),
        _per_channel(call, graph, "beta", 0, channels),
        call.operand("mean"),
        call.operand("variance"),
        epsilon=call.number("epsilon", 1e-5),
    )


@lowers("instance_norm")
def instance_norm(call: Call, graph: Graph) -> Symbols:
    channels = call.type().shape[1]
    return graph.add(
        "InstanceNormalization",
        call.operand(),
        _per_channel(call, graph, "gamma", 1, channels),
        _per_channel(call, graph, "beta", 0, channels),
        epsilon=call.number("epsilon", 1e-5),
    )


def _per_channel(call: Call, graph: Graph, key: str, default: float, channels: int | None) -> str:
    if call.has(key):
        return call.operand(key)
    if channels is None:
        call.refuse(f"no {key} and an unknown number of channels")
    return graph.constant(np.full(channels, default, np.float32))


@lowers("softmax")
def softmax(call: Call, graph: Graph) -> Symbols:
    return graph.add("Softmax", call.operand(), axis=call.integer("axis", -1))


@lowers("layer_norm")
def layer_norm(call: Call, graph: Graph) -> Symbols:
    rank = call.rank()
    axes = sorted(call.count_axis(axis, rank) for axis in call.integers("axes", list(range(rank))))
    if call.has("gamma") and axes == list(range(axes[0], rank)):
        inputs = [
            call.operand(),
            call.operand("gamma"),
            *([call.operand("beta")] if call.has("beta") else []),
        ]
        return graph.add("LayerNormalization", *inputs, axis=axes[0], epsilon=call.number("epsilon", 1e-5))
    return _layer_norm_in_steps(call, graph, axes)


def _layer_norm_in_steps(call: Call, graph: Graph, axes: list[int]) -> str:
    """For axes that are not the last ones: ONNX has no operator for those."""
    mean = graph.add("ReduceMean", call.operand(), axes=axes, keepdims=1)
    centred = graph.add("Sub", call.operand(), mean)
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=axes, keepdims=1)
    shifted = graph.add("Add", variance, graph.constant(call.number("epsilon", 1e-5)))
    symbol = graph.add("Div", centred, graph.add("Sqrt", shifted))
    for key, kind in (("gamma", "Mul"), ("beta", "Add")):
        if call.has(key):
            sizes = iter(call.array(key).shape)
            shape = [next(sizes) if axis in axes else 1 for axis in range(call.rank())]
            symbol = graph.add(kind, symbol, graph.constant(call.floats(key).reshape(shape)))
    return symbol


@lowers("l2_norm")
def l2_norm(call: Call, graph: Graph) -> Symbols:
    """x / sqrt(sum of squares + epsilon) over the last three axes"""
    squares = graph.add("ReduceSumSquare", call.operand(), axes=[-3, -2, -1], keepdims=1)
    shifted = graph.add("Add", squares, graph.constant(call.number("epsilon", 1e-6)))
    return graph.add("Div", call.operand(), graph.add("Sqrt", shifted))
