"""A pytest plugin under which coremltools' operator tests hold the translator to their expected numbers.

Loaded by tests/integration/test_coremltools_own_tests.py in a process of its own, before any of those tests
is imported: which backends they run is decided at import.
"""

import json
import os
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

os.environ |= {
    "PYMIL_TEST_TARGETS": "mlprogram",
    "INCLUDE_MIL_FP32_UNIT_TESTS": "1",
    "COMPUTE_UNITS": "CPU_ONLY",
}

import coremltools
import numpy as np
import pytest
from coremltools.converters.mil import testing_reqs
from coremltools.converters.mil.mil.ops.tests import testing_utils

from hocket.models.errors import UnsupportedOperator
from hocket.models.mlpackage import read_package
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate

_CASES_PER_TEST = int(os.environ["HOCKET_OPERATOR_CASES"])
_REPORT = Path(os.environ["HOCKET_OPERATOR_REPORT"])

# Parts of test names, and why those tests are left out.
_LEFT_OUT = {
    "invalid_indices": "what an index out of range does differs between runtimes",
    "TestReadState": "needs states",
    "CoreMLUpdateState": "needs states",
    "TestSliceByIndex.test_slice_by_index": "makes a neural network, not an ML Program",
    "TestFill.test_builder_to_backend_symbolic": "makes a tensor of unknown rank",
}
_SKIPPED_ON_MACS = ("rdar://", "macOS")

testing_reqs.backends_internal[:] = [
    item for item in testing_reqs.backends_internal if item.precision == "fp32"
]
testing_reqs.backends[:] = [("mlprogram", "fp32")]


class _Translated:
    """A converted model on the portable runtime; skips the test when that refuses it by name."""

    def __init__(self, mlmodel: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.mlpackage"
            mlmodel.save(str(path))
            program = read_package(path)
            outputs = [output for operation in program.operations for output in operation.outputs]
            self.is_half = any(output.type.dtype == "float16" for output in outputs)
            try:
                self._predictor = OnnxPredictor(translate(program))
            except UnsupportedOperator as error:
                pytest.skip(str(error))

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        # Core ML has no scalars at its edges; coremltools' tests give them all the same.
        feed = {
            spec.name: np.atleast_1d(np.asarray(data[spec.name], spec.dtype))
            for spec in self._predictor.inputs
        }
        return self._predictor.predict(feed)


def _predict(mlmodel: Any, data: dict[str, Any], state: Any = None) -> dict[str, Any]:
    """Stands in for Core ML."""
    return _Translated(mlmodel).predict(data)


def _compare(
    mlmodel: Any,
    input_key_values: dict[str, Any],
    expected_outputs: dict[str, Any],
    atol: float = 1e-4,
    rtol: float = 1e-5,
    also_compare_shapes: bool = True,
    **_: Any,
) -> None:
    """Stands in for coremltools' comparison, which does nothing off the Mac."""
    model = _Translated(mlmodel)
    outputs = model.predict(input_key_values)
    for index, (name, wanted) in enumerate(expected_outputs.items()):
        expected = np.asarray(wanted)
        found = outputs[name] if name in outputs else list(outputs.values())[index]
        if also_compare_shapes and expected.ndim:
            assert found.shape == expected.shape
        np.testing.assert_allclose(
            found.astype(np.float64),
            expected.astype(np.float64),
            atol=max(atol, 1e-2 if model.is_half else 1e-4),
            rtol=max(rtol, 5e-3 if model.is_half else 1e-4),
        )


testing_utils.compare_backend = _compare
coremltools.models.MLModel.predict = _predict


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A few parameter sets of each test, always the same; skips meant for certain Macs are lifted."""
    by_test: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        name = item.nodeid.partition("[")[0].replace("::", ".")
        if any(part in name for part in _LEFT_OUT):
            continue
        if any(reason in str(list(item.iter_markers())) for reason in _SKIPPED_ON_MACS):
            item.own_markers = [mark for mark in item.own_markers if mark.name not in ("skip", "skipif")]
        by_test[name].append(item)
    chosen = [
        item
        for name, group in by_test.items()
        for item in random.Random(name).sample(group, min(_CASES_PER_TEST, len(group)))
    ]
    items[:] = sorted(chosen, key=items.index)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    stats = terminalreporter.stats
    report = {
        "passed": len(stats.get("passed", ())),
        "failed": [item.nodeid for kind in ("failed", "error") for item in stats.get(kind, ())],
    }
    _REPORT.write_text(json.dumps(report))
