"""What is checked and timed: the packages of a model by name or folder, and inputs to run them on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import catalogue
from .batching import batch_sizes
from .catalogue import known_models
from .coreml import COMPUTE_UNITS
from .known_files import KnownFile
from .mlpackage import Program
from .open import native_available, open_predictor
from .predictor import Array, Predictor, TensorSpec
from .selection import packages_in
from .store import find_pulled, packages_of


@dataclass(frozen=True)
class Subject:
    """A model to look at.

    label: as the user named it. packages: the folders, which need not exist. files: what is known of them,
    relative to `folder`; empty for a folder of the user's own. remedy: what helps where they are not so.
    """

    label: str
    packages: tuple[Path, ...]
    files: tuple[KnownFile, ...] = ()
    folder: Path = Path()
    remedy: str = ""


def find_subject(wanted: str) -> Subject:
    """The model of that name in the catalogue, or the packages of that folder.

    Raises UnknownModel for a name or folder that is not there, or a model that is not on this machine.
    """
    names = {card.name for card in known_models()}
    if wanted not in names and Path(wanted).exists():
        return Subject(wanted, tuple(packages_in(Path(wanted))))
    card = catalogue.find_card(wanted)
    if card.ships:
        folder = catalogue.weights_folder()
        packages = tuple(folder / package.path for package in card.packages)
        return Subject(card.name, packages, card.files, folder, catalogue.DAMAGED)
    lie_in = packages_of(card)
    packages = tuple(lie_in / package.path for package in card.packages)
    pulled = find_pulled(card.name)
    assert pulled is not None  # or there would be no packages of it
    return Subject(card.name, packages, pulled.files, pulled.folder, f"hocket models pull {card.name}")


@dataclass(frozen=True)
class Way:
    """One way of running a package: Core ML on some of its units, or onnxruntime, perhaps rounding to fp16.

    units: of the native runtime; empty for the portable one.
    """

    units: str = ""
    emulate_fp16: bool = False

    def __str__(self) -> str:
        if self.units:
            return f"native, {self.units}"
        return "portable, fp16 emulated" if self.emulate_fp16 else "portable, fp32"

    def open(self, path: Path, threads: int = 1) -> Predictor:
        """The package at `path`, loaded. Raises as open_predictor does."""
        if self.units:
            return open_predictor(path, runtime="native", compute_units=self.units)
        return open_predictor(path, runtime="portable", threads=threads, emulate_fp16=self.emulate_fp16)


PORTABLE = Way()


def native_ways() -> tuple[Way, ...]:
    """Core ML on each choice of units, where there is Core ML."""
    return tuple(Way(units) for units in COMPUTE_UNITS) if native_available() else ()


def is_half(program: Program) -> bool:
    """Whether any result of the program is of half precision."""
    return any(
        output.type.dtype == "float16" for operation in program.operations for output in operation.outputs
    )


def noise(inputs: tuple[TensorSpec, ...], batch: int | None = None) -> dict[str, Array]:
    """The same noise every time, in [0, 0.3), in the default shapes or with another batch size.

    Positive, so that it will do for weights as well as for audio.
    """
    rng = np.random.default_rng(0)
    shapes = {spec.name: spec.shape if batch is None else (batch, *spec.shape[1:]) for spec in inputs}
    return {spec.name: rng.uniform(0, 0.3, shapes[spec.name]).astype(spec.dtype) for spec in inputs}


def batches(inputs: tuple[TensorSpec, ...]) -> tuple[int, ...]:
    """The batch sizes, ascending, that all inputs admit beside their default sizes."""
    admitted = [set(batch_sizes(spec, spec.shape[1:])) for spec in inputs]
    return tuple(sorted(set.intersection(*admitted)))
