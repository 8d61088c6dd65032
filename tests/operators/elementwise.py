"""Arithmetic, comparisons, casts and activations."""

import math

import numpy as np
from numpy.typing import NDArray

from tests.operators.case import CUBE, PLANE, POSITIVE, Case, X, case, numbers
from tests.programs import Input, known

_OTHER = numbers(3, 4, seed=1)
_FLAGS = PLANE > 0
_OTHER_FLAGS = _OTHER > 0
_WHOLE = np.array([-7, -4, -1, 0, 3, 8])
_DIVISORS = np.array([2, -3, 2, 5, -2, 3])
_CHANNELS = np.array([0.5, -1.0, 2.0], np.float32)
_INSIDE = np.clip(PLANE, -0.9, 0.9)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return (1 / (1 + np.exp(-x))).astype(np.float32)


def _erf(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.vectorize(math.erf, otypes=[np.float32])(x)


_UNARY = [
    ("abs", np.abs(PLANE)),
    ("atan", np.arctan(PLANE)),
    ("ceil", np.ceil(PLANE)),
    ("cos", np.cos(PLANE)),
    ("cosh", np.cosh(PLANE)),
    ("erf", _erf(PLANE)),
    ("exp", np.exp(PLANE)),
    ("exp2", np.exp2(PLANE)),
    ("floor", np.floor(PLANE)),
    ("identity", PLANE),
    ("relu", np.maximum(PLANE, 0)),
    ("relu6", np.clip(PLANE, 0, 6)),
    ("sigmoid", _sigmoid(PLANE)),
    ("sign", np.sign(PLANE)),
    ("silu", PLANE * _sigmoid(PLANE)),
    ("sin", np.sin(PLANE)),
    ("sinh", np.sinh(PLANE)),
    ("softplus", np.log1p(np.exp(PLANE))),
    ("softsign", PLANE / (1 + np.abs(PLANE))),
    ("square", PLANE * PLANE),
    ("tan", np.tan(PLANE)),
    ("tanh", np.tanh(PLANE)),
]
_BINARY = [
    ("add", PLANE + _OTHER),
    ("equal", PLANE == _OTHER),
    ("greater", PLANE > _OTHER),
    ("greater_equal", PLANE >= _OTHER),
    ("less", PLANE < _OTHER),
    ("less_equal", PLANE <= _OTHER),
    ("maximum", np.maximum(PLANE, _OTHER)),
    ("minimum", np.minimum(PLANE, _OTHER)),
    ("mod", np.mod(PLANE, _OTHER)),
    ("mul", PLANE * _OTHER),
    ("not_equal", PLANE != _OTHER),
    ("real_div", PLANE / _OTHER),
    ("floor_div", np.floor_divide(PLANE, _OTHER)),
    ("sub", PLANE - _OTHER),
]

CASES: list[Case] = [
    *(case(kind, expected, x=X) for kind, expected in _UNARY),
    *(case(kind, expected, x=X, y=Input(_OTHER)) for kind, expected in _BINARY),
    *(
        case(kind, function(_INSIDE), x=Input(_INSIDE))
        for kind, function in (("acos", np.arccos), ("asin", np.arcsin), ("atanh", np.arctanh))
    ),
    case("add", PLANE + 1, "broadcasts a constant", x=X, y=np.float32(1)),
    case("add", _WHOLE + _DIVISORS, "whole numbers", x=Input(_WHOLE), y=Input(_DIVISORS)),
    case("floor_div", _WHOLE // _DIVISORS, "whole numbers", x=Input(_WHOLE), y=Input(_DIVISORS)),
    case("mod", _WHOLE % _DIVISORS, "whole numbers", x=Input(_WHOLE), y=Input(_DIVISORS)),
    case("pow", POSITIVE**_OTHER, x=Input(POSITIVE), y=Input(_OTHER)),
    case("logical_and", _FLAGS & _OTHER_FLAGS, x=Input(_FLAGS), y=Input(_OTHER_FLAGS)),
    case("logical_or", _FLAGS | _OTHER_FLAGS, x=Input(_FLAGS), y=Input(_OTHER_FLAGS)),
    case("logical_xor", _FLAGS ^ _OTHER_FLAGS, x=Input(_FLAGS), y=Input(_OTHER_FLAGS)),
    case("logical_not", ~_FLAGS, x=Input(_FLAGS)),
    case("select", np.where(_FLAGS, PLANE, _OTHER), cond=Input(_FLAGS), a=X, b=Input(_OTHER)),
    case("round", [0.0, 2.0, 2.0, -2.0], "halves go to even", x=Input([0.5, 1.5, 2.5, -1.5])),
    case("sqrt", np.sqrt(POSITIVE), x=Input(POSITIVE)),
    case("clip", np.clip(PLANE, -0.5, 0.7), x=X, alpha=np.float32(-0.5), beta=np.float32(0.7)),
    case("threshold", np.maximum(PLANE, 0.3), x=X, alpha=np.float32(0.3)),
    case("log", np.log(POSITIVE), x=Input(POSITIVE)),
    case("log", np.log(POSITIVE + 0.5), "epsilon", x=Input(POSITIVE), epsilon=np.float32(0.5)),
    case("log", [-np.inf], "of zero is minus infinity", x=Input([0.0]), epsilon=np.float32(0)),
    case("rsqrt", 1 / np.sqrt(POSITIVE + 0.5), x=Input(POSITIVE), epsilon=np.float32(0.5)),
    case("inverse", [1e4, 1 / 2.0001], "default epsilon", x=Input([0.0, 2.0])),
    case("cast", PLANE.astype(np.int32), "to whole numbers", x=X, dtype="int32"),
    case("cast", _WHOLE.astype(np.float32), "to floats", x=Input(_WHOLE), dtype="fp32"),
    case("cast", PLANE != 0, "to flags", x=X, dtype="bool"),
    case("cast", PLANE, "of the same type", x=X, dtype="fp16"),
    case("leaky_relu", np.where(PLANE > 0, PLANE, 0.2 * PLANE), x=X, alpha=np.float32(0.2)),
    case("elu", np.where(PLANE > 0, PLANE, 0.7 * np.expm1(PLANE)), x=X, alpha=np.float32(0.7)),
    case("sigmoid_hard", np.clip(0.3 * PLANE + 0.4, 0, 1), x=X, alpha=np.float32(0.3), beta=np.float32(0.4)),
    case("linear_activation", 0.3 * PLANE + 0.4, x=X, alpha=np.float32(0.3), beta=np.float32(0.4)),
    case("scaled_tanh", 0.3 * np.tanh(0.4 * PLANE), x=X, alpha=np.float32(0.3), beta=np.float32(0.4)),
    case(
        "clamped_relu",
        np.minimum(0.4, np.where(PLANE >= 0, PLANE, 0.3 * PLANE)),
        x=X,
        alpha=np.float32(0.3),
        beta=np.float32(0.4),
    ),
    case("thresholded_relu", [0.0, 1.0, 2.0], "keeps x = alpha", x=Input([0.5, 1, 2]), alpha=np.float32(1)),
    case("prelu", np.where(CUBE > 0, CUBE, CUBE * _CHANNELS[:, None]), x=Input(CUBE), alpha=_CHANNELS),
    case(
        "softplus_parametric",
        _CHANNELS[:, None] * np.log1p(np.exp(CUBE / 2)),
        x=Input(CUBE),
        alpha=_CHANNELS,
        beta=np.full(3, 0.5, np.float32),
    ),
    case("gelu", PLANE * (1 + _erf(PLANE / np.float32(np.sqrt(2)))) / 2, x=X),
    case(
        "gelu",
        PLANE * (1 + np.tanh(np.sqrt(2 / np.pi) * (PLANE + 0.044715 * PLANE**3))) / 2,
        "tanh",
        x=X,
        mode="TANH_APPROXIMATION",
    ),
    case("gelu", PLANE * _sigmoid(1.702 * PLANE), "sigmoid", x=X, mode="SIGMOID_APPROXIMATION"),
    case(
        "quantize",
        np.array([-128, -4, 1, 6, 127]),
        input=Input([-1000.0, -1.0, 0.2, 1.4, 1000.0]),
        scale=np.float32(0.25),
        zero_point=known(np.int8(0), "int8"),
        output_dtype="int8",
    ),
    case(
        "quantize",
        np.array([[10, 14], [12, 14]]),
        "per axis",
        input=Input([[0.0, 1.0], [1.0, 2.0]]),
        scale=np.array([0.25, 0.5], np.float32),
        zero_point=known(np.array([10, 10], np.uint8), "uint8"),
        axis=np.int32(0),
        output_dtype="uint8",
    ),
    case(
        "dequantize",
        np.array([[-0.5, 1.0], [-3.0, 6.0]], np.float32),
        input=Input([[-1, 2], [-1, 2]]),
        scale=np.array([0.5, 3.0], np.float32),
        axis=np.int32(0),
    ),
]
