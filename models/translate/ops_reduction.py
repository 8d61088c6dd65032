"""Reductions over axes."""

from .call import Call
from .graph import Graph
from .registry import Lowering, Symbols, lowers, register

_REDUCTIONS = {
    "reduce_l1_norm": "ReduceL1",
    "reduce_l2_norm": "ReduceL2",
    "reduce_log_sum": "ReduceLogSum",
    "reduce_log_sum_exp": "ReduceLogSumExp",
    "reduce_max": "ReduceMax",
    "reduce_mean": "ReduceMean",
    "reduce_min": "ReduceMin",
    "reduce_prod": "ReduceProd",
    "reduce_sum_square": "ReduceSumSquare",
}


def _reduction(kind: str) -> Lowering:
    def lower(call: Call, graph: Graph) -> Symbols:
        axes = call.integers("axes") if call.has("axes") else None
        return graph.add(kind, call.operand(), axes=axes, keepdims=int(call.flag("keep_dims", False)))

    return lower


for _kind, _onnx_kind in _REDUCTIONS.items():
    register(_kind, _reduction(_onnx_kind))


@lowers("reduce_sum")
def reduce_sum(call: Call, graph: Graph) -> Symbols:
    # The one reduction whose axes are an input in opset 17.
    axes = [graph.constant(call.integers("axes"))] if call.has("axes") else []
    return graph.add("ReduceSum", call.operand(), *axes, keepdims=int(call.flag("keep_dims", False)))


def _arg_reduction(kind: str) -> Lowering:
    def lower(call: Call, graph: Graph) -> Symbols:
        return graph.add(
            kind, call.operand(), axis=call.axis(default=-1), keepdims=int(call.flag("keep_dims", False))
        )

    return lower


register("reduce_argmax", _arg_reduction("ArgMax"))
register("reduce_argmin", _arg_reduction("ArgMin"))


@lowers("cumsum")
def cumsum(call: Call, graph: Graph) -> Symbols:
    return graph.add(
        "CumSum",
        call.operand(),
        graph.constant(call.axis(default=0)),
        exclusive=int(call.flag("exclusive", False)),
        reverse=int(call.flag("reverse", False)),
    )
