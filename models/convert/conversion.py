"""From a source of checkpoints to a folder of checked packages."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError, UnknownModel
from ..plda import PARAMETERS, TRANSFORM, open_plda
from ..tensors import write_tensors
from .checkpoint import find_checkpoints
from .fluidinference_recipes import fluidinference_parts_of, plda_part
from .package import Precision, write_package
from .parity import Parity, check
from .part import Part
from .recipes import parts_of


@dataclass(frozen=True)
class Converted:
    """One package that was written: where, from what, how large, and how close to its network."""

    path: Path
    source: str
    num_bytes: int
    precision: Precision
    parity: Parity


def convert_all(source: Path, destination: Path, precision: Precision) -> Iterator[Converted]:
    """See hocket.models.convert.convert."""
    destination.mkdir(parents=True, exist_ok=True)
    for name, state in find_checkpoints(source):
        for part in parts_of(name, state):
            yield _convert_part(part, name, destination, precision)


def convert_as_fluidinference(source: Path, destination: Path, precision: Precision) -> Iterator[Converted]:
    """See hocket.models.convert.convert. A pipeline's folder with a `plda` inside gives PldaRho as well."""
    destination.mkdir(parents=True, exist_ok=True)
    for name, state in find_checkpoints(source):
        for part in fluidinference_parts_of(name, state):
            yield _convert_part(part, name, destination, precision)
    try:
        plda = open_plda(source)
    except UnknownModel:
        return
    write_tensors(destination / TRANSFORM, {name: getattr(plda, name) for name in ("mean1", "mean2", "lda")})
    write_tensors(destination / PARAMETERS, {"mu": plda.mu, "tr": plda.tr, "psi": plda.phi})
    yield _convert_part(plda_part(plda), str(source), destination, precision)


def _convert_part(part: Part, source: str, destination: Path, precision: Precision) -> Converted:
    precision = part.precision or precision
    path = destination / f"{part.name}.mlpackage"
    with tempfile.TemporaryDirectory(dir=destination, prefix=f".{part.name}.") as folder:
        draft = Path(folder) / path.name
        write_package(
            part.net,
            part.inputs,
            part.output,
            draft,
            precision=precision,
            full_precision=part.full_precision,
            description=part.description,
            license_name=part.license_name,
            author=part.author,
        )
        probe = part.probe()
        reference = part.reference(probe)
        parity = check(draft, part, precision, probe, reference)
        _replace(path, draft)
    golden: dict[str, Any] = {**probe, part.output: reference}
    np.savez_compressed(path.with_suffix(".golden.npz"), **golden)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Converted(path, source, size, precision, parity)


def _replace(path: Path, draft: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        raise ModelError(f"{path} is a file, expected a package folder or nothing; move it away")
    draft.rename(path)
