"""The compiled form: the same program as the package form, flexible shapes, and errors with their line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hocket.models.errors import PackageError
from hocket.models.mlpackage import Constant, Program, Reference, read_package
from hocket.models.predictor import TensorSpec
from tests.mil_text import program_text

_PACKAGES = Path(__file__).parents[3] / "fixtures" / "packages"
_SMALL = """program(1.0)
{
    func main<ios17>(tensor<fp32, [1, ?]> x) {
            tensor<fp32, [1, ?]> y = relu(x = x)[name = tensor<string, []>("y")];
        } -> (y);
}"""


def compiled(folder: Path, text: str, metadata: object = None) -> Program:
    (folder / "model.mil").write_text(text, encoding="utf-8")
    if metadata is not None:
        (folder / "metadata.json").write_text(json.dumps(metadata))
    return read_package(folder)


def described(shape: str, **more: str) -> list[dict[str, Any]]:
    """metadata.json as Apple's compiler writes it."""
    return [{"inputSchema": [{"name": "x", "type": "MultiArray", "shape": shape, **more}]}]


def values_equal(first: object, second: object) -> bool:
    if isinstance(first, Constant) and isinstance(second, Constant):
        return first.type == second.type and np.array_equal(np.asarray(first.value), np.asarray(second.value))
    return isinstance(first, Reference) and first == second


@pytest.mark.parametrize("is_bare", [False, True])
@pytest.mark.parametrize("name", ["recurrent", "convolutional", "attentive", "quantized"])
def test_text_and_package_form_give_the_same_program(name: str, is_bare: bool, tmp_path: Path) -> None:
    package = read_package(_PACKAGES / f"{name}.mlpackage")
    program = compiled(tmp_path, program_text(package, is_bare=is_bare))
    assert program.opset == package.opset
    assert program.parameters == package.parameters
    assert program.results == package.results
    assert program.outputs == package.outputs
    for found, expected in zip(program.operations, package.operations, strict=True):
        assert (found.kind, found.outputs) == (expected.kind, expected.outputs)
        assert found.inputs.keys() == expected.inputs.keys()
        assert found.attributes.keys() == expected.attributes.keys()
        for key, arguments in expected.inputs.items():
            pairs = zip(found.inputs[key], arguments, strict=True)
            assert all(values_equal(one, other) for one, other in pairs)
        for key, value in expected.attributes.items():
            assert values_equal(found.attributes[key], value)


def test_free_sizes_admit_any_when_nothing_else_is_said(tmp_path: Path) -> None:
    assert compiled(tmp_path, _SMALL).inputs == (TensorSpec("x", (1, 1), ranges=((1, 1), (1, -1))),)


def test_ranges_come_from_the_metadata(tmp_path: Path) -> None:
    program = compiled(tmp_path, _SMALL, described("[1, 5]", shapeRange="[[1, 1], [2, 9]]"))
    assert program.inputs == (TensorSpec("x", (1, 5), ranges=((1, 1), (2, 9))),)


def test_enumerated_shapes_come_from_the_metadata(tmp_path: Path) -> None:
    program = compiled(tmp_path, _SMALL, described("[1, 5]", enumeratedShapes="[[1, 5], [1, 7]]"))
    assert program.inputs == (TensorSpec("x", (1, 5), allowed=((1, 5), (1, 7))),)


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        {},
        [{"inputSchema": [{"name": "x"}]}],
        described("[1, "),
        described('["a"]'),
        described("{}"),
        described("[1, 5]", shapeRange="[1, 2]"),
        described("[2, 5]"),
    ],
)
def test_metadata_that_does_not_fit_is_an_error(metadata: object, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"metadata.json|input 'x' is declared as \(2, 5\)"):
        compiled(tmp_path, _SMALL, metadata)


def test_other_functions_are_stepped_over(tmp_path: Path) -> None:
    program = read_package(_PACKAGES / "quantized.mlpackage")
    others = "    func other<ios17>(tensor<fp32, [1]> z) [A = tuple<int32>((1, {2}))] { } -> (z);\n"
    found = compiled(tmp_path, program_text(program, others=others))
    assert found.parameters == program.parameters


def test_a_function_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "model.mil").write_text(_SMALL.replace("main", "other"))
    assert read_package(tmp_path, "other").results[0].name == "y"
    with pytest.raises(PackageError, match=r"has no function 'main', but \['other'\]"):
        read_package(tmp_path)


def test_nested_blocks_are_counted_not_read(tmp_path: Path) -> None:
    text = _SMALL.replace("relu(x = x)", "cond(pred = x)").replace(
        '("y")];', '("y")] { tensor<fp32, []> z = relu(x = x)[]; } -> (z), { } -> ("}");'
    )
    assert compiled(tmp_path, text).operations[0].num_blocks == 2


def test_numbers_may_be_infinite_and_hexadecimal(tmp_path: Path) -> None:
    text = _SMALL.replace("x = x", "x = tensor<fp32, [4]>([-inf, nan, 0x1.8p+1, -0x1p-1])")
    (value,) = compiled(tmp_path, text).operations[0].inputs["x"]
    assert isinstance(value, Constant)
    np.testing.assert_array_equal(np.asarray(value.value), np.float32([-np.inf, np.nan, 3, -0.5]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("program", "pogram", "line 1: expected 'program', found 'pogram'"),
        ("-> (y)", "-> (q)", "line 5: output 'q' is never computed"),
        ('("y")', '("y', "line 4: a string has no end"),
        ("x = x", "x = ", r"line 4: expected a name, found '\)'"),
        ("[1, ?]> x", "[1, x]> x", "line 3: expected a number, found 'x'"),
        ("[1, ?]> x", "[1, -4]> x", "line 3: a tensor has size -4"),
        ("x = x", "x = tensor<int8, [2]>([1])", r"1 values for shape \[2\]"),
        ("x = x", "x = tensor<int8, [1]>([999])", "these are no values of int8"),
        ("x = x", 'x = tensor<fp32, [1]>(["a"])', "these are no values of float32"),
        ("x = x", "x = tensor<string, [1]>([1])", "expected strings"),
        ("x = x", "x = tensor<odd, []>(1)", "constants of type odd cannot be read"),
        ("x = x", "x = tensor<fp32, []>(" + "[" * 99, "brackets are nested more than 24 deep"),
        ("x = x", "x = tensor<fp32, []>(0x1p+99999)", "is out of range"),
        ("x = x", "x = tensor<int32, []>(" + "9" * 9999 + ")", "is out of range"),
        ("x = x", "x = tensor<fp32, [1]>(BLOBFILE(path = x))", "expected '<', found|expected"),
        (" -> (y);\n}", "", "line 5: expected '->', found 'the end of the file'"),
        ("[1, ?]> x", "[1, ?] x", "line 3: expected '>', found 'x'"),
    ],
)
def test_damage_is_named_with_its_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=message):
        compiled(tmp_path, _SMALL.replace(old, new))


def test_text_of_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.mil").write_bytes(b"program\xff")
    with pytest.raises(PackageError, match="is not UTF-8 text"):
        read_package(tmp_path)


def test_every_prefix_of_a_program_is_an_error_not_a_crash(tmp_path: Path) -> None:
    text = program_text(read_package(_PACKAGES / "quantized.mlpackage"))
    for length in range(0, len(text) - 1, 37):
        with pytest.raises(PackageError):
            compiled(tmp_path, text[:length])
