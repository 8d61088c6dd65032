"""Packages over a window of audio and a mask, as FluidInference publish them, in the role of Embedder."""

import numpy as np
from numpy.typing import NDArray

from .batching import run_rows
from .errors import ModelError, ModelRoleError, ShapeError
from .predictor import Array, Predictor
from .roles import Audio, EmbedderSpec, Frames, Weights

OUTPUT = "embedding"  # a package may give more: wespeaker_v2 has a scalar, `constant`
LEAST_MASK = 10  # frames that the mask must keep; fewer say too little of a voice
AT_ONCE = 6  # windows in one call: a multiple of wespeaker_v2's slots, and a bound on memory


class WindowEmbedder:
    """Embedder over a network that hears whole windows and is told by a mask which frames count.

    net: waveforms (batch, samples) and masks (batch, mask_frames) to (batch, size), every row on its own;
        what `front_end` makes of the waveforms in their place, where there is one.
    front_end: waveforms (batch, 1, samples) to features; None where the network has it inside.

    The cached frames are the audio itself. A stretch shorter than the window is repeated until that is full,
    and its mask with it: the network subtracts means over the window, so that silence in its place would
    change every feature. Far dearer than a trunk whose frames are cached: each vector runs a whole window.
    Raises ModelRoleError for packages with other interfaces.
    """

    def __init__(
        self, net: Predictor, spec: EmbedderSpec, *, mask_frames: int, front_end: Predictor | None = None
    ) -> None:
        masks = [item.name for item in net.inputs if item.shape[1:] == (mask_frames,)]
        if len(net.inputs) != 2 or len(masks) != 1 or OUTPUT not in {item.name for item in net.outputs}:
            inputs = ", ".join(f"{item.name} {item.describe()}" for item in net.inputs)
            raise ModelRoleError(
                f"an embedding package over windows takes sound and a mask of {mask_frames} frames and gives "
                f"{OUTPUT!r}; this takes {inputs} and gives {', '.join(item.name for item in net.outputs)}"
            )
        self.spec = spec
        self._net, self._front_end = net, front_end
        self._mask_first = net.inputs[0].name == masks[0]
        self._window = spec.max_frames * spec.frame_step
        self._mask_centres = ((np.arange(mask_frames) + 0.5) * self._window / mask_frames).astype(np.int64)

    def frames(self, audio: Audio) -> Frames:
        """The audio, cut into frames; see Embedder. Raises ShapeError for a stretch off the grid."""
        step = self.spec.frame_step
        if audio.ndim != 2 or not audio.shape[1] or audio.shape[1] % step:
            raise ShapeError(f"embedding frames want (batch, n), n a multiple of {step}, got {audio.shape}")
        return audio.reshape(len(audio), -1, step)

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        """Unit speaker vectors; see Embedder.

        Raises ShapeError for too few or too many frames, or weights that do not match them, and ModelError
        for vectors that are not finite.
        """
        vectors = np.empty((len(frames), self.spec.size), np.float32)
        for start in range(0, len(frames), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            pairs = zip(frames[some], weights[some], strict=True)
            windows, masks = zip(*(self._filled(*pair) for pair in pairs))
            sound: Array = np.stack(windows)
            if self._front_end is not None:
                sound = run_rows(self._front_end, self._front_end.outputs[0].name, sound[:, np.newaxis])
            inputs = (np.stack(masks), sound) if self._mask_first else (sound, np.stack(masks))
            vectors[some] = run_rows(self._net, OUTPUT, *inputs)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise ModelError("embedding gave a vector that has no direction; are frames and weights finite?")
        return np.asarray(vectors / norms)

    def _filled(self, frames: NDArray[np.float32], weights: Weights) -> tuple[Array, Array]:
        """A window (samples,) and its mask, repeated from one stretch.

        The mask is read at the centre of each of its frames. FluidAudio repeats whole frames of it instead,
        which drift away from the audio they stand for with every round.
        """
        count, step = len(frames), self.spec.frame_step
        if frames.shape != (count, self.spec.channels) or weights.shape != (count,):
            raise ShapeError(
                f"embedding wants frames (n, {self.spec.channels}) and weights (n,), "
                f"got {frames.shape} and {weights.shape}"
            )
        if not self.spec.min_frames <= count <= self.spec.max_frames:
            raise ShapeError(
                f"embedding wants {self.spec.min_frames} to {self.spec.max_frames} frames, got {count}"
            )
        mask = weights[self._mask_centres % (count * step) // step].astype(np.float32)
        if np.count_nonzero(mask) < LEAST_MASK:
            mask = np.ones_like(mask)
        return np.resize(frames, self._window), mask
