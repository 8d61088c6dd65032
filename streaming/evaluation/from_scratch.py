"""Cached frames against embedding every voice of every window from scratch, as others do.

Both ways hear the same windows, one per hop, and take the same voices of them: each local speaker, from the
frames in which it speaks alone. From scratch, the whole network runs over the whole window once per voice;
with cached frames it runs over what is new, and every voice pools frames that are already there. The same
small online clusterer names the vectors of both, so that nothing else makes their errors differ.
Source of the other way: Coria et al., "Overlap-aware low-latency online speaker diarization based on
end-to-end local segmentation", ASRU 2021, whose rules the clusterer follows.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from hocket.models.roles import Embedder, Segmenter

from ..errors import AudioFileError
from ..grid import CELLS_PER_SECOND, FrameGrid, Grid, to_cells
from ..hearing.frames import FrameCache
from ..hearing.powerset import Powerset
from ..hearing.ring import Ring
from ..metrics import Lanes
from ..replay import Segment

Floats = NDArray[np.float32]
# (samples,) of a window to its frames (n, channels), by one run of the whole network.
Whole = Callable[[Floats], Floats]

ACTIVE = 0.5  # probability from which a local speaker speaks
LEAST_ALONE = 0.3  # seconds alone that a voice is embedded from
FOUNDING = 1.0  # seconds alone that a new speaker is founded on
SAME = 0.4  # cosine to a centroid from which a voice may be its speaker's
DECIDED = 5.0  # seconds after which what windows say of a cell no longer counts


@dataclass
class Way:
    """One way's cost and outcome. seconds: of processor time in the embedder, over all hops."""

    seconds: float = 0.0
    vectors: list[Floats] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Both ways over one recording, `hops` windows of it."""

    hops: int
    cached: Way
    scratch: Way


def pooled(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Milliseconds per hop of both ways, their ratio, and the cosines between the two vectors of a voice."""
    hops = sum(one.hops for one in comparisons)
    cosines = [
        float(near @ far)
        for one in comparisons
        for near, far in zip(one.cached.vectors, one.scratch.vectors, strict=True)
    ]
    if not cosines:
        raise AudioFileError("no voice speaks alone in any window of 10 s: nothing to compare")
    cached = sum(one.cached.seconds for one in comparisons)
    scratch = sum(one.scratch.seconds for one in comparisons)
    return {
        "hops": hops,
        "voices_per_hop": len(cosines) / hops,
        "cached_ms": 1000 * cached / hops,
        "from_scratch_ms": 1000 * scratch / hops,
        "ratio": scratch / cached,
        "cosine_mean": float(np.mean(cosines)),
        "cosine_p5": float(np.percentile(cosines, 5)),
    }


def compare(
    samples: Floats, segmenter: Segmenter, embedder: Embedder, whole: Whole, *, hop: float = 0.5
) -> Comparison:
    """Hear (n,) samples at the models' rate both ways, in windows of full length only."""
    spec, grid = segmenter.spec, Grid(segmenter.spec.rate)
    step, length = grid.samples(hop), spec.lengths[-1]
    cells_per_frame = embedder.spec.frame_step // grid.cell
    cache, audio = _Cache(embedder, length + 2 * step), Ring(len(samples))
    audio.append(samples)
    cached, scratch = Way(), Way()
    both = [(way, Names(embedder.spec.size, grid.cells(len(samples)))) for way in (cached, scratch)]
    stops = range(length, len(samples) + 1, step)
    for stop in stops:
        start = stop - length
        active = _active(segmenter, samples[start:stop])
        alone = active & (active.sum(axis=1, keepdims=True) == 1)
        seconds = alone.sum(axis=0) / CELLS_PER_SECOND
        speaking = np.flatnonzero(seconds >= LEAST_ALONE).tolist()
        masks = [_per_frame(alone[:, voice], cells_per_frame) for voice in speaking]

        began = time.process_time()
        frames = cache.frames(audio, start, stop, np.asarray(active.any(axis=1)))
        near = _vectors(embedder, frames, masks)
        cached.seconds += time.process_time() - began

        began = time.process_time()
        frames = whole(samples[start:stop])
        # Others run it for each voice; the frames are the same, so it is run here once and counted as often.
        scratch.seconds += len(masks) * (time.process_time() - began)
        began = time.process_time()
        far = _vectors(embedder, frames, masks)
        scratch.seconds += time.process_time() - began

        for (way, names), vectors in zip(both, (near, far), strict=True):
            way.vectors += list(vectors)
            names.take(grid.cells(start), active, speaking, vectors, seconds)
    for way, names in both:
        way.segments = names.segments()
    return Comparison(len(stops), cached, scratch)


class _Cache:
    """Frames of a window, computed where somebody speaks and they are not known yet."""

    def __init__(self, embedder: Embedder, capacity: int) -> None:
        self._embedder = embedder
        self._frames = FrameCache(embedder.spec, capacity)

    def frames(self, audio: Ring, start: int, stop: int, speech: NDArray[np.bool_]) -> Floats:
        """(n, channels) of samples [start, stop); zeros where nobody speaks. speech: (cells,) of them."""
        spec = self._embedder.spec
        self._frames.extend(stop)
        cell = (stop - start) // len(speech)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], speech, [False]])))
        spans = [(start + cell * a, start + cell * b) for a, b in edges.reshape(-1, 2).tolist()]
        for call in self._frames.calls_for(spans, is_last=False):
            request = self._frames.request(call, audio)
            self._frames.put(*call, self._embedder.frames(request.audio[np.newaxis])[0])
        frames = np.zeros(((stop - start) // spec.frame_step, spec.channels), np.float32)
        for first, last in spans:
            if found := self._frames.view(first, last):
                place = found[0] - start // spec.frame_step
                frames[place : place + len(found[1])] = found[1][: len(frames) - place]
        return frames


class Names:
    """Online clustering of windows' voices, and what all windows together say of each cell."""

    def __init__(self, size: int, num_cells: int) -> None:
        self._sums = np.zeros((0, size), np.float32)
        self._votes = np.zeros((num_cells, 0), np.float32)
        self._counted, self._seen = np.zeros(num_cells), np.zeros(num_cells)

    def take(
        self, start: int, active: NDArray[np.bool_], speaking: list[int], vectors: Floats, alone: Floats
    ) -> None:
        """One window from cell `start` on: its voices' activity, and vectors of those in `speaking`.

        alone: (voices,) seconds in which each speaks by itself.
        """
        stop = start + len(active)
        is_first = not self._seen.any()
        voted = slice(start if is_first else max(start, stop - to_cells(DECIDED)), stop)
        late = active[voted.start - start :]
        self._seen[voted] += 1
        self._counted[voted] += late.sum(axis=1)
        for voice, speaker in self._speakers(speaking, vectors, alone).items():
            self._votes[voted, speaker] += late[:, voice]

    def _speakers(self, speaking: list[int], vectors: Floats, alone: Floats) -> dict[int, int]:
        """Who each voice is: no two the same; unlike all, a new speaker where there is enough of it."""
        centroids = self._sums / np.maximum(np.linalg.norm(self._sums, axis=1, keepdims=True), 1e-9)
        likeness = np.asarray(vectors, np.float32) @ centroids.T
        pairs = dict(zip(*linear_sum_assignment(likeness, maximize=True), strict=True))
        named = {}
        for row, voice in enumerate(speaking):
            speaker = pairs.get(row)
            if speaker is None or likeness[row, speaker] < SAME:
                if alone[voice] < FOUNDING:
                    continue
                speaker = len(self._sums)
                self._sums = np.concatenate([self._sums, np.zeros((1, vectors.shape[1]), np.float32)])
                self._votes = np.pad(self._votes, ((0, 0), (0, 1)))
            if alone[voice] >= FOUNDING:
                self._sums[speaker] += vectors[row]
            named[voice] = speaker
        return named

    def segments(self) -> list[Segment]:
        """In every cell as many speakers as its windows count on average, the likeliest ones."""
        count = np.rint(self._counted / np.maximum(self._seen, 1))
        order = np.argsort(np.argsort(-self._votes, axis=1, kind="stable"), axis=1)
        speaking = (order < count[:, None]) & (self._votes > 0)
        return Lanes(tuple(f"S{k + 1}" for k in range(len(self._sums))), speaking.T).segments()


def _vectors(embedder: Embedder, frames: Floats, masks: list[Floats]) -> Floats:
    if not masks:
        return np.zeros((0, embedder.spec.size), np.float32)
    return embedder.embed([frames] * len(masks), masks)


def _active(segmenter: Segmenter, window: Floats) -> NDArray[np.bool_]:
    """(cells, voices): who speaks in a window."""
    spec, powerset = segmenter.spec, Powerset(segmenter.spec.classes)
    activity = powerset.activity(powerset.probabilities(segmenter.segment(window[np.newaxis])[0]))
    grid = FrameGrid(Grid(spec.rate).cell, spec.frame_step, spec.frame_offset)
    speaking: NDArray[np.bool_] = grid.to_cells(activity, len(window)) > ACTIVE
    return speaking


def _per_frame(cells: NDArray[np.bool_], cells_per_frame: int) -> Floats:
    whole = len(cells) // cells_per_frame * cells_per_frame
    return np.asarray(cells[:whole].reshape(-1, cells_per_frame).all(axis=1), np.float32)
