"""Importing hocket's packages is cheap, and every name they promise is there."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hocket.models
import hocket.streaming

RUNTIMES = ("coremltools", "onnxruntime", "torch")
DEVICES = ("rich", "sounddevice", "soundfile", "soxr", "typer")
PACKAGES = (hocket.models, hocket.streaming)


def promised(package: ModuleType) -> list[str]:
    """The names that type checkers see."""
    tree = ast.parse(Path(str(package.__file__)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return [alias.name for node in imports for alias in node.names]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_promised_names_are_there(package: ModuleType) -> None:
    names = promised(package)
    assert names
    assert sorted(package.__all__) == sorted(names)
    for name in names:
        assert getattr(package, name).__module__ != package.__name__
        assert name in dir(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_other_names_are_not(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no attribute 'diarise'"):
        package.diarise  # noqa: B018


def printed(program: str) -> str:
    """What a program says, in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def loaded_by(statement: str, names: tuple[str, ...]) -> str:
    return printed(f"import sys; {statement}; print([name for name in {names} if name in sys.modules])")


def test_importing_loads_nothing_heavy() -> None:
    for package in PACKAGES:
        assert loaded_by(f"import {package.__name__}", ("numpy", "scipy", *RUNTIMES, *DEVICES)) == "[]\n"


def test_errors_load_nothing_heavy() -> None:
    for package in PACKAGES:
        statement = f"import {package.__name__}.errors"
        assert loaded_by(statement, ("numpy", "scipy", *RUNTIMES, *DEVICES)) == "[]\n"


def test_the_command_line_explains_itself_without_arrays() -> None:
    assert loaded_by("import hocket.streaming.cli", ("numpy", "scipy", *RUNTIMES)) == "[]\n"


def test_engine_and_sources_load_no_runtime_and_no_device() -> None:
    statement = "import hocket.streaming as h; h.Diarizer, h.diarize, h.FileSource, h.Microphone, h.PcmSource"
    assert loaded_by(statement, (*RUNTIMES, *DEVICES)) == "[]\n"


def test_importing_takes_less_than_a_third_of_a_second() -> None:
    timed = "import time; t = time.process_time(); import hocket.streaming; print(time.process_time() - t)"
    assert float(printed(timed)) < 0.3
