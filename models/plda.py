"""Probabilistic linear discriminant analysis: vectors to a space of voices, and how likely two are one voice.

After the transform a vector is its speaker's mean plus noise of unit variance; the means of speakers vary by
`phi` along each axis. Sources: Ioffe, "Probabilistic linear discriminant analysis", ECCV 2006; the steps
before it and the parameters' layout as in BUT's VBx (Landini et al., Computer Speech & Language 71, 2022) and
pyannote.audio's community-1 pipeline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import PackageError, ShapeError, UnknownModel
from .tensors import read_npz, read_tensors

Floats = NDArray[np.float64]

TYPICAL_LENGTH = 2.9  # of community-1's vectors of clean speech: 2.3 to 3.6 in a real clip
# Where the two halves of the parameters lie: in FluidInference's repository, and in pyannote's.
TRANSFORM, PARAMETERS = "xvector-transform.json", "plda-parameters.json"
_AS_JSON = (TRANSFORM, PARAMETERS)
_AS_NPZ = ("xvec_transform.npz", "plda.npz")


@dataclass(frozen=True)
class Plda:
    """The parameters of one transform, checked.

    mean1 (n,), lda (n, m), mean2 (m,): centring, projection, centring, each step before a length of √n or √m.
    mu (m,), tr (m, m): the last centring and the axes of the space, one a row.
    phi (m,): variance of speakers along each axis, where that within a speaker is 1; descending.
    Raises ShapeError for parameters that do not fit each other, or a phi that is not positive.
    """

    mean1: Floats
    lda: Floats
    mean2: Floats
    mu: Floats
    tr: Floats
    phi: Floats

    def __post_init__(self) -> None:
        size, space = self.lda.shape if self.lda.ndim == 2 else (0, 0)
        wanted = {"mean1": (size,), "mean2": (space,), "mu": (space,), "tr": (space, space), "phi": (space,)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ShapeError(
                    f"PLDA parameter {name} is {getattr(self, name).shape}, "
                    f"expected {shape} beside lda {self.lda.shape}"
                )
        if not (self.phi > 0).all():
            raise ShapeError(f"PLDA's phi has {np.sum(self.phi <= 0)} values that are not positive")

    @classmethod
    def from_parameters(cls, transform: Mapping[str, Any], parameters: Mapping[str, Any]) -> Self:
        """From arrays under the published names, in any order of the axes.

        transform: mean1, lda, mean2. parameters: mu, tr, psi.

        VBx states the model as within = (tr' tr)⁻¹ and between = ((tr' / psi) tr)⁻¹ and solves for the axes.
        The rows of `tr` already are the solution, and psi their phi: only the order is left to do.
        Raises PackageError where one is missing.
        """
        if missing := [
            *({"mean1", "lda", "mean2"} - transform.keys()),
            *({"mu", "tr", "psi"} - parameters.keys()),
        ]:
            raise PackageError(f"PLDA parameters lack {', '.join(sorted(missing))}")
        mean1, lda, mean2 = (_floats(transform[name]) for name in ("mean1", "lda", "mean2"))
        mu, tr, psi = (_floats(parameters[name]) for name in ("mu", "tr", "psi"))
        order = np.argsort(-psi, kind="stable")
        return cls(mean1, lda, mean2, mu, tr[order] if tr.shape[:1] == psi.shape else tr, psi[order])

    def transform(self, embeddings: ArrayLike, *, length: float | None = None) -> Floats:
        """Features (..., m) of vectors (..., n) as the network gave them.

        length: that all vectors are brought to first. For vectors whose own is lost, as an Embedder's:
            with TYPICAL_LENGTH the features of a real clip keep a cosine of 0.995 to what they should be,
            with 1 of 0.89.
        Raises ShapeError for vectors of another size.
        """
        vectors = _floats(embeddings)
        size, space = self.lda.shape
        if vectors.shape[-1:] != (size,):
            raise ShapeError(f"PLDA wants vectors (..., {size}), got {vectors.shape}")
        if length is not None:
            vectors = length * _unit(vectors)
        projected = np.sqrt(size) * _unit(vectors - self.mean1) @ self.lda
        features: Floats = (np.sqrt(space) * _unit(projected - self.mean2) - self.mu) @ self.tr.T
        return features

    def rho(self, embeddings: ArrayLike) -> Floats:
        """Features scaled by √phi, as VBx takes them."""
        return self.transform(embeddings) * np.sqrt(self.phi)

    def scores(self, known: ArrayLike, tests: ArrayLike, counts: ArrayLike = 1) -> Floats:
        """Log-likelihood ratios (k, t): is a test of the known voice, rather than of some other one?

        known: (k, m) means of features of k voices. counts: (k,) or one number, how many vectors stand behind
        each mean. tests: (t, m) features. Above 0 the same voice is likelier, before any prior.
        """
        voices, vectors = np.atleast_2d(_floats(known)), np.atleast_2d(_floats(tests))
        shrink = _floats(counts).reshape(-1, 1) * self.phi
        # The speaker's own mean, given `counts` vectors of it, is normal around a share of their mean.
        means = shrink / (1 + shrink) * voices
        variances = np.broadcast_to(1 + self.phi / (1 + shrink), means.shape)
        distances = (
            (1 / variances) @ (vectors**2).T
            - 2 * (means / variances) @ vectors.T
            + np.sum(means**2 / variances, axis=1, keepdims=True)
        )
        alike = distances + np.sum(np.log(variances), axis=1, keepdims=True)
        other = np.sum(vectors**2 / (1 + self.phi), axis=1) + np.sum(np.log1p(self.phi))
        ratios: Floats = (other - alike) / 2
        return ratios


def open_plda(folder: Path) -> Plda:
    """The parameters in `folder`: FluidInference's two JSON files, or pyannote's two .npz files.

    Looks there and in its `plda` folder. Raises UnknownModel where neither pair is, PackageError for damaged
    files, ShapeError for parameters that do not fit each other.
    """
    for place in (folder, folder / "plda"):
        for names, read in ((_AS_JSON, read_tensors), (_AS_NPZ, read_npz)):
            transform, parameters = (place / name for name in names)
            if transform.is_file() and parameters.is_file():
                return Plda.from_parameters(read(transform), read(parameters))
    raise UnknownModel(
        f"{folder} holds no PLDA parameters: expected {' and '.join(_AS_JSON)} or {' and '.join(_AS_NPZ)}"
    )


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float64)


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
