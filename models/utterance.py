"""One package over a whole stretch of speech in the role of Embedder, for networks not cut in two."""

import numpy as np
from numpy.typing import NDArray

from .batching import run_rows
from .errors import ModelError, ShapeError
from .fbank import Fbank
from .nemo_mel import NemoMel
from .predictor import Predictor
from .roles import Audio, EmbedderSpec, Frames, Weights

FrontEnd = Fbank | NemoMel


class UtteranceEmbedder:
    """Embedder whose cached frames are the front end's features, and whose whole network makes each vector.

    net: features (batch, n, bins), normalised over the stretch, to (batch, size); with a second input, also
        weights (batch, ceil(n / frames_per_weight)). Without one, frames of weight 0 are left out.

    Far dearer than a trunk whose frames are cached: every vector runs the network over its stretch.
    """

    def __init__(
        self, net: Predictor, spec: EmbedderSpec, *, front_end: FrontEnd, frames_per_weight: int
    ) -> None:
        self.spec = spec
        self._net = net
        self._front_end = front_end
        self._frames_per_weight = frames_per_weight
        self._takes_weights = len(net.inputs) > 1

    def frames(self, audio: Audio) -> Frames:
        """Features of each stretch; see Embedder. Raises ShapeError for a stretch off the grid."""
        preroll, step = self.spec.preroll, self.spec.frame_step
        if audio.ndim != 2 or audio.shape[1] <= preroll or (audio.shape[1] - preroll) % step:
            raise ShapeError(
                f"embedding frames want (batch, {preroll} + n), n a multiple of {step}, got {audio.shape}"
            )
        return self._front_end(audio)

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        """Unit speaker vectors; see Embedder.

        Raises ShapeError for too few or too many frames, or weights that do not match them, and ModelError
        for vectors that are not finite.
        """
        by_length: dict[int, list[int]] = {}
        inputs = []
        for index, (rows, row_weights) in enumerate(zip(frames, weights, strict=True)):
            inputs.append(self._inputs(rows, row_weights))
            by_length.setdefault(len(inputs[-1][0]), []).append(index)
        vectors = np.empty((len(frames), self.spec.size), np.float32)
        for members in by_length.values():
            arrays = (np.stack(column) for column in zip(*(inputs[index] for index in members)))
            vectors[members] = run_rows(self._net, self._net.outputs[0].name, *arrays)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ModelError("embedding gave a vector that has no direction; are frames and weights finite?")
        return np.asarray(vectors / norms)

    def _inputs(self, frames: NDArray[np.float32], weights: Weights) -> tuple[NDArray[np.float32], ...]:
        """What the network is given for one stretch, without the batch axis."""
        if frames.shape != (len(frames), self.spec.channels) or weights.shape != (len(frames),):
            raise ShapeError(
                f"embedding wants frames (n, {self.spec.channels}) and weights (n,), "
                f"got {frames.shape} and {weights.shape}"
            )
        if self._takes_weights:
            self._check_count(len(frames))
            return self._front_end.normalised(frames), self._thinned(weights)
        counted = frames[weights > 0]
        self._check_count(len(counted))
        return (self._front_end.normalised(counted),)

    def _check_count(self, count: int) -> None:
        features = self._net.inputs[0]
        if count < self.spec.min_frames or not features.admits((1, count, self.spec.channels)):
            raise ShapeError(
                f"embedding wants at least {self.spec.min_frames} frames that count and a shape of "
                f"{features.describe()}, got {count} frames"
            )

    def _thinned(self, weights: Weights) -> Weights:
        """The nearest weight for each of the network's own frames; all 1 where fewer than two would count."""
        count = -(-len(weights) // self._frames_per_weight)
        thinned: Weights = weights[np.arange(count) * len(weights) // count].astype(np.float32)
        return thinned if np.count_nonzero(thinned) > 1 else np.ones(count, np.float32)
