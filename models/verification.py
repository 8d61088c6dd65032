"""Does a model do on this machine what it did where it was made?

Shipped files are held against the catalogue's hashes, then every package is run in every way that there is
here, on the golden input beside it (NAME.golden.npz: PyTorch's answer in fp32, made when it was converted).
A package without one is run on noise and held against the portable runtime in single precision.
"""

import hashlib
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .catalogue import SegmentationCard, known_models
from .errors import ModelError, PackageError
from .known_files import KnownFile
from .mlpackage import Program, read_package
from .predictor import Arrays
from .segmenter import LEAST_LOG_PROBABILITY
from .subject import PORTABLE, Subject, Way, is_half, native_ways, noise

# Of the reference's scale: single precision leaves the order of sums, half precision also rounds weights
# and results. What Core ML's own units round on top of that has not been measured.
TOLERANCE_FP32 = 1e-5
TOLERANCE_FP16 = 5e-3
TOLERANCE_NATIVE = 0.02
LEAST_COSINE = 0.999

Reference = Literal["golden", "portable"]


@dataclass(frozen=True)
class FileCheck:
    """One shipped file. fault: what is wrong with it, as a sentence; empty when nothing is."""

    path: str
    fault: str = ""


@dataclass(frozen=True)
class OutputCheck:
    """One output of one package, run in one way.

    reference: what it is held against. error: largest difference over the reference's largest value, None
    where it is infinite; cosine: the least between two rows. milliseconds: of the call. All None where it
    could not be run. fault: what is wrong, as a sentence; empty when nothing is.
    """

    package: str
    way: str
    output: str
    reference: Reference
    tolerance: float
    error: float | None = None
    cosine: float | None = None
    milliseconds: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class Trace:
    """How an output differs over its second-to-last axis, which is time.

    differences: per frame, largest over everything else, over the reference's scale.
    """

    package: str
    output: str
    way: str
    differences: NDArray[np.float32]


@dataclass(frozen=True)
class Verification:
    """All that was found out about one model."""

    model: str
    files: tuple[FileCheck, ...]
    outputs: tuple[OutputCheck, ...]
    traces: tuple[Trace, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong; empty when nothing is."""
        found = [*(check.fault for check in self.files), *(check.fault for check in self.outputs)]
        return tuple(fault for fault in found if fault)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without the traces."""
        return {
            "model": self.model,
            "ok": not self.faults,
            "files": [asdict(check) for check in self.files],
            "outputs": [asdict(check) for check in self.outputs],
        }


def verify(subject: Subject, *, threads: int = 1, progress: Callable[[str], object] = str) -> Verification:
    """Check the files of a model and run its packages in every way this machine knows.

    threads: of the portable runtime. progress: called with what is done next. Whatever is wrong is in the
    result; nothing is raised for it.
    """
    progress("files")
    files = tuple(_file_check(item, subject) for item in subject.files)
    outputs: list[OutputCheck] = []
    traces: list[Trace] = []
    for path in subject.packages:
        try:
            package = _Package.read(path, threads)
        except ModelError as error:
            outputs.append(OutputCheck(path.name, str(PORTABLE), "", "golden", 0.0, fault=str(error)))
            continue
        for way in package.ways():
            progress(f"{path.name}, {way}")
            for check, trace in package.run(way, threads):
                outputs.append(check)
                traces += [trace] if trace is not None else []
    return Verification(subject.label, files, tuple(outputs), tuple(traces))


@dataclass(frozen=True)
class _Package:
    """One package, what it is given, and what it should give. floor: values below it are as good as it."""

    path: Path
    program: Program
    inputs: Arrays
    expected: Arrays
    reference: Reference
    floor: np.float32

    @classmethod
    def read(cls, path: Path, threads: int) -> "_Package":
        program = read_package(path)
        golden = path.with_suffix(".golden.npz")
        if golden.exists():
            inputs, expected = _golden(golden, program)
            return cls(path, program, inputs, expected, "golden", _floor(program))
        inputs = noise(program.inputs)
        expected = PORTABLE.open(path, threads).predict(inputs)
        return cls(path, program, inputs, expected, "portable", _floor(program))

    def ways(self) -> list[Way]:
        half = [Way(emulate_fp16=True)] if is_half(self.program) else []
        return [PORTABLE, *half, *native_ways()]

    def run(self, way: Way, threads: int) -> Iterator[tuple[OutputCheck, Trace | None]]:
        """Each output, checked."""
        # Core ML may round what it runs on the GPU or the Neural Engine, whatever the package says.
        portable = TOLERANCE_FP16 if is_half(self.program) else TOLERANCE_FP32
        tolerance = TOLERANCE_NATIVE if way.units else portable
        try:
            predictor = way.open(self.path, threads)
            predictor.predict(self.inputs)  # the first call allocates what later ones use again
            start = time.perf_counter()
            results = predictor.predict(self.inputs)
            milliseconds = 1000 * (time.perf_counter() - start)
        except ModelError as error:
            fault = f"{self.path.name} cannot be run ({way}): {error}"
            yield OutputCheck(self.path.name, str(way), "", self.reference, tolerance, fault=fault), None
            return
        for name, expected in self.expected.items():
            check = OutputCheck(
                self.path.name, str(way), name, self.reference, tolerance, None, None, milliseconds
            )
            yield _judged(check, np.maximum(results[name], self.floor), np.maximum(expected, self.floor))


def _judged(
    check: OutputCheck, found: NDArray[Any], expected: NDArray[Any]
) -> tuple[OutputCheck, Trace | None]:
    """The check with what came out of it."""
    where = f"{check.package} ({check.way})"
    if found.shape != expected.shape:
        fault = f"{where} gives {check.output} {found.shape}, expected {expected.shape}"
        return replace(check, fault=fault), None
    difference = _difference(found, expected)
    largest, cosine = float(difference.max()), _least_cosine(found, expected)
    fault = ""
    if not np.isfinite(largest):
        fault = f"{where} gives {check.output} with numbers that are not finite"
    elif largest > check.tolerance or cosine < LEAST_COSINE:
        fault = (
            f"{where} gives another {check.output}: error {largest:.1e} of scale, expected at most "
            f"{check.tolerance:.0e}; cosine {cosine:.5f}, expected at least {LEAST_COSINE}"
        )
    error = largest if np.isfinite(largest) else None
    return replace(check, error=error, cosine=cosine, fault=fault), _trace(check, difference)


def _golden(path: Path, program: Program) -> tuple[Arrays, Arrays]:
    """(inputs, expected outputs). Raises PackageError unless the file holds every one of both, and sound."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            content = {name: arrays[name] for name in arrays}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise PackageError(f"{path} is damaged: {error}") from error
    wanted = [spec.name for spec in (*program.inputs, *program.outputs)]
    if missing := [name for name in wanted if name not in content]:
        raise PackageError(
            f"{path} holds {', '.join(content)}, not {', '.join(missing)}: it is of another package"
        )
    inputs = {spec.name: content[spec.name] for spec in program.inputs}
    return inputs, {spec.name: content[spec.name] for spec in program.outputs}


def _file_check(item: KnownFile, subject: Subject) -> FileCheck:
    path = subject.folder / item.path
    try:
        content = path.read_bytes()
    except OSError as error:
        return FileCheck(item.path, f"{path} cannot be read ({error.strerror}): {subject.remedy}")
    digest = hashlib.sha256(content).hexdigest()
    if digest == item.sha256:
        return FileCheck(item.path)
    return FileCheck(
        item.path,
        f"{path} ({len(content)} bytes) has sha256 {digest}, expected {item.sha256} ({item.size} bytes): "
        f"{subject.remedy}",
    )


def _floor(program: Program) -> np.float32:
    """Where log-probabilities end for their readers (half precision gives -inf there); -inf for all else."""
    is_logarithm = any(
        isinstance(card.numbers, SegmentationCard)
        and card.numbers.scores == "log-probabilities"
        and any(part.fits(program.inputs, program.outputs) for part in card.packages)
        for card in known_models()
    )
    return LEAST_LOG_PROBABILITY if is_logarithm else np.float32(-np.inf)


def _difference(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float32]:
    """Over the reference's scale; infinite where one is not a number that the other is."""
    scale = max(float(np.abs(expected).max()), float(np.finfo(np.float32).tiny))
    with np.errstate(invalid="ignore"):
        difference = np.abs(found.astype(np.float64) - expected) / scale
    difference[np.isnan(difference)] = np.inf
    return np.asarray(difference.astype(np.float32))


def _least_cosine(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Between rows along the last axis. Rows of zeros are like each other and nothing else."""
    if not np.isfinite(found).all():
        return 0.0
    size = found.shape[-1] if found.ndim else 1
    rows, truth = (array.astype(np.float64).reshape(-1, size) for array in (found, expected))
    norms = np.linalg.norm(rows, axis=1), np.linalg.norm(truth, axis=1)
    product = norms[0] * norms[1]
    both_empty = (norms[0] == 0) & (norms[1] == 0)
    cosines = np.where(both_empty, 1.0, (rows * truth).sum(axis=1) / np.where(product > 0, product, 1.0))
    return float(cosines.min())


def _trace(check: OutputCheck, difference: NDArray[np.float32]) -> Trace | None:
    if difference.ndim < 3:
        return None
    over_time = np.moveaxis(difference, -2, 0).reshape(difference.shape[-2], -1).max(axis=1)
    return Trace(check.package, check.output, check.way, over_time)
