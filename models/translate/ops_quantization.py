"""Quantised activations (iOS 17). Quantised weights are constants: see constants.py."""

import numpy as np

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers


@lowers("quantize")
def quantize(call: Call, graph: Graph) -> Symbols:
    """round(input / scale) + zero point, clipped to the target's range"""
    target = call.text("output_dtype")
    if target not in ("int8", "uint8"):
        call.refuse(f"output_dtype {target!r}")
    limits = np.iinfo(target)
    rounded = graph.add("Round", graph.add("Div", call.operand("input"), _along(call, graph, "scale")))
    if call.has("zero_point"):
        rounded = graph.add("Add", rounded, _along(call, graph, "zero_point"))
    clipped = graph.add("Clip", rounded, graph.constant(float(limits.min)), graph.constant(float(limits.max)))
    return graph.cast(clipped, "int64")


@lowers("dequantize")
def dequantize(call: Call, graph: Graph) -> Symbols:
    """scale * (input - zero point)"""
    symbol = graph.cast(call.operand("input"), "float32")
    if call.has("zero_point"):
        symbol = graph.add("Sub", symbol, _along(call, graph, "zero_point"))
    return graph.add("Mul", symbol, _along(call, graph, "scale"))


def _along(call: Call, graph: Graph, key: str) -> str:
    """A single number, or one per entry of `axis`, shaped to stand against the input."""
    values = call.floats(key)
    if values.size == 1:
        return graph.constant(values.reshape(()))
    axis = call.axis(of="input")
    return graph.constant(values.reshape(-1, *[1] * (call.rank("input") - 1 - axis)))
