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
