"""The portable runtime: interfaces enforced, files of any origin, errors that say what to do."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hocket.models.errors import MissingDependency, ModelError, ShapeError
from hocket.models.mlpackage import TensorType
from hocket.models.onnx import OnnxPredictor
from hocket.models.predictor import TensorSpec
from hocket.models.translate import translate
from tests.programs import Input, program_of


def foreign_model(element: int = TensorProto.FLOAT) -> bytes:
    """A file that hocket did not write: y = x + x over a free batch."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", element, ["batch", 2])],
        [helper.make_tensor_value_info("y", element, ["batch", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_file_of_other_origin_admits_what_its_graph_says() -> None:
    predictor = OnnxPredictor(foreign_model())
    assert predictor.inputs == (TensorSpec("x", (1, 2), ranges=((1, -1), (2, 2))),)
    assert predictor.outputs == (TensorSpec("y", (-1, 2), ranges=((0, -1), (2, 2))),)
    np.testing.assert_array_equal(predictor.predict({"x": np.float32([[1, 2]])})["y"], [[2, 4]])


def test_a_file_on_disk_is_as_good_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(foreign_model())
    assert OnnxPredictor(path).predict({"x": np.ones((3, 2), np.float32)})["y"].shape == (3, 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": np.zeros((1, 3), np.float32)}, r"input 'x' wants \(1–∞, 2\) float32, got \(1, 3\) float32"),
        ({"x": np.zeros((1, 2))}, r"got \(1, 2\) float64"),
        ({"y": np.zeros((1, 2), np.float32)}, r"expected inputs \['x'\], got \['y'\]"),
        ({}, r"expected inputs \['x'\], got \[\]"),
    ],
)
def test_ill_shaped_inputs_are_refused(inputs: dict[str, np.ndarray], message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ShapeError, match=message):
        OnnxPredictor(foreign_model()).predict(inputs)


def test_shapes_that_a_package_does_not_list_are_refused() -> None:
    program = program_of("relu", [TensorType("float32", (None, 2))], x=Input(np.zeros((1, 2))))
    predictor = OnnxPredictor(translate(program))
    with pytest.raises(ShapeError, match=r"wants \(1–∞, 1–∞\) float32, got \(2,\)"):
        predictor.predict({"x_0": np.zeros(2, np.float32)})


def test_arrays_need_not_lie_in_one_piece() -> None:
    x = np.arange(8, dtype=np.float32).reshape(2, 4).T[::2]
    np.testing.assert_array_equal(OnnxPredictor(foreign_model()).predict({"x": x})["y"], 2 * x)


def test_outputs_are_new_arrays() -> None:
    predictor = OnnxPredictor(foreign_model())
    first = predictor.predict({"x": np.float32([[1, 2]])})["y"]
    predictor.predict({"x": np.float32([[5, 6]])})
    np.testing.assert_array_equal(first, [[2, 4]])


@pytest.mark.parametrize("data", [b"", b"not a model", foreign_model()[:-20]])
def test_a_damaged_file_is_a_model_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"onnxruntime cannot load .*model\.onnx"):
        OnnxPredictor(path)


def test_damaged_interface_metadata_is_a_model_error() -> None:
    model = onnx.load_from_string(foreign_model())
    model.metadata_props.add(key="hocket.interface", value='{"inputs": 5}')
    with pytest.raises(ModelError, match=r"the file's hocket\.interface metadata is damaged"):
        OnnxPredictor(model.SerializeToString())


def test_tensors_of_other_kinds_are_refused() -> None:
    with pytest.raises(ModelError, match=r"tensor 'x' is of type tensor\(int16\), expected one of"):
        OnnxPredictor(foreign_model(TensorProto.INT16))


def test_failure_while_running_is_a_model_error() -> None:
    program = program_of(
        "reshape", [TensorType("float32", (None,))], x=Input(np.zeros(4)), shape=Input(np.array([3]))
    )
    predictor = OnnxPredictor(translate(program))
    with pytest.raises(ModelError, match="onnxruntime failed"):
        predictor.predict({"x_0": np.zeros(4, np.float32), "shape_0": np.array([3], np.int32)})


def test_an_absent_provider_is_named_with_those_present() -> None:
    with pytest.raises(ModelError, match=r"onnxruntime has no NoSuchProvider here; it has .*CPUExecution"):
        OnnxPredictor(foreign_model(), providers=["NoSuchProvider"])


def test_threads_and_providers_can_be_chosen() -> None:
    predictor = OnnxPredictor(foreign_model(), threads=2, providers=["CPUExecutionProvider"])
    assert predictor.predict({"x": np.zeros((1, 2), np.float32)})["y"].shape == (1, 2)


def test_without_onnxruntime_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="pip install onnxruntime"):
        OnnxPredictor(foreign_model())
