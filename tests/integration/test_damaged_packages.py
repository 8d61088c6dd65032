"""Damaged packages and nonsensical programs: hocket's own errors, no crash, bounded memory and time.

HOCKET_FUZZ_COUNT sets how many; the default keeps to a few seconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_COUNT = int(os.environ.get("HOCKET_FUZZ_COUNT", "400"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits on memory and time need a POSIX system")
@pytest.mark.timeout(60 + _COUNT)
def test_nothing_but_hockets_errors_comes_out_of_damaged_packages() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.damage", str(_COUNT)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    # A crash leaves no report: the return code, negative for a signal, says so.
    assert finished.returncode in (0, 1), finished.stderr
    assert json.loads(finished.stdout)["escaped"] == []
