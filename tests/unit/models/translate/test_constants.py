"""Compressed constants, each form with the example of its own documentation or one worked by hand."""

from typing import Any

import numpy as np
import pytest

from hocket.models.errors import PackageError
from hocket.models.mlpackage import Constant, Operation, Program, Reference, TensorType, Variable
from hocket.models.mlpackage.interface import input_specs, output_specs
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate
from tests.programs import known


def expand(kind: str, *results: TensorType, **arguments: Any) -> np.ndarray[Any, Any]:
    """The last result of one constant, through a program that adds it to zero."""
    outputs = tuple(Variable(f"c{index}", result) for index, result in enumerate(results))
    inputs = {
        key: (value if isinstance(value, Constant) else known(value),) for key, value in arguments.items()
    }
    x = Variable("x", TensorType("float32"))
    y = Variable("y", TensorType("float32", results[-1].shape))
    operations = (
        Operation(f"constexpr_{kind}", inputs, outputs),
        Operation("add", {"x": (Reference("x"),), "y": (Reference(outputs[-1].name),)}, (y,)),
    )
    program = Program(input_specs([x], {}), output_specs([y]), (x,), (y,), operations, "CoreML8")
    return OnnxPredictor(translate(program)).predict({"x": np.zeros((), np.float32)})["y"]


def floats(*shape: int) -> TensorType:
    return TensorType("float32", shape)


def small(values: object, dtype: str) -> Constant:
    array = np.array(values, np.int8 if dtype == "int4" else np.uint8 if "u" in dtype else dtype)
    return Constant(TensorType(dtype, array.shape), array)


def test_cast_widens_half_precision() -> None:
    half = Constant(TensorType("float16", (2,)), np.array([1.5, -2], np.float16))
    np.testing.assert_array_equal(expand("cast", floats(2), source_val=half, output_dtype="fp32"), [1.5, -2])


def test_affine_scales_per_channel() -> None:
    values = expand(
        "affine_dequantize",
        floats(2, 2),
        quantized_data=small([[1, 2], [3, 4]], "uint8"),
        zero_point=small([1, 2], "uint8"),
        scale=np.float32([10, 100]),
        axis=np.int32(0),
    )
    np.testing.assert_array_equal(values, [[0, 10], [100, 200]])


def test_palette_of_packed_indices() -> None:
    # 2 bits each, least first: 0b11100100 holds 0, 1, 2, 3 and 0b01 one more.
    values = expand(
        "lut_to_dense",
        floats(5),
        indices=small([0b11100100, 0b01], "uint8"),
        lut=np.float32([5, 6, 7, 8]),
        shape=small([5], "uint32"),
    )
    np.testing.assert_array_equal(values, [5, 6, 7, 8, 6])


def test_palette_of_groups() -> None:
    values = expand(
        "lut_to_dense",
        floats(6, 2),
        indices=small([[2, 3], [3, 0], [1, 0], [3, 0], [2, 1], [0, 3]], "uint2"),
        lut=np.float32([1, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1),
    )
    np.testing.assert_array_equal(values, [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_palette_of_vectors(axis: int) -> None:
    indices = np.array([[0, 1], [1, 1]])
    table = np.float32([[1, 2, 3], [10, 20, 30]])
    expected = np.concatenate([np.take(table[:, part], indices)[..., None] for part in range(3)], axis=-1)
    expected = np.moveaxis(expected, -1, axis % 2 + 1).reshape((6, 2) if axis == 0 else (2, 6))
    values = expand(
        "lut_to_dense",
        floats(*expected.shape),
        indices=small(indices, "uint1"),
        lut=table.reshape(1, 1, 2, 3),
        vector_axis=np.int32(axis),
    )
    np.testing.assert_array_equal(values, expected)


def test_blocks_have_a_scale_and_an_offset_each() -> None:
    values = expand(
        "blockwise_shift_scale",
        floats(2, 4),
        data=small([[1, 2, 3, 4], [-1, -2, -3, -4]], "int4"),
        scale=np.float32([[1, 10], [2, 20]]),
        offset=small([[1, 0], [0, 1]], "int4"),
    )
    np.testing.assert_array_equal(values, [[0, 1, 30, 40], [-2, -4, -80, -100]])


def test_sparse_values_go_where_the_bits_are() -> None:
    values = expand(
        "sparse_to_dense",
        floats(3, 4),
        mask=small([0b10000101, 0b0010], "uint8"),
        nonzero_data=np.float32([1, 2, 3, 4]),
        shape=small([3, 4], "uint32"),
    )
    np.testing.assert_array_equal(values, [[1, 0, 2, 0], [0, 0, 0, 3], [0, 4, 0, 0]])


def test_sparse_values_go_where_the_mask_is() -> None:
    values = expand(
        "sparse_to_dense",
        floats(2, 2),
        mask=small([[1, 0], [0, 1]], "uint1"),
        nonzero_data=np.float32([1, 2]),
    )
    np.testing.assert_array_equal(values, [[1, 0], [0, 2]])


def test_sparse_values_are_scaled_as_their_places() -> None:
    values = expand(
        "sparse_blockwise_shift_scale",
        TensorType("uint1", (4, 4)),
        floats(9),
        data_mask=small([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]], "uint1"),
        nonzero_data=small([10, 11, 3, 4, 5, 6, 7, 8, 9], "int8"),
        scale=np.float32([[0.1, 0.2, 0.3, 0.4]]),
        offset=small([[1, 2, 3, 4]], "int8"),
    )
    np.testing.assert_allclose(values, [0.9, 1.8, 0.2, 0.4, 0.6, 0.9, 1.2, 0.7, 1.4], rtol=1e-6)


def test_sparse_indices_are_looked_up_as_their_places() -> None:
    values = expand(
        "lut_to_sparse",
        TensorType("uint1", (4, 6)),
        floats(9),
        indices_mask=small(
            [[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 1, 0, 0]], "uint1"
        ),
        indices_nonzero_data=small([0, 1, 1, 0, 1, 1, 0, 0, 1], "uint1"),
        lut=np.float32([2, 3]).reshape(1, 1, 2, 1),
    )
    np.testing.assert_array_equal(values, [2, 3, 3, 2, 3, 3, 2, 2, 3])


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (
            "sparse_to_dense",
            {"mask": small([1, 1], "uint1"), "nonzero_data": np.float32([1])},
            "1 values for 2 places",
        ),
        (
            "lut_to_dense",
            {"indices": small([0], "uint8"), "lut": np.float32([1, 2]), "shape": np.int32([1 << 30])},
            "indices has 1 bytes for shape",
        ),
        (
            "lut_to_dense",
            {"indices": small([9], "uint8"), "lut": np.float32([1, 2, 3]).reshape(1, 3, 1)},
            "is malformed: index 9 is out of bounds",
        ),
        (
            "blockwise_shift_scale",
            {"data": small([1, 2, 3], "int8"), "scale": np.float32([1, 2])},
            "3 values do not divide into 2 blocks",
        ),
        (
            "affine_dequantize",
            {"quantized_data": small([1], "int8"), "scale": np.float32(1), "axis": np.int32(3)},
            "axis 3 of a tensor of rank 1",
        ),
    ],
)
def test_pieces_that_do_not_fit_are_refused(kind: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PackageError, match=message):
        expand(kind, floats(2), **arguments)
