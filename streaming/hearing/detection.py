"""A causal second opinion on speech: the detector heard chunk by chunk, and mixed into the windows' curve."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import DetectorSpec

from .requests import DetectRequest
from .ring import Ring

Floats = NDArray[np.float32]


class Detection:
    """What a speech detector says of the newest `capacity` samples, and the memory it goes on from.

    Chunks lie on an absolute grid and each is heard once, so nothing depends on how audio was cut. cell:
    samples in a cell.
    """

    def __init__(self, spec: DetectorSpec, cell: int, capacity: int) -> None:
        self.spec = spec
        self._cell = cell
        self._chunks = Ring(-(-capacity // spec.chunk) + 2)
        self._memory = np.zeros(spec.memory, np.float32)

    def request(self, stop: int, audio: Ring) -> DetectRequest | None:
        """The request for the chunks that end by sample `stop` and are not heard yet; None without any."""
        spec, first = self.spec, self._chunks.stop
        num_chunks = stop // spec.chunk - first
        if num_chunks <= 0:
            return None
        start = first * spec.chunk
        samples = audio.view(max(0, start - spec.lookback), start + num_chunks * spec.chunk)
        missing = spec.lookback + num_chunks * spec.chunk - len(samples)  # before the session: silence
        padded = np.concatenate([np.zeros(missing, np.float32), samples])
        views = np.lib.stride_tricks.sliding_window_view(padded, spec.lookback + spec.chunk)
        return DetectRequest(
            start, start + num_chunks * spec.chunk, views[:: spec.chunk].copy(), self._memory
        )

    def take(self, heard: Floats) -> None:
        """Take a request's answer (chunks + memory,)."""
        num_chunks = len(heard) - self.spec.memory
        self._chunks.append(heard[:num_chunks])
        self._memory = heard[num_chunks:].copy()

    def most(self, since: int) -> float:
        """The highest probability of the chunks that end after sample `since`."""
        stop = self._chunks.stop
        first = min(max(since // self.spec.chunk, self._chunks.start), stop)
        return float(self._chunks.view(first, stop).max(initial=0.0))

    def mixed(self, speech: Floats, start: int) -> Floats:
        """Probability of speech in cells from `start` on: the windows' own, `speech`, and the detector's.

        A detector that says nan, or nothing yet, leaves the windows' as it is.
        """
        first, known = self._chunks.start, self._chunks.view(self._chunks.start, self._chunks.stop)
        if not len(known):
            return speech
        spec = self.spec
        centres = (np.arange(start, start + len(speech)) + 0.5) * self._cell
        spoken_of = (np.arange(first, first + len(known)) + 0.5) * spec.chunk - spec.delay
        opinion = np.interp(centres, spoken_of, known)
        mixed = (1 - spec.share) * speech + spec.share * opinion + spec.lean
        result: Floats = np.where(np.isfinite(opinion), np.clip(mixed, 0, 1), speech).astype(np.float32)
        return result

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"chunks": self._chunks.state(), "memory": self._memory}

    def restore(self, state: dict[str, Any]) -> None:
        """Become the detection that `state` was taken from."""
        self._chunks.restore(state["chunks"])
        self._memory = state["memory"]
