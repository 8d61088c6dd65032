"""coremltools' tests of its operators, which state expected numbers, run against the translator.

The package ships them; on a Mac they compare Core ML's output. Here that comparison is replaced: the
converted model is saved, read, translated, run on onnxruntime and held to the same numbers.
Some minutes: runs where HOCKET_OPERATOR_CASES says with how many parameter sets to try each test.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_CASES = os.environ.get("HOCKET_OPERATOR_CASES", "")


@pytest.mark.slow
@pytest.mark.convert
@pytest.mark.skipif(not _CASES, reason="takes minutes: set HOCKET_OPERATOR_CASES to 1 or more")
@pytest.mark.timeout(3600)
def test_operators_pass_coremltools_own_tests(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra 'convert'")
    coremltools = pytest.importorskip("coremltools", reason="needs the extra 'convert'")
    folder = Path(coremltools.__file__).parent / "converters" / "mil" / "mil" / "ops" / "tests"
    report = tmp_path / "report.json"
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.coremltools_plugin", "-q", "-c", os.devnull]
        + [str(path) for path in sorted(folder.glob("iOS*"))],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HOCKET_OPERATOR_CASES": _CASES, "HOCKET_OPERATOR_REPORT": str(report)},
        capture_output=True,
        text=True,
        check=False,
    )
    outcome = json.loads(report.read_text())
    assert outcome["failed"] == [], finished.stdout
    assert outcome["passed"] > 200
