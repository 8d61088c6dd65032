"""A converted package against the network it came from. A package that fails is not written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..open import open_predictor
from .package import Precision
from .part import Part, Probe

Values = NDArray[np.float32]

MIN_COSINE = 0.999


class ParityError(ModelError):
    """A converted package does not reproduce its network."""


@dataclass(frozen=True)
class Parity:
    """How close two outputs are.

    error: largest absolute difference over the reference's largest absolute value.
    cosine: least cosine between two rows.
    same_class: share of rows with the same largest entry. Reported, not judged: a synthetic voice has ties.
    """

    error: float
    cosine: float
    same_class: float

    @classmethod
    def between(cls, output: Values, reference: Values) -> "Parity":
        """Compare along the last axis. Raises ParityError for different shapes or non-finite numbers."""
        if output.shape != reference.shape or not np.isfinite(output).all():
            raise ParityError(f"output is {output.shape} or not finite, expected {reference.shape}")
        norms = np.linalg.norm(output, axis=-1) * np.linalg.norm(reference, axis=-1)
        return cls(
            error=float(np.abs(output - reference).max() / np.abs(reference).max()),
            cosine=float(((output * reference).sum(-1) / np.maximum(norms, 1e-12)).min()),
            same_class=float((output.argmax(-1) == reference.argmax(-1)).mean()),
        )


def check(path: Path, part: Part, precision: Precision, probe: Probe, reference: Values) -> Parity:
    """Run the package at `path` on the probe, on the portable runtime. Raises ParityError when it is off."""
    output = open_predictor(path, runtime="portable").predict(probe)[part.output]
    parity = Parity.between(output, reference)
    max_error = part.max_error_fp16 if precision == "fp16" else part.max_error_fp32
    if parity.error > max_error or parity.cosine < MIN_COSINE:
        raise ParityError(
            f"{part.name} ({precision}) does not reproduce its network: error {parity.error:.1e} of scale, "
            f"expected at most {max_error:.0e}; cosine {parity.cosine:.5f}, expected at least {MIN_COSINE}"
        )
    return parity
