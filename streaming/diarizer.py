"""The engine: audio in, events out. No clock, no thread, no file, no socket."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from . import compute
from .atoms import AtomRules, Span, cut
from .clustering import Clusterer, ClusterRules
from .config import DiarizerConfig
from .curves import Curves
from .evidence import Hearing, links
from .errors import BlockError, SessionOver
from .events import Event
from .frames import FrameCache
from .grid import FrameGrid, Grid, to_cells
from .journal import Journal
from .powerset import Powerset
from .memory import NOBODY, Atom, Overlap
from .replay import Segment
from .requests import EmbedRequest, Request, SegmentRequest
from .ring import Ring
from .timeline import Piece, Timeline
from .voices import VoiceScorer
from .windows import WindowPlan

Samples = NDArray[np.float32]


class Phase(Enum):
    HEARING = auto()
    SEGMENTING = auto()
    FRAMING = auto()
    EMBEDDING = auto()
    OVER = auto()


class Diarizer:
    def __init__(
        self, segmenter: Segmenter, embedder: Embedder, config: DiarizerConfig | None = None,
        *, session: str = "session", models: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.config = config = config or DiarizerConfig()
        self._segmenter, self._embedder = segmenter, embedder
        spec = segmenter.spec
        self.grid = Grid(spec.rate)
        self.hop = self.grid.samples(config.hop)
        self._plan = WindowPlan(spec.lengths, self.hop)
        self._frame_grid = FrameGrid(self.grid.cell, spec.frame_step, spec.frame_offset)
        self._powerset = Powerset(spec.classes)
        self._rules = AtomRules(onset=spec.onset, offset=spec.offset)
        window_cells = self.grid.cells(spec.lengths[-1])
        reach = window_cells + to_cells(config.latency) + 2 * self._rules.longest + self.grid.cells(self.hop)
        self._ring = Ring(reach * self.grid.cell)
        self._curves = Curves(self._powerset, reach)
        self._frames = FrameCache(embedder.spec, reach * self.grid.cell)
        self._clusterer = Clusterer(
            embedder.spec.size, VoiceScorer(embedder.spec.calibration), ClusterRules(), config.max_speakers
        )
        self._timeline = Timeline(bridge=20)
        self._journal = Journal(session, spec.rate, models or {}, config.to_dict())
        self._pending: list[Samples] = []
        self._phase = Phase.HEARING
        self._requests: list[Request] = []
        self._spans: list[Span] = []
        self._vectors: dict[tuple[int, int], tuple[NDArray[np.float32], float]] = {}
        self._open_from = 0
        self._ending: str | None = None
        self._stop = 0

    # feeding

    def push(self, samples: Samples) -> list[Event]:
        return self.feed(samples) + self._answer()

    def finish(self, reason: str = "end") -> list[Event]:
        return self.end(reason) + self._answer()

    def _answer(self) -> list[Event]:
        events: list[Event] = []
        while requests := self.due():
            events += self.advance(compute.run(requests, self._segmenter, self._embedder))
        return events

    def feed(self, samples: Samples) -> list[Event]:
        if self._ending is not None:
            raise SessionOver("the session has ended: open a new one for more audio")
        samples = np.asarray(samples)
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise BlockError(f"samples want shape (n,) float32, got {samples.shape} {samples.dtype}")
        if len(samples):
            self._pending.append(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0))
        self._settle()
        return self._journal.take()

    def end(self, reason: str = "end") -> list[Event]:
        if self._ending is None:
            self._ending = reason
            self._settle()
        return self._journal.take()

    def due(self) -> list[Request]:
        return list(self._requests)

    def advance(self, outputs: Sequence[NDArray[np.float32]]) -> list[Event]:
        requests, self._requests = self._requests, []
        match self._phase:
            case Phase.SEGMENTING:
                for request, logits in zip(requests, outputs, strict=True):
                    self._segmented(request, logits)
                self._frame()
            case Phase.FRAMING:
                for request, frames in zip(requests, outputs, strict=True):
                    self._frames.put(request.start, request.stop, frames)
                self._embed()
            case Phase.EMBEDDING:
                for request, vector in zip(requests, outputs, strict=True):
                    self._vectors[request.start, request.stop] = vector, float(request.weights.sum()) * self._frames.seconds
                self._conclude()
        self._settle()
        return self._journal.take()

    # phases

    def _settle(self) -> None:
        while self._phase is Phase.HEARING and self._hear():
            self._segment()

    def _hear(self) -> bool:
        boundary = self._plan.boundary_after(self._stop)
        while self._pending and self._ring.stop < boundary:
            block = self._pending[0]
            room = boundary - self._ring.stop
            self._ring.append(block[:room])
            if len(block) > room:
                self._pending[0] = block[room:]
            else:
                self._pending.pop(0)
        if self._ring.stop < boundary:
            if self._ending is None:
                return False
            boundary = self._ring.stop // self.grid.cell * self.grid.cell
        self._stop = boundary
        self._curves.extend(self.grid.cells(boundary))
        self._last = self._ending is not None and not self._pending
        return True

    def _segment(self) -> None:
        self._phase = Phase.SEGMENTING
        window = self._plan.last_window(self._stop) if self._last else self._plan.window(self._stop)
        if window is None or self._stop == 0:
            self._frame()
            return
        start, stop = window
        audio = self._ring.view(max(start, 0), stop)
        audio = np.concatenate([np.zeros(max(0, -start), np.float32), audio])
        if audio.any():
            self._requests = [SegmentRequest(start, stop, audio)]
        else:
            self._frame()

    def _segmented(self, request: SegmentRequest, logits: NDArray[np.float32]) -> None:
        probabilities = self._powerset.probabilities(logits)
        cells = self._frame_grid.to_cells(probabilities, request.stop - request.start)
        start = request.start // self.grid.cell
        self._curves.add(start, cells) if start >= 0 else self._curves.add(0, cells[-start:])

    def _frame(self) -> None:
        self._phase = Phase.FRAMING
        now = self.grid.cells(self._stop)
        start = max(self._open_from, self._curves.start)
        speech, change = self._curves.speech(start, now), self._curves.change(start, now)
        self._spans = cut(speech, change, start, self._rules)
        cell = self.grid.cell
        needed = [(span.start * cell, span.stop * cell) for span in self._spans]
        self._requests = list(self._frames.wanted(needed, self._ring, self._stop, self._last))
        if not self._requests:
            self._embed()

    def _embed(self) -> None:
        self._phase = Phase.EMBEDDING
        kept = {}
        for span in self._spans:
            key = (span.start, span.stop)
            if key in self._vectors and span.stop * self.grid.cell <= self._frames.settled:
                kept[key] = self._vectors[key]
                continue
            got = self._frames.view(span.start * self.grid.cell, span.stop * self.grid.cell)
            if got is None:
                continue
            first, frames = got
            step = self._embedder.spec.frame_step // self.grid.cell
            a = first * step
            overlap = self._curves.overlap(max(a, self._curves.start), min(a + len(frames) * step, self._curves.stop))
            overlap = np.resize(overlap, len(frames) * step) if len(overlap) < len(frames) * step else overlap
            weights = 1 - overlap.reshape(len(frames), step).mean(axis=1)
            weights = (weights > 0.5).astype(np.float32)
            if weights.sum() < self._embedder.spec.min_frames:
                weights = np.ones(len(frames), np.float32)
            self._requests.append(EmbedRequest(span.start, span.stop, frames, weights))
        self._vectors = kept
        if not self._requests:
            self._conclude()

    def _conclude(self) -> None:
        now = self.grid.cells(self._stop)
        frozen = now if self._last else now - to_cells(self.config.latency)
        named = self._clusterer.name(self._described(now))
        done = [a for a, s in zip(named, self._spans) if (s.closed and s.stop <= frozen) or self._last]
        self._clusterer.remember(done)
        if done:
            self._open_from = done[-1].stop
        else:
            self._open_from = max(self._open_from, min([frozen] + [a.start for a in named]))
        live = named[len(done) :]
        revised = (self._clusterer.due() or self._last) and self._clusterer.reconsider()
        if revised:
            live = self._clusterer.name(live)
        live_start = self._timeline.live_start(min([a.start for a in named], default=now))
        memory = self._clusterer.memory
        recent = [a for a in memory if a.stop > live_start]
        self._journal.at(now)
        self._journal.turns(
            self._timeline.show(_pieces(recent + live, live_start), min(frozen, self._open_from), now if not self._last else 10**9)
        )
        if revised:
            live_start = self._timeline.live_start(now if not self._last else 10**9)
            changed, removed = self._timeline.revise(_pieces([a for a in memory if a.start < live_start], 0, live_start), 0, live_start)
            self._journal.revision(changed, removed, {}, "reclustered")
        if self._last:
            self._phase = Phase.OVER
            self._journal.end(self._ring.stop / self.grid.rate, sorted({t.speaker for t in self._timeline.turns.values()}), self._ending or "end")
        else:
            self._phase = Phase.HEARING

    def _described(self, now: int) -> list[Atom]:
        spans = [(s.start, s.stop) for s in self._spans]
        if not spans:
            return []
        lo = self._curves.start
        past = [a for a in self._clusterer.memory[-60:] if a.start >= lo]
        overlap = self._curves.overlap(lo, now)
        hearing = Hearing(self._curves.windows, lo, now, 1 - overlap)
        keys = [a.start for a in past] + [a for a, _ in spans]
        others = hearing.alone([(a.start, a.stop) for a in past] + spans)
        mine = others[len(past) :]
        table = links(mine, others)
        doubles = []
        for index, (a, b) in enumerate(spans):
            on = overlap[a - lo : b - lo] > 0.5
            edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
            doubles += [(index, a + int(x), a + int(y)) for x, y in edges.reshape(-1, 2) if y - x >= 5]
        second = links(hearing.whole([(x, y) for _, x, y in doubles]), others) if doubles else None
        overlaps: dict[int, list[Overlap]] = {}
        for row, (index, x, y) in enumerate(doubles):
            overlaps.setdefault(index, []).append(Overlap(x, y, _links(keys, second[row], -1)))
        atoms = []
        for index, (a, b) in enumerate(spans):
            vector, clean = self._vectors.get((a, b), (None, 0.0))
            atoms.append(Atom(a, b, vector, clean, _links(keys, table[index], a), tuple(overlaps.get(index, []))))
        return atoms

    def annotation(self) -> list[Segment]:
        return sorted(
            (Segment(t.start / 100, t.stop / 100, f"S{t.speaker + 1}") for t in self._timeline.turns.values()),
            key=lambda s: (s.start, s.end, s.speaker),
        )


def _links(keys: list[int], weights: Any, own: int) -> dict[int, float]:
    return {key: float(w) for key, w in zip(keys, weights) if key != own and w > 0.01}


def _pieces(atoms: Sequence[Atom], start: int, stop: int | None = None) -> list[Piece]:
    out = []
    for a in atoms:
        if a.speaker != NOBODY:
            out.append(Piece(a.start, a.stop, a.speaker, a.confidence))
            out += [Piece(o.start, o.stop, o.speaker, 0.5) for o in a.overlaps if o.speaker != NOBODY]
    return [p for p in out if p.stop > start and (stop is None or p.stop <= stop)]
