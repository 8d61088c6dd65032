"""A fixed batch is set free where every row is on its own, and kept where it is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models import open_predictor
from hocket.models.errors import ShapeError
from hocket.models.free_batch import translate_freed
from hocket.models.mlpackage import Operation, Program, TensorType, Variable
from hocket.models.mlpackage.interface import output_specs
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate
from tests.programs import Input, known, program_of

_X = np.arange(18, dtype=np.float32).reshape(3, 6)


def _fixed(kind: str, shape: tuple[int, ...], /, **arguments: object) -> Program:
    """One operation on a (3, 6) input."""
    return program_of(kind, [TensorType("float32", shape)], x=Input(_X, is_fixed=True), **arguments)


def _run(model: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    predictor = OnnxPredictor(model)
    return predictor.predict({predictor.inputs[0].name: x})[predictor.outputs[0].name]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_rows_that_are_alone_come_in_any_number(count: int) -> None:
    model = translate_freed(_fixed("add", (3, 6), y=np.float32([1, 2, 3, 4, 5, 6])))
    x = np.random.default_rng(count).random((count, 6), np.float32)
    np.testing.assert_array_equal(_run(model, x), x + np.float32([1, 2, 3, 4, 5, 6]))


def test_only_the_batch_is_free() -> None:
    model = translate_freed(_fixed("add", (3, 6), y=np.float32(1)))
    with pytest.raises(ShapeError, match=r"\(1–∞, 6\)"):
        _run(model, np.ones((3, 5), np.float32))


@pytest.mark.parametrize(
    ("kind", "shape", "arguments"),
    [
        ("reshape", (3, 2, 3), {"shape": np.int32([3, 2, 3])}),  # the batch stands in a constant
        ("add", (3, 6), {"y": _X}),  # a constant for each row
        ("cumsum", (3, 6), {"axis": 0, "exclusive": False, "reverse": True}),  # rows hear later ones
        ("reduce_sum", (1, 6), {"axes": np.int32([0]), "keep_dims": True}),
        ("transpose", (6, 3), {"perm": np.int32([1, 0])}),
    ],
)
def test_a_batch_that_matters_is_kept(
    kind: str, shape: tuple[int, ...], arguments: dict[str, object]
) -> None:
    program = _fixed(kind, shape, **arguments)
    assert translate_freed(program) == translate(program)


def test_a_batch_that_varies_already_is_left_as_it_is() -> None:
    program = program_of("relu", [TensorType("float32", (None, None))], x=Input(_X))
    assert translate_freed(program) == translate(program)


def test_an_output_without_rows_stays() -> None:
    """wespeaker_v2 gives a scalar beside its vectors."""
    program = _fixed("relu", (3, 6))
    scalar = Variable("constant", TensorType("float32", ()))
    operation = Operation("const", {}, (scalar,), {"val": known(np.float32(7))})
    results = (*program.results, scalar)
    program = replace(
        program,
        operations=(*program.operations, operation),
        results=results,
        outputs=output_specs(results),
    )
    outputs = OnnxPredictor(translate_freed(program)).predict({"x_0": _X[:2]})
    np.testing.assert_array_equal(outputs["result_0"], _X[:2])
    assert outputs["constant"] == 7


def test_the_outcome_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(tmp_path))
    package = Path(__file__).parents[2] / "fixtures" / "packages" / "quantized.mlpackage"
    first = open_predictor(package, runtime="portable", free_batch=True)
    monkeypatch.setattr("hocket.models.free_batch.translate_freed", None)
    again = open_predictor(package, runtime="portable", free_batch=True)
    assert again.inputs == first.inputs
    assert len(list(tmp_path.iterdir())) == 1
