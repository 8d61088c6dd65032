"""Matrix products."""

import numpy as np

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers


@lowers("linear")
def linear(call: Call, graph: Graph) -> Symbols:
    """x @ weight.T + bias; the weight is (out, in). ONNX's Gemm takes matrices only, so MatMul and Add."""
    if call.is_constant("weight"):
        weight = graph.constant(np.ascontiguousarray(call.floats("weight").T))
    else:
        weight = graph.add("Transpose", call.operand("weight"), perm=[1, 0])
    product = graph.add("MatMul", call.operand(), weight)
    return graph.add("Add", product, call.operand("bias")) if call.has("bias") else product


@lowers("matmul")
def matmul(call: Call, graph: Graph) -> Symbols:
    return graph.add("MatMul", _factor(call, graph, "x"), _factor(call, graph, "y"))


def _factor(call: Call, graph: Graph, key: str) -> str:
    rank = call.rank(key)
    if not call.flag(f"transpose_{key}", False) or rank < 2:
        return call.operand(key)
    order = [*range(rank - 2), rank - 1, rank - 2]
    return graph.add("Transpose", call.operand(key), perm=order)


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
