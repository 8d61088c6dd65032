"""Element by element: arithmetic, comparisons, casts."""

import numpy as np

from ..mlpackage.program import FLOATS
from .call import Call
from .graph import Graph, inside
from .registry import Lowering, Symbols, lowers, register

_UNARY = {
    "abs": "Abs",
    "acos": "Acos",
    "asin": "Asin",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "identity": "Identity",
    "logical_not": "Not",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "tan": "Tan",
}
_BINARY = {
    "add": "Add",
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
    "maximum": "Max",
    "minimum": "Min",
    "mul": "Mul",
    "pow": "Pow",
    "real_div": "Div",
    "sub": "Sub",
}


def _unary(kind: str) -> Lowering:
    return lambda call, graph: graph.add(kind, call.operand())


def _binary(kind: str) -> Lowering:
    return lambda call, graph: graph.add(kind, call.operand("x"), call.operand("y"))


for _kind, _onnx_kind in _UNARY.items():
    register(_kind, _unary(_onnx_kind))
for _kind, _onnx_kind in _BINARY.items():
    register(_kind, _binary(_onnx_kind))


@lowers("cast")
def cast(call: Call, graph: Graph) -> Symbols:
    """To the result's own type; casts that only narrow have nothing to do inside a graph."""
    target = inside(call.operation.outputs[0].type.dtype)
    return call.operand() if inside(call.type().dtype) == target else graph.cast(call.operand(), target)


@lowers("not_equal")
def not_equal(call: Call, graph: Graph) -> Symbols:
    return graph.add("Not", graph.add("Equal", call.operand("x"), call.operand("y")))


@lowers("mod")
def mod(call: Call, graph: Graph) -> Symbols:
    """The remainder with the divisor's sign."""
    x, y = call.operand("x"), call.operand("y")
    if call.type().dtype in FLOATS:
        return graph.add("Sub", x, graph.add("Mul", graph.add("Floor", graph.add("Div", x, y)), y))
    return graph.add("Mod", x, y)


@lowers("floor_div")
def floor_div(call: Call, graph: Graph) -> Symbols:
    x, y = call.operand("x"), call.operand("y")
    if call.type().dtype in FLOATS:
        return graph.add("Floor", graph.add("Div", x, y))
    # ONNX divides whole numbers towards zero: take the remainder off first, and nothing is left to round.
    return graph.add("Div", graph.add("Sub", x, graph.add("Mod", x, y)), y)


@lowers("select")
def select(call: Call, graph: Graph) -> Symbols:
    return graph.add("Where", call.operand("cond"), call.operand("a"), call.operand("b"))


@lowers("square")
def square(call: Call, graph: Graph) -> Symbols:
    return graph.add("Mul", call.operand(), call.operand())


@lowers("exp2")
def exp2(call: Call, graph: Graph) -> Symbols:
    return graph.add("Pow", graph.constant(np.float32(2)), call.operand())


def _shifted(call: Call, graph: Graph, default: float) -> str:
    """x + epsilon: the defaults, tiny as they are, belong to the operators' definitions."""
    epsilon = np.float32(call.number("epsilon", default))
    return graph.add("Add", call.operand(), graph.constant(epsilon)) if epsilon else call.operand()


@lowers("log")
def log(call: Call, graph: Graph) -> Symbols:
    return graph.add("Log", _shifted(call, graph, 1e-45))


@lowers("rsqrt")
def rsqrt(call: Call, graph: Graph) -> Symbols:
    return graph.add("Reciprocal", graph.add("Sqrt", _shifted(call, graph, 1e-12)))


@lowers("inverse")
def inverse(call: Call, graph: Graph) -> Symbols:
    return graph.add("Reciprocal", _shifted(call, graph, 1e-4))


@lowers("clip")
def clip(call: Call, graph: Graph) -> Symbols:
    return graph.add(
        "Clip", call.operand(), graph.constant(call.floats("alpha")), graph.constant(call.floats("beta"))
    )


@lowers("threshold")
def threshold(call: Call, graph: Graph) -> Symbols:
    return graph.add("Max", call.operand(), graph.constant(call.floats("alpha")))
