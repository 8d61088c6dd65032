"""Recordings that are no part of this repository: found beside it, or where HOCKET_SHARED says."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("HOCKET_SHARED", Path(__file__).parents[2] / "shared"))


def shared(path: str) -> Path:
    """A file or folder below the shared folder; skips the test, with the reason, where it is absent."""
    found = ROOT / path
    if not found.exists():
        pytest.skip(f"no {path} in the shared data folder; name that folder in HOCKET_SHARED")
    return found
