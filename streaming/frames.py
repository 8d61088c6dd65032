"""Frame features of the newest audio, each stretch computed once (twice where more context came along)."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import EmbedderSpec

from .requests import FramesRequest
from .ring import Ring

Frames = NDArray[np.float32]


class FrameCache:
    """Cached frames on the absolute frame grid.

    Calls to the model end at multiples of its hop; only the hops that speech touches are asked for.
    settled: samples before which no later call will change a frame.
    """

    def __init__(self, spec: EmbedderSpec, capacity: int) -> None:
        self.spec = spec
        self._ring = Ring(-(-capacity // spec.frame_step), (spec.channels,))
        self._have = Ring(-(-capacity // spec.frame_step), (), np.bool_)

    @property
    def settled(self) -> int:
        return self._ring.stop * self.spec.frame_step - self.spec.kept + self.spec.hop

    @property
    def seconds(self) -> float:
        """Seconds that one frame covers."""
        return self.spec.frame_step / self.spec.rate

    def wanted(
        self, stretches: Iterable[tuple[int, int]], audio: Ring, stop: int, last: bool
    ) -> Iterator[FramesRequest]:
        """Calls still to be made so that every frame of `stretches` (samples) is there."""
        spec = self.spec
        heard = stop // spec.frame_step
        complete = stop // spec.hop * spec.hop
        self._grow(heard)
        ends: set[int] = set()
        for a, b in stretches:
            first, end = max(a // spec.frame_step, self._have.start), min(b // spec.frame_step, heard)
            missing = np.flatnonzero(~self._have.view(first, end)) + first if end > first else np.zeros(0, int)
            for frame in missing.tolist():
                e = (frame * spec.frame_step // spec.hop + 1) * spec.hop
                if e <= complete:
                    ends.add(e)
                elif last:
                    ends.add(heard * spec.frame_step)
        for e in sorted(ends):
            s = max(0, e - spec.hop - spec.lookback)
            if e % spec.hop:
                s = max(0, e - (e - s) // spec.hop * spec.hop)
            left = s - spec.preroll
            samples = audio.view(max(left, 0), e)
            if left < 0:
                samples = np.concatenate([np.zeros(-left, np.float32), samples])
            yield FramesRequest(s, e, samples)

    def put(self, start: int, stop: int, frames: Frames) -> None:
        step = self.spec.frame_step
        end, kept = stop // step, min(len(frames), self.spec.kept // step)
        if start == 0:
            kept = len(frames)
        self._ring.view(end - kept, end)[:] = frames[-kept:]
        self._have.view(end - kept, end)[:] = True

    def view(self, start: int, stop: int) -> tuple[int, Frames] | None:
        """(first frame, frames) of samples [start, stop), None where fewer than the model needs are there."""
        step = self.spec.frame_step
        first, end = max(start // step, self._ring.start), min(max(stop // step, start // step + self.spec.min_frames), self._ring.stop)
        if end - first < self.spec.min_frames:
            return None
        have = self._have.view(first, end)
        if not have.all():
            end = first + int(np.argmin(have))
            if end - first < self.spec.min_frames:
                return None
        return first, self._ring.view(first, end)

    def _grow(self, heard: int) -> None:
        if heard > self._ring.stop:
            self._have.extend(heard - self._ring.stop)
            self._ring.extend(heard - self._ring.stop)
