"""A trunk and a head package in the role of Embedder."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .batching import run_rows
from .errors import ModelError, ShapeError
from .fbank import Fbank
from .predictor import Predictor
from .roles import Audio, EmbedderSpec, Frames, Weights


class PackageEmbedder:
    """Embedder over two packages: the trunk makes frames of filter banks, the head pools frames to a vector.

    trunk: features (batch, feature frames, bins) to (batch, frames, channels).
    head: frames (batch, n, channels) and weights (batch, n) to (batch, size). Frames of weight 0 must count
        nothing: they are the padding up to one of `pool_sizes`, so that a native runtime sees few shapes
        and a vector does not depend on what else is in its batch.
    """

    def __init__(
        self,
        trunk: Predictor,
        head: Predictor,
        spec: EmbedderSpec,
        *,
        front_end: Fbank,
        pool_sizes: Sequence[int],
    ) -> None:
        self.spec = spec
        self._trunk, self._head = trunk, head
        self._front_end = front_end
        self._pool_sizes = tuple(sorted(pool_sizes))

    def frames(self, audio: Audio) -> Frames:
        """Frame features of each stretch; see Embedder.

        The mean of each feature over the stretch is subtracted. Raises ShapeError for a length that the
        trunk does not admit.
        """
        if audio.ndim != 2 or (audio.shape[1] - self.spec.preroll) % self.spec.hop:
            raise ShapeError(
                f"embedding frames want (batch, {self.spec.preroll} + n), n a multiple of {self.spec.hop}, "
                f"got {audio.shape}"
            )
        features = self._front_end(audio)
        features -= features.mean(axis=1, keepdims=True)
        frames: Frames = run_rows(self._trunk, self._trunk.outputs[0].name, features)
        return frames

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        """Unit speaker vectors; see Embedder.

        Raises ShapeError for too few or too many frames, or weights that do not match them, and ModelError
        for vectors that are not finite.
        """
        by_size: dict[int, list[int]] = {}
        for index, (rows, row_weights) in enumerate(zip(frames, weights, strict=True)):
            by_size.setdefault(self._pool_size(rows, row_weights), []).append(index)
        vectors = np.empty((len(frames), self.spec.size), np.float32)
        for size, members in by_size.items():
            padded = np.zeros((len(members), size, self.spec.channels), np.float32)
            shares = np.zeros((len(members), size), np.float32)
            for row, index in enumerate(members):
                padded[row, : len(frames[index])] = frames[index]
                shares[row, : len(frames[index])] = weights[index]
            vectors[members] = run_rows(self._head, self._head.outputs[0].name, padded, shares)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ModelError("embedding gave a vector that has no direction; are frames and weights finite?")
        return np.asarray(vectors / norms)

    def _pool_size(self, frames: NDArray[np.float32], weights: Weights) -> int:
        """The smallest admitted number of frames that holds these."""
        count = len(frames)
        if frames.shape != (count, self.spec.channels) or weights.shape != (count,):
            raise ShapeError(
                f"embedding wants frames (n, {self.spec.channels}) and weights (n,), "
                f"got {frames.shape} and {weights.shape}"
            )
        if not self.spec.min_frames <= count <= self._pool_sizes[-1]:
            raise ShapeError(
                f"embedding wants {self.spec.min_frames} to {self._pool_sizes[-1]} frames, got {count}"
            )
        return self._pool_sizes[bisect_left(self._pool_sizes, count)]
