"""The native runtime: Core ML itself through coremltools, on macOS."""

import platform
import threading
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MissingDependency, ModelError
from .mlpackage import locate, read_package
from .predictor import Array, Arrays, check_inputs

# What may run the model, as a user writes it and as coremltools calls it.
COMPUTE_UNITS = {
    "all": "ALL",
    "cpu": "CPU_ONLY",
    "cpu-and-gpu": "CPU_AND_GPU",
    "cpu-and-ne": "CPU_AND_NE",
}


class CoreMLPredictor:
    """A Predictor on Core ML.

    path: an .mlpackage or .mlmodelc folder. compute_units: one of COMPUTE_UNITS; "all" lets Core ML choose.
    The interface is read from the package as the portable runtime reads it, so both admit the same shapes.
    Raises ModelError off macOS and when Core ML refuses the package, MissingDependency without coremltools.
    """

    def __init__(self, path: Path, *, compute_units: str = "all") -> None:
        if compute_units not in COMPUTE_UNITS:
            raise ModelError(
                f"compute units {compute_units!r} do not exist, choose from {', '.join(COMPUTE_UNITS)}"
            )
        if platform.system() != "Darwin":
            raise ModelError(
                f"Core ML runs on macOS only, this is {platform.system()}: use the portable runtime"
            )
        coremltools = _coremltools()
        files = locate(path)
        program = read_package(path)
        self.inputs, self.outputs = program.inputs, program.outputs
        self._turn = threading.Lock()  # an MLModel is for one thread at a time
        units = getattr(coremltools.ComputeUnit, COMPUTE_UNITS[compute_units])
        load = coremltools.models.CompiledMLModel if files.is_text else coremltools.models.MLModel
        try:
            self._model = load(str(path), compute_units=units)
        except Exception as error:  # coremltools raises whatever Core ML's compiler said
            raise ModelError(f"Core ML cannot load {path}: {error}") from error

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Every declared output by name. Raises ShapeError for ill-shaped inputs, ModelError on failure."""
        check_inputs(self.inputs, inputs)
        try:
            with self._turn:
                outputs = self._model.predict(dict(inputs))
        except Exception as error:  # as above
            raise ModelError(f"Core ML failed: {error}") from error
        return {spec.name: np.array(outputs[spec.name], spec.dtype) for spec in self.outputs}


def _coremltools() -> Any:
    try:
        import coremltools
    except ImportError as error:
        raise MissingDependency("the native runtime needs coremltools: pip install coremltools") from error
    return coremltools
