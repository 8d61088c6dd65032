"""Frame features of the newest audio: each stretch computed once, and once more where context came along."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import EmbedderSpec

from .requests import FramesRequest
from .ring import Ring

Frames = NDArray[np.float32]


class FrameCache:
    """Cached frames on the model's absolute frame grid, for the newest `capacity` samples.

    Calls end at multiples of the model's hop, so they do not depend on how audio was cut; only the hops
    that speech touches are asked for, and of several at once only those whose frames no later one gives.
    """

    def __init__(self, spec: EmbedderSpec, capacity: int) -> None:
        self.spec = spec
        num_frames = -(-capacity // spec.frame_step)
        self._frames = Ring(num_frames, (spec.channels,))
        self._known = Ring(num_frames, (), np.bool_)
        self._complete = 0  # samples in whole hops

    @property
    def settled(self) -> int:
        """Sample before which no later call will change a frame."""
        return self._complete - self.spec.kept + self.spec.hop

    def extend(self, stop: int) -> None:
        """Move the clock to sample `stop`."""
        fresh = stop // self.spec.frame_step - self._frames.stop
        self._frames.extend(fresh)
        self._known.extend(fresh)
        self._complete = stop // self.spec.hop * self.spec.hop

    def calls_for(self, stretches: Iterable[tuple[int, int]], *, is_last: bool) -> list[tuple[int, int]]:
        """Calls (start, stop) in samples, still to be made for the frames of `stretches` (in samples).

        Speech in a hop that is not complete waits for it; at the end of a session, is_last, the last call
        ends where the audio does. A session shorter than a hop gets one call that starts before 0.
        """
        step, hop = self.spec.frame_step, self.spec.hop
        calls: list[tuple[int, int]] = []
        given = self._known.stop  # frames from here on will be known
        for frame in sorted(self._unknown(stretches), reverse=True):
            if frame >= given:
                continue
            stop = (frame * step // hop + 1) * hop
            if stop > self._complete:
                if not is_last:
                    continue
                stop = self._known.stop * step
            start = self._call_start(stop)
            calls.append((start, stop))
            given = (stop - self.spec.kept if start > 0 else 0) // step
        return calls[::-1]

    def _unknown(self, stretches: Iterable[tuple[int, int]]) -> set[int]:
        """Frames of `stretches` (in samples) that nothing is known of."""
        step = self.spec.frame_step
        unknown: set[int] = set()
        for start, stop in stretches:
            first = max(start // step, self._known.start)
            last = min(-(-stop // step), self._known.stop)
            unknown.update((first + np.flatnonzero(~self._known.view(first, max(first, last)))).tolist())
        return unknown

    def request(self, call: tuple[int, int], audio: Ring) -> FramesRequest:
        """The request for a call; what lies before the session is silence."""
        start, stop = call
        first = start - self.spec.preroll
        samples = audio.view(max(first, 0), stop)
        if first < 0:
            samples = np.concatenate([np.zeros(-first, np.float32), samples])
        return FramesRequest(start, stop, samples.copy())

    def put(self, start: int, stop: int, frames: Frames) -> None:
        """Take a call's answer: its newest frames, all of them where nothing came before."""
        step = self.spec.frame_step
        end = stop // step
        kept = min(len(frames) if start <= 0 else self.spec.kept // step, len(frames), end)
        self._frames.view(end - kept, end)[:] = frames[len(frames) - kept :]
        self._known.view(end - kept, end)[:] = True

    def view(self, start: int, stop: int) -> tuple[int, Frames] | None:
        """(first frame, frames (n, channels)) of samples [start, stop), as far as they are known.

        None where fewer are known than the model can make a vector from.
        """
        step = self.spec.frame_step
        first = max(start // step, self._frames.start)
        last = min(max(stop // step, first + self.spec.min_frames), self._frames.stop)
        known = self._known.view(first, max(first, last))
        if not known.all():
            last = first + int(known.argmin())
        return (first, self._frames.view(first, last)) if last - first >= self.spec.min_frames else None

    def _call_start(self, stop: int) -> int:
        most = self.spec.lookback // self.spec.hop
        return stop - (min(most, max(0, stop // self.spec.hop - 1)) + 1) * self.spec.hop

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "frames": self._frames.state(),
            "known": self._known.state(),
            "complete": self._complete,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the cache that `state` was taken from."""
        self._frames.restore(state["frames"])
        self._known.restore(state["known"])
        self._complete = state["complete"]
