"""The native runtime, with a stand-in for coremltools: what it is asked, and what its answers become."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hocket.models import coreml
from hocket.models.coreml import CoreMLPredictor
from hocket.models.errors import MissingDependency, ModelError, ShapeError
from hocket.models.mlpackage import read_package
from tests.mil_text import program_text

_PACKAGE = Path(__file__).parents[2] / "fixtures" / "packages" / "attentive.mlpackage"


class StandIn:
    """coremltools as far as it is used; answers with arrays of other types than declared, as Core ML may."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, str, str]] = []
        self.models = SimpleNamespace(
            MLModel=self._loader("MLModel"), CompiledMLModel=self._loader("compiled")
        )
        self.ComputeUnit = SimpleNamespace(
            ALL="all units", CPU_ONLY="cpu", CPU_AND_GPU="gpu", CPU_AND_NE="neural engine"
        )

    def _loader(self, kind: str) -> Any:
        def load(path: str, compute_units: str) -> Any:
            self.loaded.append((kind, path, compute_units))
            return SimpleNamespace(predict=self._predict)

        return load

    @staticmethod
    def _predict(inputs: dict[str, Any]) -> dict[str, Any]:
        batch, length, _ = inputs["x"].shape
        return {"y": np.ones((batch, length, 8)), "best": np.ones((batch, length)), "extra": None}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn()
    monkeypatch.setitem(sys.modules, "coremltools", module)  # type: ignore[arg-type]
    monkeypatch.setattr(coreml.platform, "system", lambda: "Darwin")
    return module


def test_answers_have_the_declared_names_and_types(stand_in: StandIn) -> None:
    predictor = CoreMLPredictor(_PACKAGE)
    outputs = predictor.predict({"x": np.zeros((1, 9, 8), np.float32)})
    assert {name: value.dtype.name for name, value in outputs.items()} == {"y": "float32", "best": "int32"}
    assert stand_in.loaded == [("MLModel", str(_PACKAGE), "all units")]


def test_the_same_shapes_are_enforced_as_in_the_portable_runtime(stand_in: StandIn) -> None:
    predictor = CoreMLPredictor(_PACKAGE)
    assert predictor.inputs == read_package(_PACKAGE).inputs
    with pytest.raises(ShapeError, match=r"input 'x' wants \(1, 5, 8\) \| .* got \(1, 6, 8\)"):
        predictor.predict({"x": np.zeros((1, 6, 8), np.float32)})


def test_compute_units_go_by_name(stand_in: StandIn) -> None:
    CoreMLPredictor(_PACKAGE, compute_units="cpu-and-ne")
    assert stand_in.loaded[0][2] == "neural engine"


def test_unknown_compute_units_are_refused(stand_in: StandIn) -> None:
    with pytest.raises(ModelError, match=r"compute units 'tpu' do not exist, choose from all, cpu"):
        CoreMLPredictor(_PACKAGE, compute_units="tpu")


def test_compiled_folders_are_loaded_as_such(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "model.mil").write_text(program_text(read_package(_PACKAGE)))
    CoreMLPredictor(tmp_path)
    assert stand_in.loaded[0][0] == "compiled"


def test_what_core_ml_says_is_passed_on(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, compute_units: str) -> None:
        raise RuntimeError("Error compiling model")

    monkeypatch.setattr(stand_in.models, "MLModel", fail)
    with pytest.raises(ModelError, match=r"Core ML cannot load .*: Error compiling model"):
        CoreMLPredictor(_PACKAGE)


def test_off_macos_the_error_names_the_other_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coreml.platform, "system", lambda: "Linux")
    with pytest.raises(
        ModelError, match="Core ML runs on macOS only, this is Linux: use the portable runtime"
    ):
        CoreMLPredictor(_PACKAGE)


def test_without_coremltools_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coreml.platform, "system", lambda: "Darwin")
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(MissingDependency, match="pip install coremltools"):
        CoreMLPredictor(_PACKAGE)
