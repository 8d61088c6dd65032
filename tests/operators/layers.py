"""Convolutions, pooling, products, normalisations, reductions, attention."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tests.operators.case import CUBE, PLANE, POSITIVE, Case, X, case, numbers
from tests.programs import Input

_Y = Input(CUBE)
_SIGNAL = numbers(2, 4, 11, seed=4)
_KERNEL = numbers(6, 4, 3, seed=5)
_GROUPED = numbers(6, 2, 3, seed=6)
_BIAS = numbers(6, seed=7)
_SPREAD = numbers(4, 2, 3, seed=8)
_WEIGHT = numbers(5, 4, seed=9)
_VECTOR = numbers(3, seed=10)
_SCALE = numbers(3, 4, seed=11)
_QUERY, _KEY, _VALUE = (numbers(2, 3, size, 4, seed=seed) for seed, size in ((12, 2), (13, 5), (14, 5)))
_MASK = numbers(2, 5, seed=15) > -0.5


def _conv(
    x: NDArray[np.float32],
    weight: NDArray[np.float32],
    pads: tuple[int, int] = (0, 0),
    stride: int = 1,
    dilation: int = 1,
) -> NDArray[np.float32]:
    """One-dimensional convolution by its definition."""
    padded = np.pad(x, ((0, 0), (0, 0), pads))
    reach = (weight.shape[2] - 1) * dilation + 1
    windows = sliding_window_view(padded, reach, axis=2)[:, :, ::stride, ::dilation]
    return np.einsum("bitk,oik->bot", windows, weight).astype(np.float32)


def _conv_transpose(x: NDArray[np.float32], weight: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    batch, _, steps = x.shape
    _, channels, reach = weight.shape
    out = np.zeros((batch, channels, (steps - 1) * stride + reach), np.float32)
    for step in range(steps):
        out[:, :, step * stride : step * stride + reach] += np.einsum("bi,iok->bok", x[:, :, step], weight)
    return out


def _softmax(x: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _attended(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    return _softmax(_QUERY @ _KEY.swapaxes(-1, -2) / 2 + mask, -1) @ _VALUE


def _normed(x: NDArray[np.float32], axes: tuple[int, ...], epsilon: float) -> NDArray[np.float32]:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + np.float32(epsilon))


_WINDOWS = sliding_window_view(_SIGNAL, 3, axis=2)[:, :, ::2]
_TRANSPOSED = _conv_transpose(_SIGNAL, _SPREAD, 2)

_CONVOLUTIONS: list[Case] = [
    case(
        "conv",
        _conv(_SIGNAL, _KERNEL),
        x=Input(_SIGNAL),
        weight=_KERNEL,
        pad=np.array([9, 9]),
        pad_type="valid",
    ),
    case(
        "conv",
        _conv(_SIGNAL, _KERNEL, (1, 2), 2, 2) + _BIAS[:, None],
        "padded unevenly, strided, dilated",
        x=Input(_SIGNAL),
        weight=_KERNEL,
        bias=_BIAS,
        pad_type="custom",
        pad=np.array([1, 2]),
        strides=np.array([2]),
        dilations=np.array([2]),
    ),
    case(
        "conv",
        np.concatenate([_conv(_SIGNAL[:, :2], _GROUPED[:3]), _conv(_SIGNAL[:, 2:], _GROUPED[3:])], 1),
        "in groups",
        x=Input(_SIGNAL),
        weight=_GROUPED,
        groups=np.int32(2),
    ),
    case(
        "conv",
        _conv(_SIGNAL, _KERNEL, (1, 1), 2),
        "same",
        x=Input(_SIGNAL),
        weight=_KERNEL,
        pad_type="same",
        strides=np.array([2]),
    ),
    case("conv_transpose", _TRANSPOSED, x=Input(_SIGNAL), weight=_SPREAD, strides=np.array([2])),
    case(
        "conv_transpose",
        _TRANSPOSED[:, :, 1:-2],
        "padded",
        x=Input(_SIGNAL),
        weight=_SPREAD,
        strides=np.array([2]),
        pad_type="custom",
        pad=np.array([1, 2]),
    ),
    case(
        "conv_transpose",
        np.pad(_TRANSPOSED, ((0, 0), (0, 0), (0, 1))),
        "to a stated length",
        x=Input(_SIGNAL, is_fixed=True),
        weight=_SPREAD,
        strides=np.array([2]),
        output_shape=np.array([2, 2, 24]),
    ),
    case("max_pool", _WINDOWS.max(-1), x=Input(_SIGNAL), kernel_sizes=np.array([3]), strides=np.array([2])),
    case(
        "max_pool",
        np.array([[[-1.0, -2.0]]], np.float32),
        "padding never wins",
        x=Input([[[-1.0, -2.0]]]),
        kernel_sizes=np.array([2]),
        strides=np.array([2]),
        pad_type="custom",
        pad=np.array([1, 1]),
    ),
    case("avg_pool", _WINDOWS.mean(-1), x=Input(_SIGNAL), kernel_sizes=np.array([3]), strides=np.array([2])),
    case(
        "avg_pool",
        np.array([[[1.0, 2.5]]], np.float32),
        "counting the padding",
        x=Input([[[2.0, 5.0]]]),
        kernel_sizes=np.array([2]),
        strides=np.array([2]),
        pad_type="custom",
        pad=np.array([1, 1]),
    ),
    case(
        "avg_pool",
        np.array([[[2.0, 5.0]]], np.float32),
        "without the padding",
        x=Input([[[2.0, 5.0]]]),
        kernel_sizes=np.array([2]),
        strides=np.array([2]),
        pad_type="custom",
        pad=np.array([1, 1]),
        exclude_padding_from_average=True,
    ),
    case(
        "avg_pool",
        np.array([[[1.5, 3.0]]], np.float32),
        "the last window may be short",
        x=Input([[[1.0, 2.0, 3.0]]]),
        kernel_sizes=np.array([2]),
        strides=np.array([2]),
        ceil_mode=True,
    ),
    case(
        "l2_pool",
        np.sqrt((_WINDOWS**2).sum(-1)),
        x=Input(_SIGNAL),
        kernel_sizes=np.array([3]),
        strides=np.array([2]),
    ),
]

_PRODUCTS: list[Case] = [
    case("linear", CUBE @ _WEIGHT.T + _BIAS[:5], x=_Y, weight=_WEIGHT, bias=_BIAS[:5]),
    case("linear", CUBE @ _WEIGHT.T, "with a computed weight", x=_Y, weight=Input(_WEIGHT)),
    case("matmul", PLANE @ _WEIGHT.T, x=X, y=_WEIGHT, transpose_y=True),
    case("matmul", PLANE.T @ PLANE, "transposed on the left", x=X, y=X, transpose_x=True),
    case(
        "einsum",
        np.einsum("chw,whr->chr", CUBE.transpose(0, 1, 2), numbers(4, 3, 2, seed=16)),
        values=[_Y, Input(numbers(4, 3, 2, seed=16))],
        equation="chw,whr->chr",
    ),
    case(
        "scaled_dot_product_attention",
        _attended(np.zeros((2, 5), np.float32)),
        query=Input(_QUERY),
        key=Input(_KEY),
        value=Input(_VALUE),
    ),
    case(
        "scaled_dot_product_attention",
        _attended(np.where(_MASK, 0, -np.inf).astype(np.float32)),
        "masked",
        query=Input(_QUERY),
        key=Input(_KEY),
        value=Input(_VALUE),
        attn_mask=Input(_MASK),
    ),
]

_NORMS: list[Case] = [
    case("softmax", _softmax(CUBE, 1), x=_Y, axis=np.int32(1)),
    case(
        "batch_norm",
        (CUBE - _VECTOR[:, None]) / np.sqrt(0.5 + np.float32(1e-3)) * 2,
        x=_Y,
        mean=_VECTOR,
        variance=np.full(3, 0.5, np.float32),
        gamma=np.full(3, 2.0, np.float32),
        beta=np.zeros(3, np.float32),
        epsilon=np.float32(1e-3),
    ),
    case(
        "batch_norm",
        (CUBE - _VECTOR[:, None]) / np.sqrt(0.5 + np.float32(1e-5)),
        "without scale",
        x=_Y,
        mean=_VECTOR,
        variance=np.full(3, 0.5, np.float32),
    ),
    case(
        "instance_norm",
        _normed(CUBE, (2,), 1e-3) * _VECTOR[:, None] + 1,
        x=_Y,
        gamma=_VECTOR,
        beta=np.ones(3, np.float32),
        epsilon=np.float32(1e-3),
    ),
    case(
        "layer_norm",
        _normed(CUBE, (1, 2), 1e-5) * _SCALE + 1,
        x=_Y,
        axes=np.array([1, -1]),
        gamma=_SCALE,
        beta=np.ones((3, 4), np.float32),
    ),
    case("layer_norm", _normed(CUBE, (2,), 1e-3), "without scale", x=_Y, axes=np.array([2]), epsilon=1e-3),
    case(
        "layer_norm",
        _normed(CUBE, (1,), 1e-5) * _VECTOR[:, None],
        "over a middle axis",
        x=_Y,
        axes=np.array([1]),
        gamma=_VECTOR,
    ),
    case("l2_norm", CUBE / np.sqrt((CUBE**2).sum() + 0.5), x=_Y, epsilon=np.float32(0.5)),
]

_REDUCTIONS: list[Case] = [
    case("reduce_sum", CUBE.sum((0, 2)), x=_Y, axes=np.array([0, -1])),
    case("reduce_sum", CUBE.sum(), "everything", x=_Y),
    case("reduce_mean", CUBE.mean(1, keepdims=True), x=_Y, axes=np.array([1]), keep_dims=True),
    case("reduce_max", CUBE.max(2), x=_Y, axes=np.array([2])),
    case("reduce_min", CUBE.min(2), x=_Y, axes=np.array([2])),
    case("reduce_prod", CUBE.prod(2), x=_Y, axes=np.array([2])),
    case("reduce_l1_norm", np.abs(CUBE).sum(2), x=_Y, axes=np.array([2])),
    case("reduce_l2_norm", np.sqrt((CUBE**2).sum(2)), x=_Y, axes=np.array([2])),
    case("reduce_sum_square", (CUBE**2).sum(2), x=_Y, axes=np.array([2])),
    case("reduce_log_sum", np.log(POSITIVE.sum(1)), x=Input(POSITIVE), axes=np.array([1])),
    case("reduce_log_sum_exp", np.log(np.exp(CUBE).sum(1)), x=_Y, axes=np.array([1])),
]

CASES = _CONVOLUTIONS + _PRODUCTS + _NORMS + _REDUCTIONS
