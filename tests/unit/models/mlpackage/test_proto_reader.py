"""The package form, written by hand with the wire codec: values, interfaces, and what is refused."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from hocket.models.errors import PackageError
from hocket.models.mlpackage import Constant, Program, read_package
from hocket.models.mlpackage.protobuf import bytes_field, float_field, integer_field, packed_field
from hocket.models.predictor import TensorSpec

FLOAT16, FLOAT32, INT32, STRING, BOOL, UINT4 = 10, 11, 23, 2, 1, 35


def entry(key: str, value: bytes) -> bytes:
    return bytes_field(1, key) + bytes_field(2, value)


def type_of(code: int, *shape: int | None) -> bytes:
    """A ValueType of a tensor; None is an unknown size."""
    sizes = b"".join(
        bytes_field(3, bytes_field(2, b"") if size is None else bytes_field(1, integer_field(1, size)))
        for size in shape
    )
    return bytes_field(1, integer_field(1, code) + integer_field(2, len(shape)) + sizes)


def variable(name: str, value_type: bytes) -> bytes:
    return bytes_field(1, name) + bytes_field(2, value_type)


def immediate(value_type: bytes, form: int, values: bytes) -> bytes:
    """A Value whose TensorValue has `values` in field `form`."""
    return bytes_field(2, value_type) + bytes_field(3, bytes_field(1, bytes_field(form, values)))


def operation(kind: str, output: bytes, inputs: dict[str, bytes], *, blocks: int = 0) -> bytes:
    arguments = b"".join(bytes_field(2, entry(key, bytes_field(1, value))) for key, value in inputs.items())
    return bytes_field(1, kind) + arguments + bytes_field(3, output) + bytes_field(4, b"") * blocks


def package(
    folder: Path,
    *operations: bytes,
    parameter: bytes = variable("x", type_of(FLOAT32, None, 3)),
    array: bytes = packed_field(1, [2, 3]) + integer_field(2, 65568),
    feature_kind: int = 5,
    program_field: int = 502,
    opset: str = "CoreML7",
) -> Program:
    """A package of the function main(x) -> (y), read."""
    block = b"".join(bytes_field(3, item) for item in operations) + bytes_field(2, "y")
    function = bytes_field(1, parameter) + bytes_field(2, "CoreML7") + bytes_field(3, entry(opset, block))
    feature = bytes_field(1, "x") + bytes_field(3, bytes_field(feature_kind, array))
    model = bytes_field(2, bytes_field(1, feature)) + bytes_field(
        program_field, bytes_field(2, entry("main", function))
    )
    (folder / "Data").mkdir()
    (folder / "Data" / "model.mlmodel").write_bytes(model)
    manifest = {"rootModelIdentifier": "A", "itemInfoEntries": {"A": {"path": "model.mlmodel"}}}
    (folder / "Manifest.json").write_text(json.dumps(manifest))
    return read_package(folder)


Y = variable("y", type_of(FLOAT32, None, 3))
RELU = operation("relu", Y, {"x": bytes_field(1, "x")})


def constant(folder: Path, value: bytes) -> Constant:
    """The value as it comes out of an operation's argument."""
    program = package(folder, operation("relu", Y, {"x": bytes_field(2, value)}))
    (argument,) = program.operations[0].inputs["x"]
    assert isinstance(argument, Constant)
    return argument


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (immediate(type_of(FLOAT32, 2), 1, bytes_field(1, struct.pack("<2f", 1.5, -2))), [1.5, -2]),
        (immediate(type_of(FLOAT32, 1), 1, float_field(1, 1.5)), [1.5]),
        (immediate(type_of(FLOAT16, 2), 7, bytes_field(1, np.float16([1.5, -2]).tobytes())), [1.5, -2]),
        (immediate(type_of(INT32, 3), 2, packed_field(1, [1, -1, 0])), [1, -1, 0]),
        (immediate(type_of(INT32), 2, packed_field(1, [7])), 7),
        (immediate(type_of(BOOL, 2), 3, packed_field(1, [1, 0])), [True, False]),
        (immediate(type_of(UINT4, 3), 7, bytes_field(1, b"\x21\x0f")), [1, 2, 15]),
    ],
)
def test_constants_are_read_in_every_form(value: bytes, expected: object, tmp_path: Path) -> None:
    np.testing.assert_array_equal(np.asarray(constant(tmp_path, value).value), expected)


def test_a_text_is_a_str(tmp_path: Path) -> None:
    assert constant(tmp_path, immediate(type_of(STRING), 4, bytes_field(1, "same"))).value == "same"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (immediate(type_of(FLOAT32, 3), 1, bytes_field(1, b"\0" * 8)), r"2 values for shape \[3\]"),
        (immediate(type_of(FLOAT32, 3), 1, bytes_field(1, b"\0" * 7)), "7 bytes are no whole number"),
        (immediate(type_of(UINT4, 9), 7, bytes_field(1, b"\0")), r"1 bytes for uint4\[9\]"),
        (immediate(type_of(STRING, 2), 4, bytes_field(1, "a")), r"1 values for shape \[2\]"),
        (immediate(type_of(13, 1), 7, bytes_field(1, b"\0\0")), "constants of type bfloat16 cannot be read"),
        (immediate(type_of(99, 1), 1, b""), "data type 99 is unknown"),
        (immediate(type_of(INT32, 1 << 62, 1 << 62), 2, b""), "0 values for shape"),
        (
            bytes_field(2, type_of(FLOAT32, 1)) + bytes_field(5, bytes_field(1, "@model_path/x")),
            "does not lie in",
        ),
    ],
)
def test_constants_that_do_not_fit_are_refused(value: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=message):
        constant(tmp_path, value)


def test_values_nested_without_end_are_refused(tmp_path: Path) -> None:
    value = b""
    for _ in range(50):
        value = bytes_field(3, bytes_field(3, bytes_field(1, value)))
    with pytest.raises(PackageError, match="a value is nested more than 8 deep"):
        constant(tmp_path, value)


def test_the_interface_is_what_the_description_says(tmp_path: Path) -> None:
    assert package(tmp_path, RELU).inputs == (TensorSpec("x", (2, 3)),)


def test_outputs_of_unknown_size_say_so(tmp_path: Path) -> None:
    assert package(tmp_path, RELU).outputs == (TensorSpec("y", (-1, 3), ranges=((0, -1), (3, 3))),)


def test_ranges_are_read(tmp_path: Path) -> None:
    sizes = [integer_field(1, 1) + integer_field(2, -1), integer_field(1, 3) + integer_field(2, 3)]
    ranges = b"".join(bytes_field(1, size) for size in sizes)
    program = package(tmp_path, RELU, array=packed_field(1, [2, 3]) + bytes_field(31, ranges))
    assert program.inputs == (TensorSpec("x", (2, 3), ranges=((1, -1), (3, 3))),)


def test_enumerated_shapes_are_read(tmp_path: Path) -> None:
    shapes = b"".join(bytes_field(1, packed_field(1, shape)) for shape in ([4, 3], [8, 3]))
    program = package(tmp_path, RELU, array=packed_field(1, [4, 3]) + bytes_field(21, shapes))
    assert program.inputs == (TensorSpec("x", (4, 3), allowed=((4, 3), (8, 3))),)


def test_an_interface_that_contradicts_the_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        PackageError, match=r"input 'x' is declared as \(2, 4\), the program takes float32\[\?, 3\]"
    ):
        package(tmp_path, RELU, array=packed_field(1, [2, 4]))


def test_image_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="input 'x' is no array of numbers"):
        package(tmp_path, RELU, feature_kind=4)


def test_models_of_other_kinds_are_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="holds no ML Program but a neural network"):
        package(tmp_path, RELU, program_field=500)


def test_a_function_without_a_body_for_its_opset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no body for its opset 'CoreML7', but \['CoreML8'\]"):
        package(tmp_path, RELU, opset="CoreML8")


def test_an_output_that_is_never_computed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="output 'y' is never computed"):
        package(tmp_path)


def test_nested_blocks_are_counted(tmp_path: Path) -> None:
    looping = operation("while_loop", Y, {}, blocks=2)
    assert package(tmp_path, looping).operations[0].num_blocks == 2


def test_a_missing_function_is_named(tmp_path: Path) -> None:
    package(tmp_path, RELU)
    with pytest.raises(PackageError, match=r"has no function 'other', but \['main'\]"):
        read_package(tmp_path, "other")
