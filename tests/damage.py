"""Damage stored packages at random and open them: only hocket's own errors may come out.

    python -m tests.damage COUNT [SEED]

Runs in a process of its own, with limits on memory and time, since what is feared is a crash. Prints one line
of JSON: how the cases ended, the slowest one, the peak of memory. Exits with 1 when anything escaped.
"""

import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hocket.models.errors import HocketError
from hocket.models.mlpackage import (
    Constant,
    Operation,
    Program,
    Reference,
    TensorType,
    Variable,
    read_package,
)
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate
from hocket.models.translate.registry import TABLE
from tests.mil_text import program_text

_PACKAGES = Path(__file__).parent / "fixtures" / "packages"
_TEXT_FORMS = ("recurrent", "convolutional", "quantized")
_MAX_MEMORY = 1 << 30
# Session creation by onnxruntime reserves address space that is never used, so the limit on that is wider.
_MAX_ADDRESS_SPACE = 6 << 30
_MAX_SECONDS = 10


def damaged(data: bytes, rng: random.Random) -> bytes:
    """`data` with one to four small injuries, or cut off."""
    injured = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        place = rng.randrange(len(injured) or 1)
        length = rng.choice((1, 1, 2, 4, 8, 64))
        match rng.randrange(7):
            case 0:
                injured[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                injured[place : place + 1] = bytes(
                    [injured[place] ^ 1 << rng.randrange(8)] if injured else b""
                )
            case 2:
                injured[place : place + length] = b"\xff" * length
            case 3:
                del injured[place : place + length]
            case 4:
                injured[place:place] = injured[place : place + length]
            case 5:
                other = rng.randrange(len(injured) or 1)
                injured[place : place + length] = injured[other : other + length]
            case 6:
                # Another small number: a size, a rank, an axis, a field key.
                injured[place : place + 1] = bytes([rng.choice((0, 1, 2, 3, 5, 7, 8, 10, 16, 18, 127, 128))])
    if rng.random() < 0.1:
        del injured[rng.randrange(len(injured) or 1) :]
    return bytes(injured)


def altered(program: Program, rng: random.Random) -> Program:
    """`program` with one to three of its operations changed: well-formed files of nonsense."""
    operations = list(program.operations)
    for _ in range(rng.choice((1, 1, 2, 3))):
        index = rng.randrange(len(operations))
        operations[index] = _altered_operation(operations[index], operations, rng)
    return replace(program, operations=tuple(operations))


def _altered_operation(operation: Operation, others: list[Operation], rng: random.Random) -> Operation:
    inputs, attributes = dict(operation.inputs), dict(operation.attributes)
    values = attributes if operation.kind == "const" else inputs
    key = rng.choice(sorted(values)) if values else ""
    change = rng.randrange(5)
    if change == 0:
        return replace(operation, kind=rng.choice(sorted(TABLE)))
    if change == 1 and operation.outputs:
        output = operation.outputs[0]
        changed = Variable(output.name, _altered_type(output.type, rng))
        return replace(operation, outputs=(changed, *operation.outputs[1:]))
    if key and change == 2:
        del values[key]
    elif key and operation.kind == "const":
        attributes[key] = _altered_constant(attributes[key], rng)
    elif key:
        other = rng.choice(others)
        inputs[key] = (
            rng.choice(sorted(other.inputs.items()))[1] if other.inputs else (Reference(other.name),)
        )
    return replace(operation, inputs=inputs, attributes=attributes)


def _altered_type(tensor_type: TensorType, rng: random.Random) -> TensorType:
    shape = list(tensor_type.shape)
    place = rng.randrange(len(shape) + 1)
    shape[place : place + rng.randrange(2)] = [rng.choice((None, 0, 1, 2, 7, 1 << 20, 1 << 40))]
    return TensorType(rng.choice((tensor_type.dtype, "int32", "bool", "float16")), tuple(shape))


def _altered_constant(constant: Constant, rng: random.Random) -> Constant:
    if not isinstance(constant.value, np.ndarray):
        return Constant(constant.type, rng.choice(("same", "valid", "custom", "odd", "int32")))
    array = constant.value.copy().ravel()
    if array.size and rng.random() < 0.7:
        array[rng.randrange(array.size)] = rng.choice(
            (0, 1, 2, 3, 7, 100) + (() if array.dtype.kind in "ub" else (-1, -2))
        )
    else:
        array = np.resize(array, max(0, array.size + rng.choice((-1, 1, 2))))
    shape = constant.value.shape if array.size == constant.value.size else array.shape
    return Constant(TensorType(constant.type.dtype, shape), array.reshape(shape))


def sound_packages(folder: Path) -> list[tuple[Path, np.ndarray[Any, Any]]]:
    """The stored packages and some of them in text form, each with an input."""
    packages = []
    for path in sorted(_PACKAGES.glob("*.mlpackage")):
        x = np.load(path.with_suffix(".npz"))["0.x"]
        packages.append((path, x))
        if path.stem in _TEXT_FORMS:
            compiled = folder / f"{path.stem}.mlmodelc"
            compiled.mkdir()
            (compiled / "model.mil").write_text(program_text(read_package(path)))
            packages.append((compiled, x))
    return packages


def outcome_of(program: Callable[[], Program], x: np.ndarray[Any, Any], *, emulate_fp16: bool) -> str:
    """How translating and predicting once ended; anything but hocket's errors is raised."""
    try:
        predictor = OnnxPredictor(translate(program(), emulate_fp16=emulate_fp16))
        predictor.predict({spec.name: x.astype(spec.dtype) for spec in predictor.inputs})
    except HocketError as error:
        return type(error).__name__
    return "ran"


def _injured(package: Path, copy: Path, rng: random.Random) -> Callable[[], Program]:
    """One file of a copy of the package is damaged."""
    shutil.copytree(package, copy)
    target = rng.choice(sorted(path for path in copy.rglob("*") if path.is_file()))
    target.write_bytes(damaged(target.read_bytes(), rng))
    return lambda: read_package(copy)


def _nonsense(package: Path, rng: random.Random) -> Callable[[], Program]:
    """The package is sound, but its program is not."""
    program = altered(read_package(package), rng)
    return lambda: program


def peak_bytes() -> int:
    """Most resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss, which on Linux begins with what the parent had at the fork.
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main(count: int, seed: int) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("took too long")))
    outcomes: Counter[str] = Counter()
    escaped: list[str] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = sound_packages(folder)
        for case in range(count):
            rng = random.Random(f"{seed} {case}")
            package, x = rng.choice(packages)
            copy = folder / f"case{package.suffix}"
            program = _injured(package, copy, rng) if case % 2 else _nonsense(package, rng)
            start = time.perf_counter()
            signal.alarm(_MAX_SECONDS)
            try:
                outcomes[outcome_of(program, x, emulate_fp16=rng.random() < 0.1)] += 1
            except Exception:
                escaped.append(f"case {case} ({package.name}): {traceback.format_exc(limit=-3)}")
            signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - start)
            shutil.rmtree(copy, ignore_errors=True)
    peak = peak_bytes()
    if peak > _MAX_MEMORY:
        escaped.append(f"memory reached {peak} bytes")
    report = {"outcomes": outcomes, "slowest": round(slowest, 3), "peak": peak, "escaped": escaped[:20]}
    sys.stdout.write(json.dumps(report) + "\n")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
