"""Pooling over windows."""

from .call import Call
from .graph import Graph
from .onnx_writer import Attribute
from .ops_convolution import padding
from .registry import Symbols, lowers


def _window(call: Call) -> dict[str, Attribute]:
    return {
        "kernel_shape": call.integers("kernel_sizes"),
        "strides": call.integers("strides", [1] * (call.rank() - 2)),
        "ceil_mode": int(call.flag("ceil_mode", False)),
        **padding(call),
    }


@lowers("max_pool")
def max_pool(call: Call, graph: Graph) -> Symbols:
    return graph.add("MaxPool", call.operand(), **_window(call))


@lowers("avg_pool")
def avg_pool(call: Call, graph: Graph) -> Symbols:
    excludes = call.flag("exclude_padding_from_average", False)
    return graph.add("AveragePool", call.operand(), count_include_pad=int(not excludes), **_window(call))


@lowers("l2_pool", limits="no ceil_mode")
def l2_pool(call: Call, graph: Graph) -> Symbols:
    window = _window(call)
    if window.pop("ceil_mode"):
        call.refuse("ceil_mode")
    return graph.add("LpPool", call.operand(), p=2, **window)
