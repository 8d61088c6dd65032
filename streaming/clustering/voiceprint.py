"""A voice print: what a person's voice looks like to one embedding model, to be kept and compared."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import VoicePrintError

Floats = NDArray[np.float32]

PRINT_VERSION = 1
MOST_VECTORS = 24  # kept in a print, those with the most speech behind them: about 48 s
UNIT = 1e-4  # how far from 1 the length of a vector may be
LEAST_SECONDS = 3.0  # of clean speech that a print is made of


@dataclass(frozen=True, eq=False)
class VoicePrint:
    """Vectors of one voice and the clean speech behind each.

    model: name of the embedding model; prints of two models cannot be compared. vectors: (n, size) float32,
    unit length. seconds: (n,) float32.

    Raises VoicePrintError for shapes that do not fit, and for vectors that are not finite or all zero.
    """

    model: str
    vectors: Floats
    seconds: Floats

    def __post_init__(self) -> None:
        vectors, seconds = np.asarray(self.vectors), np.asarray(self.seconds)
        if vectors.ndim != 2 or not len(vectors) or seconds.shape != vectors.shape[:1]:
            raise VoicePrintError(
                f"a voice print wants vectors (n, size) and seconds (n,), got {vectors.shape} "
                f"and {seconds.shape}"
            )
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or lengths.min() < 1e-6:
            raise VoicePrintError("a voice print wants finite vectors of unit length, got NaN, infinite or 0")
        if not np.isfinite(seconds).all() or seconds.min() <= 0:
            raise VoicePrintError(f"a voice print wants seconds of speech above 0, got {seconds.min()}")
        kept = np.sort(np.argsort(-seconds, kind="stable")[:MOST_VECTORS])
        if abs(lengths - 1).max() > UNIT:  # what is of unit length stays as it is, to the last bit
            vectors = vectors / lengths
        object.__setattr__(self, "vectors", vectors[kept].astype(np.float32))
        object.__setattr__(self, "seconds", seconds[kept].astype(np.float32))

    @property
    def clean(self) -> float:
        """Seconds of clean speech behind the whole print."""
        return float(self.seconds.sum())

    @property
    def centre(self) -> Floats:
        """(size,) mean direction, weighted by speech, unit length."""
        total = self.seconds @ self.vectors
        centre: Floats = (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)
        return centre

    def check(self, model: str, size: int) -> None:
        """Raises VoicePrintError unless it was made by the embedding model of that name and vector size."""
        if self.model != model or self.vectors.shape[1] != size:
            raise VoicePrintError(
                f"voice print of {self.model} ({self.vectors.shape[1]} numbers) cannot be compared with "
                f"{model} ({size} numbers): enrol the voice again with the models of this session"
            )

    def to_dict(self) -> dict[str, Any]:
        """The print as JSON-ready values; arrays as base64 of little-endian float32."""
        return {
            "version": PRINT_VERSION,
            "model": self.model,
            "size": int(self.vectors.shape[1]),
            "vectors": b64encode(self.vectors.astype("<f4").tobytes()).decode(),
            "seconds": [round(s, 3) for s in self.seconds.tolist()],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The print that `to_dict` wrote. Raises VoicePrintError for anything else."""
        if data.get("version") != PRINT_VERSION:
            raise VoicePrintError(
                f"voice print of version {data.get('version')!r}: expected {PRINT_VERSION}; enrol it again"
            )
        try:
            vectors = np.frombuffer(b64decode(data["vectors"], validate=True), "<f4")
            vectors = vectors.reshape(-1, data["size"])
            seconds = np.array(data["seconds"], np.float32)
            model = str(data["model"])
        except (KeyError, TypeError, ValueError) as error:
            raise VoicePrintError(f"damaged voice print: {error!r}") from error
        return cls(model, vectors, seconds)


def joined(prints: Sequence[VoicePrint]) -> VoicePrint:
    """One print of several of the same voice; the vectors with the most speech stay.

    Raises VoicePrintError for prints of different models.
    """
    for each in prints:
        each.check(prints[0].model, prints[0].vectors.shape[1])
    return VoicePrint(
        prints[0].model,
        np.concatenate([each.vectors for each in prints]),
        np.concatenate([each.seconds for each in prints]),
    )
