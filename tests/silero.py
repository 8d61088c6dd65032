"""The published speech detector, as its wheel on PyPI holds it: pip download --no-deps silero-vad==6.2.3."""

import os
from pathlib import Path

import pytest

_VARIABLE = "HOCKET_SILERO_WHEEL"


def silero_wheel() -> Path:
    """The wheel named in HOCKET_SILERO_WHEEL, or lying beside the repository; skips the test without one."""
    if named := os.environ.get(_VARIABLE):
        return Path(named)
    beside = sorted(Path(__file__).parents[2].glob("silero_vad-6.2.3-*.whl"))
    if not beside:
        pytest.skip(f"no silero wheel: pip download --no-deps silero-vad==6.2.3 and name it in {_VARIABLE}")
    return beside[0]
