"""Activations. Parameters named alpha and beta are single numbers unless a function says otherwise."""

import math

from .call import Call
from .graph import Graph
from .registry import Lowering, Symbols, lowers, register

_PLAIN = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "tanh": "Tanh",
}


def _plain(kind: str) -> Lowering:
    return lambda call, graph: graph.add(kind, call.operand())


for _kind, _onnx_kind in _PLAIN.items():
    register(_kind, _plain(_onnx_kind))


@lowers("leaky_relu")
def leaky_relu(call: Call, graph: Graph) -> Symbols:
    return graph.add("LeakyRelu", call.operand(), alpha=call.number("alpha", 0.01))


@lowers("elu")
def elu(call: Call, graph: Graph) -> Symbols:
    return graph.add("Elu", call.operand(), alpha=call.number("alpha", 1.0))


@lowers("relu6")
def relu6(call: Call, graph: Graph) -> Symbols:
    return graph.add("Clip", call.operand(), graph.constant(0.0), graph.constant(6.0))


@lowers("sigmoid_hard")
def sigmoid_hard(call: Call, graph: Graph) -> Symbols:
    """min(max(alpha * x + beta, 0), 1)"""
    return graph.add(
        "HardSigmoid", call.operand(), alpha=call.number("alpha", 0.2), beta=call.number("beta", 0.5)
    )


@lowers("silu")
def silu(call: Call, graph: Graph) -> Symbols:
    return graph.add("Mul", call.operand(), graph.add("Sigmoid", call.operand()))


@lowers("linear_activation")
def linear_activation(call: Call, graph: Graph) -> Symbols:
    """alpha * x + beta"""
    scaled = graph.add("Mul", call.operand(), graph.constant(call.number("alpha")))
    return graph.add("Add", scaled, graph.constant(call.number("beta", 0.0)))


@lowers("scaled_tanh")
def scaled_tanh(call: Call, graph: Graph) -> Symbols:
    """alpha * tanh(beta * x)"""
    inner = graph.add("Mul", call.operand(), graph.constant(call.number("beta", 1.0)))
    return graph.add("Mul", graph.add("Tanh", inner), graph.constant(call.number("alpha", 1.0)))


@lowers("clamped_relu")
def clamped_relu(call: Call, graph: Graph) -> Symbols:
    """min(beta, x) where x >= 0, min(beta, alpha * x) elsewhere"""
    leaky = graph.add("LeakyRelu", call.operand(), alpha=call.number("alpha"))
    return graph.add("Min", leaky, graph.constant(call.number("beta")))


@lowers("thresholded_relu")
def thresholded_relu(call: Call, graph: Graph) -> Symbols:
    """x where x >= alpha, 0 elsewhere. (ONNX's ThresholdedRelu leaves x = alpha out.)"""
    passes = graph.add("GreaterOrEqual", call.operand(), graph.constant(call.number("alpha", 1.0)))
    return graph.add("Where", passes, call.operand(), graph.constant(0.0))


@lowers("prelu")
def prelu(call: Call, graph: Graph) -> Symbols:
    return graph.add("PRelu", call.operand(), _per_channel(call, graph, "alpha"))


@lowers("softplus_parametric")
def softplus_parametric(call: Call, graph: Graph) -> Symbols:
    """alpha * log(1 + exp(beta * x)), both per channel"""
    inner = graph.add("Mul", call.operand(), _per_channel(call, graph, "beta"))
    return graph.add("Mul", graph.add("Softplus", inner), _per_channel(call, graph, "alpha"))


def _per_channel(call: Call, graph: Graph, key: str) -> str:
    """A vector over channels, shaped to stand against axis 1."""
    return graph.constant(call.floats(key).reshape(-1, *[1] * (call.rank() - 2)))


@lowers("gelu")
def gelu(call: Call, graph: Graph) -> Symbols:
    x, mode = call.operand(), call.text("mode", "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        return graph.add("Mul", x, graph.add("Sigmoid", graph.add("Mul", x, graph.constant(1.702))))
    if mode == "EXACT":
        gate = graph.add("Erf", graph.add("Div", x, graph.constant(math.sqrt(2))))
    elif mode == "TANH_APPROXIMATION":
        cube = graph.add("Mul", graph.add("Mul", x, x), x)
        inner = graph.add("Add", x, graph.add("Mul", cube, graph.constant(0.044715)))
        gate = graph.add("Tanh", graph.add("Mul", inner, graph.constant(math.sqrt(2 / math.pi))))
    else:
        raise call.malformed(f"mode {mode!r}")
    twice = graph.add("Mul", x, graph.add("Add", gate, graph.constant(1.0)))
    return graph.add("Mul", twice, graph.constant(0.5))
