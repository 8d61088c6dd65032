"""Whole programs: what is refused and how, half precision, interfaces, and files that ONNX itself accepts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from hocket.models.errors import PackageError, UnsupportedOperator
from hocket.models.mlpackage import (
    Constant,
    Operation,
    Program,
    Reference,
    TensorType,
    Variable,
    read_package,
)
from hocket.models.mlpackage.interface import Declared, input_specs, output_specs
from hocket.models.onnx import OnnxPredictor
from hocket.models.predictor import TensorSpec
from hocket.models.translate import translate
from tests.programs import known

_PACKAGES = sorted((Path(__file__).parents[3] / "fixtures" / "packages").glob("*.mlpackage"))
FLOATS = TensorType("float32", (None, 2))
HALVES = TensorType("float16", (None, 2))


def step(kind: str, output: Variable, num_blocks: int = 0, **arguments: str | Constant) -> Operation:
    """An operation whose text arguments are names of variables."""
    inputs = {
        key: (Reference(value) if isinstance(value, str) else value,) for key, value in arguments.items()
    }
    return Operation(kind, inputs, (output,), num_blocks=num_blocks)


def program(
    *operations: Operation, result: Variable | None = None, parameter: TensorType = FLOATS, **declared: Any
) -> Program:
    """main(x) with one result: the last operation's, unless said otherwise."""
    x = Variable("x", parameter)
    results = (result or operations[-1].outputs[0],)
    inputs = input_specs([x], {"x": Declared(**declared)})
    return Program(inputs, output_specs(results), (x,), results, operations, "CoreML7")


def run(program: Program, x: object, **options: bool) -> Any:
    predictor = OnnxPredictor(translate(program, **options))
    outputs = predictor.predict({"x": np.asarray(x, program.inputs[0].dtype)})
    return outputs[program.results[0].name]


Y = Variable("y", FLOATS)


def test_all_operators_without_a_translation_are_named_together() -> None:
    operations = [
        step("relu", Variable("a", FLOATS), x="x"),
        step("random_normal", Variable("b", FLOATS), x="a"),
        step("made_up", Variable("c", FLOATS), x="b"),
        step("made_up", Y, x="c"),
    ]
    with pytest.raises(UnsupportedOperator) as caught:
        translate(program(*operations))
    assert str(caught.value) == (
        "3 of 4 operations (CoreML7) have no translation: made_up (×2), random_normal (×1)"
    )
    assert caught.value.operators == {"made_up": 2, "random_normal": 1}


def test_control_flow_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedOperator, match=r"while_loop \(×1\)"):
        translate(program(step("while_loop", Y, num_blocks=2, loop_vars="x")))


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (step("relu", Y), r"operator 'relu' \(y\): x is missing"),
        (step("relu", Y, x="later"), "'later' is used before it is computed"),
        (step("softmax", Y, x="x", axis="x"), "axis is computed, expected a constant"),
        (step("softmax", Y, x="x", axis=known([1, 2])), "axis has 2 values, expected one"),
        (step("transpose", Y, x="x", perm=known([0, 5])), "axis 5 of a tensor of rank 2"),
        (step("reduce_max", Y, x="x", axes=known("all")), "axes is 'all', expected numbers"),
        (step("add", Y, x="x", y=known("one")), "'one' is no operand"),
        (step("conv", Y, x="x", weight=known([1.0]), pad_type=known("odd")), "pad_type 'odd'"),
        (step("slice_by_index", Y, x="x", begin=known([0]), end=known([1])), "begin has 1 entries"),
        (step("fill", Y, shape=known([1 << 20, 1 << 20]), value=known(0.0)), "are implausible"),
        (step("linear", Y, x="x", weight=known("w")), "weight is 'w', expected numbers"),
    ],
)
def test_an_operation_that_contradicts_itself_is_named(operation: Operation, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        translate(program(operation))


def test_the_wrong_number_of_results_is_an_error() -> None:
    operation = replace(step("relu", Y, x="x"), outputs=(Y, Variable("z", FLOATS)))
    with pytest.raises(PackageError, match="has 2 results, expected 1"):
        translate(program(operation))


def test_half_precision_is_single_unless_emulated() -> None:
    casts = [
        step("cast", Variable("half", HALVES), x="x", dtype=known("fp16")),
        step("add", Variable("sum", HALVES), x="half", y=known(np.float32(1))),
        step("cast", Y, x="sum", dtype=known("fp32")),
    ]
    x = np.float32([[1e-4, 3.3333]])
    np.testing.assert_array_equal(run(program(*casts), x), x + 1)
    np.testing.assert_array_equal(
        run(program(*casts), x, emulate_fp16=True), np.float16(np.float16(x) + np.float16(1))
    )


def test_emulated_half_precision_overflows_to_infinity() -> None:
    square = step("square", Variable("y", HALVES), x="x")
    y = run(program(square, parameter=HALVES), [[300, 2]], emulate_fp16=True)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, np.float16([[np.inf, 4]]))


def test_log_of_an_underflown_probability_is_minus_infinity_not_an_error() -> None:
    scores = Variable("p", HALVES)
    operations = [
        step("softmax", scores, x="x", axis=known(-1)),
        step("log", Variable("y", HALVES), x="p", epsilon=known(0.0)),
    ]
    x = np.float32([[0, 30]])
    assert np.isfinite(run(program(*operations), x)).all()
    np.testing.assert_array_equal(run(program(*operations), x, emulate_fp16=True), [[-np.inf, 0]])


def test_whole_numbers_keep_their_type_at_the_edges() -> None:
    wholes = TensorType("int32", (None, 2))
    doubled = step("add", Variable("y", wholes), x="x", y="x")
    y = run(program(doubled, parameter=wholes), [[1, -2]])
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, [[2, -4]])


def test_a_result_may_be_the_input_itself_under_another_name() -> None:
    np.testing.assert_array_equal(run(program(step("identity", Y, x="x")), [[1, 2]]), [[1, 2]])


def test_a_result_may_be_a_constant() -> None:
    operation = Operation(
        "const", {}, (Variable("y", TensorType("float32", (2,))),), {"val": known([1.0, 2.0])}
    )
    np.testing.assert_array_equal(run(program(operation), [[0, 0]]), [1, 2])


def test_one_value_may_be_two_results() -> None:
    relu = step("relu", Y, x="x")
    same = step("identity", Variable("z", FLOATS), x="y")
    both = replace(program(relu, same), results=(Y, same.outputs[0]))
    both = replace(both, outputs=output_specs(both.results))
    outputs = OnnxPredictor(translate(both)).predict({"x": np.float32([[-1, 1]])})
    np.testing.assert_array_equal(outputs["y"], outputs["z"])


def test_names_of_a_package_cannot_clash_with_the_graphs_own() -> None:
    operations = [
        step("relu", Variable("constant", FLOATS), x="x"),
        step("add", Y, x="constant", y=known(1.0)),
    ]
    np.testing.assert_array_equal(run(program(*operations), [[-1, 1]]), [[1, 2]])


def test_a_weight_used_twice_is_stored_once() -> None:
    weight = known(np.ones((2, 2, 40), np.float32))
    shared = Operation("const", {}, (Variable("w", weight.type),), {"val": weight})
    once = program(shared, step("add", Y, x="w", y="w"))
    assert len(translate(once)) < 2 * 160 * 4


@pytest.mark.parametrize(
    ("declared", "shape"),
    [
        ({"shape": (1, 2)}, [1, 2]),
        ({"shape": (1, 2), "allowed": ((1, 2), (4, 2))}, ["x_0", 2]),
        ({"shape": (1, 2), "ranges": ((1, 8), (2, 2))}, ["x_0", 2]),
    ],
)
def test_axes_that_vary_are_free_in_the_file(declared: dict[str, Any], shape: list[int | str]) -> None:
    model = onnx.load_from_string(translate(program(step("relu", Y, x="x"), **declared)))
    sizes = model.graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in sizes] == shape


def test_the_declared_interface_travels_with_the_file() -> None:
    spec = TensorSpec("x", (1, 2), allowed=((1, 2), (4, 2)))
    data = translate(program(step("relu", Y, x="x"), shape=spec.shape, allowed=spec.allowed))
    assert OnnxPredictor(data).inputs == (spec,)


@pytest.mark.parametrize("emulate_fp16", [False, True])
@pytest.mark.parametrize("package", _PACKAGES, ids=[package.stem for package in _PACKAGES])
def test_files_pass_the_checker_with_full_shape_inference(package: Path, emulate_fp16: bool) -> None:
    data = translate(read_package(package), emulate_fp16=emulate_fp16)
    onnx.checker.check_model(data, full_check=True)
