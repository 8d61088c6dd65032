"""`import hocket.streaming` is cheap, and every name it promises is there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hocket.streaming

RUNTIMES = ("coremltools", "onnxruntime", "torch")
DEVICES = ("rich", "sounddevice", "soundfile", "soxr", "typer")


def promised() -> list[str]:
    """The names that type checkers see."""
    tree = ast.parse(Path(hocket.streaming.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return [alias.name for node in imports for alias in node.names]


@pytest.mark.parametrize("name", promised())
def test_promised_names_are_there(name: str) -> None:
    assert getattr(hocket.streaming, name).__name__ == name
    assert name in dir(hocket.streaming)
    assert name in hocket.streaming.__all__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match=r"module 'hocket\.streaming' has no attribute 'diarise'"):
        hocket.streaming.diarise  # noqa: B018


def printed(program: str) -> str:
    """What a program says, in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def loaded_by(statement: str, names: tuple[str, ...]) -> str:
    return printed(f"import sys; {statement}; print([name for name in {names} if name in sys.modules])")


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_by("import hocket.streaming", ("numpy", "scipy", *RUNTIMES, *DEVICES)) == "[]\n"


def test_engine_and_sources_load_no_runtime_and_no_device() -> None:
    statement = "import hocket.streaming as h; h.Diarizer, h.diarize, h.FileSource, h.Microphone, h.PcmSource"
    assert loaded_by(statement, (*RUNTIMES, *DEVICES)) == "[]\n"


def test_importing_takes_less_than_a_third_of_a_second() -> None:
    timed = "import time; t = time.process_time(); import hocket.streaming; print(time.process_time() - t)"
    assert float(printed(timed)) < 0.3
