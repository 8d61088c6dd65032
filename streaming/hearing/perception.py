"""From samples to atoms: everything between the ring of audio and the question who it was."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import EmbedderSpec, SegmenterSpec

from ..grid import FrameGrid, Grid
from . import evidence
from .atoms import Atom, Links, Overlap
from .curves import Curves
from .cutting import AtomRules, Span, cut, runs_of
from .detection import Detection
from .evidence import LocalVoices
from .frames import FrameCache
from .powerset import Powerset
from .requests import DetectRequest, EmbedRequest, FramesRequest, SegmentRequest
from .ring import Ring

Floats = NDArray[np.float32]

LINK_LEAST = 0.01  # links below this share are forgotten
OVERLAP_ON = 0.5  # probability from which a cell has a second voice
OVERLAP_SHORTEST = 5  # cells below which an overlap is not worth a second name
REST, LONG_REST = 2.0, 10.0  # seconds that may pass without a window while nobody speaks
NOBODY, NOBODY_DETECTED = 0.1, 0.05  # probabilities below which a window, and a detector, hear nobody
NOBODY_FOR = 100  # cells at a window's end


class Perception:
    """The newest stretch of a session, heard: audio, curves, cached frames, atoms and their vectors.

    reach: samples of the past that are kept. One step goes: hear, detection, take_detection,
    may_rest or window and take_window, cut, calls, take_frames, poolings, take_vector, atoms.
    """

    def __init__(
        self,
        segmenter: SegmenterSpec,
        embedder: EmbedderSpec,
        rules: AtomRules,
        grid: Grid,
        reach: int,
    ) -> None:
        self._grid = grid
        self._rules = rules
        self._embedder = embedder
        self._frame_grid = FrameGrid(grid.cell, segmenter.frame_step, segmenter.frame_offset)
        self._powerset = Powerset(segmenter.classes)
        self._ring = Ring(reach)
        self._curves = Curves(self._powerset, grid.cells(reach))
        self._detection = Detection(segmenter.detector, grid.cell, reach) if segmenter.detector else None
        self._frames = FrameCache(embedder, reach)
        self._vectors: dict[tuple[int, int], tuple[Floats, float]] = {}
        self.spans: list[Span] = []
        self.num_again = 0  # of the spans, those that are cut once more
        self.now = 0

    @property
    def samples_heard(self) -> int:
        """Samples taken so far."""
        return self._ring.stop

    def append(self, samples: Floats) -> None:
        """Take samples, at most one hop beyond `now`."""
        self._ring.append(samples)

    def append_silence(self, num_samples: int) -> None:
        """Take samples that never arrived."""
        self._ring.extend(num_samples)

    def hear(self, stop: int) -> None:
        """Move the clock to sample `stop`, a cell edge."""
        self.now = self._grid.cells(stop)
        self._curves.extend(self.now)
        self._frames.extend(stop)

    def window(self, start: int, stop: int) -> SegmentRequest | None:
        """The request for a window; None, and the window taken for silence, where every sample is 0."""
        audio = self._ring.view(max(start, 0), stop)
        if not audio.any():
            silence = np.zeros((self.now - max(start, 0) // self._grid.cell, len(self._powerset.classes)))
            silence[:, self._powerset.sizes == 0] = 1
            self._curves.add(max(start, 0) // self._grid.cell, silence.astype(np.float32))
            return None
        before = np.zeros(max(0, -start), np.float32)
        return SegmentRequest(start, stop, np.concatenate([before, audio]))

    def take_window(self, request: SegmentRequest, logits: Floats) -> None:
        """Take the class scores (frames, classes) of a window."""
        probabilities = self._powerset.probabilities(logits)
        cells = self._frame_grid.to_cells(probabilities, request.stop - request.start)
        before = max(0, -request.start // self._grid.cell)
        self._curves.add(max(0, request.start // self._grid.cell), cells[before:])

    def detection(self) -> DetectRequest | None:
        """The request for what the speech detector has not heard yet; None without a detector or a chunk."""
        if self._detection is None:
            return None
        return self._detection.request(self.now * self._grid.cell, self._ring)

    def take_detection(self, heard: Floats) -> None:
        """Take what the speech detector says (chunks + memory,)."""
        assert self._detection is not None  # or nobody asked
        self._detection.take(heard)

    def may_rest(self, looked: int, stop: int) -> bool:
        """Whether a window that ends at sample `stop` can wait, the last one having ended at `looked`.

        It can where the detector hears nobody since, and the last window heard nobody at its end: for a
        while, and longer where that window heard nobody at all. Never without a detector.
        """
        if self._detection is None or not self.windows:
            return False
        last = self.windows[-1].activity
        rest = LONG_REST if last.max(initial=0.0) < NOBODY else REST
        return (
            stop - looked < self._grid.samples(rest)
            and float(last[-NOBODY_FOR:].max(initial=0.0)) < NOBODY
            and self._detection.most(looked) < NOBODY_DETECTED
        )

    @property
    def since(self) -> int:
        """Oldest cell that can still be heard again."""
        return self._curves.start

    @property
    def windows(self) -> Sequence[LocalVoices]:
        """The local voices of the windows that reach into what is kept, oldest first."""
        return self._curves.windows

    def cut(self, first: int, stop: int | None = None, again: tuple[int, int] | None = None) -> None:
        """Cut what has been heard of cells [first, stop) into atoms; up to `now` where no stop is given.

        again: an earlier stretch, to be cut once more; its atoms come first.
        """
        before = self._cut(*again) if again else []
        self.num_again = len(before)
        self.spans = [*before, *self._cut(first, self.now if stop is None else stop)]

    def _cut(self, first: int, stop: int) -> list[Span]:
        speech, change = self._curves.speech(first, stop), self._curves.change(first, stop)
        if self._detection:
            mixed = self._detection.mixed(speech, first)
            speech = np.where(self._curves.is_seen(first, stop), mixed, speech)
        return cut(speech, change, first, self._rules)

    def calls(self, *, is_last: bool) -> list[FramesRequest]:
        """Frame features that the atoms still need."""
        cell = self._grid.cell
        stretches = [(span.start * cell, span.stop * cell) for span in self.spans]
        return [
            self._frames.request(call, self._ring)
            for call in self._frames.calls_for(stretches, is_last=is_last)
        ]

    def take_frames(self, request: FramesRequest, frames: Floats) -> None:
        """Take frame features (frames, channels)."""
        self._frames.put(request.start, request.stop, frames)

    def poolings(self) -> list[EmbedRequest]:
        """Vectors that atoms and overlaps still need: all but those whose frames will not change any more."""
        atoms = [(span.start, span.stop) for span in self.spans]
        overlaps = [double for double in self._doubles() if double not in atoms]
        known, self._vectors = self._vectors, {}
        requests = []
        for key in [*atoms, *overlaps]:
            start, stop = key[0] * self._grid.cell, key[1] * self._grid.cell
            if key in known and stop <= self._frames.settled:
                self._vectors[key] = known[key]
            elif (found := self._frames.view(start, stop)) is not None:
                first, frames = found
                weights = np.ones(len(frames), np.float32)
                if key not in overlaps:
                    weights = self._alone(first, len(frames))
                requests.append(EmbedRequest(*key, frames.copy(), weights))
        return requests

    def take_vector(self, request: EmbedRequest, vector: Floats) -> None:
        """Take a vector (size,). One that is not finite is refused: the atom or overlap stays without."""
        if np.isfinite(vector).all():
            clean = float(request.weights.sum()) * self._embedder.frame_step / self._embedder.rate
            self._vectors[request.start, request.stop] = vector, clean

    def atoms(self, past: Sequence[Atom]) -> list[Atom]:
        """The atoms as they now stand, with vectors, links and overlaps, unnamed.

        past: remembered atoms, of which those still in reach can be linked to.
        """
        if not self.spans:
            return []
        if not self._curves.windows:
            return [Atom(span.start, span.stop, None, 0.0) for span in self.spans]
        windows = self._curves.windows
        known = [
            *((atom.start, atom.stop) for atom in past if atom.start >= self._curves.start),
            *((span.start, span.stop) for span in self.spans),
        ]
        others = evidence.alone(windows, np.array(known))
        table = evidence.links(others[-len(self.spans) :], others)
        starts = [start for start, _ in known]
        doubles = self._doubles()
        if doubles:
            second = evidence.links(evidence.whole(windows, np.array(doubles)), others)
        else:
            second = np.zeros((0, len(starts)), np.float32)
        atoms = []
        for span, row in zip(self.spans, table):
            vector, clean = self._vectors.get((span.start, span.stop), (None, 0.0))
            overlaps = tuple(
                Overlap(a, b, _as_links(starts, shares), vector=self._vectors.get((a, b), (None, 0.0))[0])
                for (a, b), shares in zip(doubles, second)
                if span.start <= a < span.stop
            )
            mine = _as_links(starts, row, without=span.start)
            atoms.append(Atom(span.start, span.stop, vector, clean, mine, overlaps))
        return atoms

    def _doubles(self) -> list[tuple[int, int]]:
        """Cells [start, stop) of the atoms' overlaps; one that spans two atoms is cut between them."""
        if not self.spans:
            return []
        start = self.spans[0].start
        overlap = self._curves.overlap(start, self.now)
        return [
            (a + span.start, b + span.start)
            for span in self.spans
            for a, b in runs_of(overlap[span.start - start : span.stop - start] > OVERLAP_ON)
            if b - a >= OVERLAP_SHORTEST
        ]

    def _alone(self, first: int, num_frames: int) -> Floats:
        """(num_frames,) 1 where one voice speaks alone, 0 in overlap; all 1 where too few would remain."""
        per_frame = self._embedder.frame_step // self._grid.cell
        cells = np.arange(first * per_frame, (first + num_frames) * per_frame)
        cells = np.clip(cells, self._curves.start, self.now - 1)
        overlap = self._curves.overlap(int(cells[0]), int(cells[-1]) + 1)[cells - cells[0]]
        alone = overlap.reshape(num_frames, per_frame).mean(axis=1) < OVERLAP_ON
        if alone.sum() < self._embedder.min_frames:
            return np.ones(num_frames, np.float32)
        weights: Floats = alone.astype(np.float32)
        return weights

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "ring": self._ring.state(),
            "curves": self._curves.state(),
            "detection": self._detection and self._detection.state(),
            "frames": self._frames.state(),
            "vectors": [[*key, vector, clean] for key, (vector, clean) in self._vectors.items()],
            "now": self.now,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the perception that `state` was taken from."""
        self._ring.restore(state["ring"])
        self._curves.restore(state["curves"])
        if self._detection:
            self._detection.restore(state["detection"])
        self._frames.restore(state["frames"])
        self._vectors = {(a, b): (vector, clean) for a, b, vector, clean in state["vectors"]}
        self.now = state["now"]


def _as_links(starts: Sequence[int], shares: Floats, without: int | None = None) -> Links:
    return {
        start: share
        for start, share in zip(starts, shares.tolist())
        if share > LINK_LEAST and start != without
    }
