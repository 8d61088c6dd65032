"""Matrix products."""

import numpy as np

from .call import Call
from .graph import Graph, inside
from .registry import Symbols, lowers


@lowers("linear")
def linear(call: Call, graph: Graph) -> Symbols:
    """x @ weight.T + bias; the weight is (out, in). ONNX's Gemm takes matrices only, so MatMul and Add."""
    weight = _factor(call, graph, "weight", is_transposed=True)
    product = graph.add("MatMul", _factor(call, graph, "x"), weight)
    return graph.add("Add", product, _factor(call, graph, "bias")) if call.has("bias") else product


@lowers("matmul")
def matmul(call: Call, graph: Graph) -> Symbols:
    x, y = (
        _factor(call, graph, key, is_transposed=call.flag(f"transpose_{key}", False)) for key in ("x", "y")
    )
    return graph.add("MatMul", x, y)


def _factor(call: Call, graph: Graph, key: str, *, is_transposed: bool = False) -> str:
    """An operand of the result's type (iOS 17 mixes whole numbers with floats), its last axes swapped."""
    wanted = inside(call.operation.outputs[0].type.dtype)
    rank = call.rank(key)
    swaps = is_transposed and rank > 1
    if call.is_constant(key):
        array = call.array(key).astype(wanted)
        return graph.constant(np.ascontiguousarray(array.swapaxes(-1, -2)) if swaps else array)
    symbol = call.operand(key)
    if inside(call.type(key).dtype) != wanted:
        symbol = graph.cast(symbol, wanted)
    if swaps:
        symbol = graph.add("Transpose", symbol, perm=[*range(rank - 2), rank - 1, rank - 2])
    return symbol


@lowers("einsum")
def einsum(call: Call, graph: Graph) -> Symbols:
    return graph.add("Einsum", *call.operands("values"), equation=call.text("equation"))


@lowers("scaled_dot_product_attention")
def attention(call: Call, graph: Graph) -> Symbols:
    """softmax(query @ key.T / sqrt(size of a query) + mask) @ value"""
    rank = call.rank("key")
    keys = graph.add("Transpose", call.operand("key"), perm=[*range(rank - 2), rank - 1, rank - 2])
    size = graph.cast(graph.add("Shape", call.operand("query"), start=-1), "float32")
    scores = graph.add("MatMul", call.operand("query"), keys)
    scores = graph.add("Div", scores, graph.add("Sqrt", size))
    if call.has("attn_mask"):
        mask = call.operand("attn_mask")
        if call.type("attn_mask").dtype == "bool":
            mask = graph.add("Where", mask, graph.constant(0.0), graph.constant(-np.inf))
        scores = graph.add("Add", scores, mask)
    return graph.add("MatMul", graph.add("Softmax", scores, axis=-1), call.operand("value"))
