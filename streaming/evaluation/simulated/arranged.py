"""A meeting for the engine without its models: atoms heard once per voice, arranged as the plan says.

Perception is what takes the time of a session. Here it is looked up: hours go by in seconds, and all that
decides who is who (clusterer, timeline, journal) is the engine's own. What this leaves out is what the models
get wrong where voices mix; what windows mishear between two turns is drawn by chance.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, EmbedderSpec, Segmenter, SegmenterSpec

from ...clustering.clusterer import Clusterer
from ...engine.config import DiarizerConfig
from ...engine.diarizer import Diarizer
from ...grid import Grid, to_cells
from ...hearing.atoms import Atom, Links, Overlap
from ...hearing.cutting import AtomRules, Span
from ...hearing.evidence import DOUBT
from ...hearing.perception import OVERLAP_SHORTEST, Perception
from ...hearing.requests import DetectRequest, EmbedRequest, FramesRequest
from .plan import Meeting
from .sayings import Sayings, said_again
from .voices import Heard, HeardAtom, heard_part

Floats = NDArray[np.float32]

SHORTEST = 20  # cells of an atom that remain where the one before it reaches into it, or it is lost
REACH = 1000  # cells that windows see at a time, and links reach back
MISHEARD = 0.05  # share of turns that the windows take for the speaker before


@dataclass(frozen=True)
class PlacedAtom:
    """Cells [start, stop) of one voice. local: whom the windows take it for.

    heard: what the models made of it; its first `skipped` cells lie under the atom before. again: the voice's
    mean vector and the deviation from it, where the phrase was said before. overlaps: cells in which another
    voice speaks too.
    """

    start: int
    stop: int
    voice: int
    local: int
    heard: HeardAtom
    skipped: int
    again: tuple[Floats, Floats] | None
    overlaps: tuple[tuple[int, int, int], ...] = ()

    def vector(self, stop: int) -> tuple[Floats | None, float]:
        """What is known of it once it has been heard up to cell `stop`: unit vector, clean seconds."""
        vector, clean = self.heard.after(stop - self.start + self.skipped)
        if vector is None:
            return None, 0.0
        under = sum(max(0, min(b, stop) - a) for a, b, _ in self.overlaps)
        share = (stop - self.start - under) / max(1, stop - self.start + self.skipped)
        clean *= max(share, 0.1)
        return (said_again(vector, *self.again) if self.again else vector), clean


def arrange(meeting: Meeting, heard: Mapping[str, Heard], seed: int) -> list[PlacedAtom]:
    """A meeting's atoms by start, none over another: of two voices at once the earlier keeps the atom."""
    rng = np.random.default_rng([seed, 2])
    sayings = Sayings(heard)
    said_before: set[int] = set()
    placed: list[PlacedAtom] = []
    local = before = -1
    for start, voice, atom in _said(meeting, heard):
        if placed and voice != placed[-1].voice:
            before = placed[-1].voice
            local = before if rng.random() < MISHEARD else voice
        elif not placed:
            local = voice
        stop = start + atom.stop - atom.start
        busy = placed[-1].stop if placed else start
        if start < busy and placed[-1].voice != voice:
            placed = _overlapped(placed, start, min(stop, busy), voice)
        first = max(start, busy)
        if stop - first >= SHORTEST:
            centre = sayings.centres[meeting.voices[voice].name]
            turned = (centre, sayings.deviation(float(atom.clean[-1]), rng))
            again = turned if id(atom) in said_before else None
            said_before.add(id(atom))
            placed.append(PlacedAtom(first, stop, voice, local, atom, first - start, again))
    return placed


def _said(meeting: Meeting, heard: Mapping[str, Heard]) -> list[tuple[int, int, HeardAtom]]:
    """(first cell, voice, atom) of all that is said, by time. What is no whole phrase was not heard alone."""
    atoms_of = [
        dict(zip((phrase.start for phrase in heard_part(voice).phrases), heard[voice.name]))
        for voice in meeting.voices
    ]
    said = [
        (max(0, to_cells(utterance.at) + atom.start), utterance.voice, atom)
        for utterance in meeting.utterances
        for atom in atoms_of[utterance.voice].get(utterance.phrase.start, ())
    ]
    return sorted(said, key=lambda row: (row[0], row[1]))


def _overlapped(placed: list[PlacedAtom], start: int, stop: int, voice: int) -> list[PlacedAtom]:
    """`placed` with a second voice in cells [start, stop)."""
    first = max(0, len(placed) - 8)
    marked = placed[:first]
    for atom in placed[first:]:
        a, b = max(start, atom.start), min(stop, atom.stop)
        if b - a >= OVERLAP_SHORTEST and atom.voice != voice:
            atom = replace(atom, overlaps=(*atom.overlaps, (a, b, voice)))
        marked.append(atom)
    return marked


class ArrangedPerception(Perception):
    """Perception that knows beforehand what it will hear; the audio is silence, which asks for no window."""

    def __init__(
        self, segmenter: SegmenterSpec, embedder: EmbedderSpec, placed: Sequence[PlacedAtom]
    ) -> None:
        grid = Grid(segmenter.rate)
        rules = AtomRules(onset=segmenter.onset, offset=segmenter.offset)
        super().__init__(segmenter, embedder, rules, grid, REACH * grid.cell)
        self._placed = placed
        self._starts = [atom.start for atom in placed]

    def _cut(self, first: int, stop: int) -> list[Span]:
        return [
            Span(atom.start, min(atom.stop, stop), atom.stop <= stop) for atom in self._between(first, stop)
        ]

    def detection(self) -> DetectRequest | None:
        return None

    def calls(self, *, is_last: bool) -> list[FramesRequest]:
        return []

    def poolings(self) -> list[EmbedRequest]:
        return []

    def atoms(self, past: Sequence[Atom]) -> list[Atom]:
        if not self.spans:
            return []
        known = {atom.start for atom in past} | {span.start for span in self.spans}
        near = [atom for atom in self._between(self.now - REACH, self.now) if atom.start in known]
        cut = [self._between(span.start, span.start + 1)[0] for span in self.spans]
        return [self._atom(atom, near) for atom in cut]

    def _between(self, first: int, stop: int) -> Sequence[PlacedAtom]:
        return self._placed[bisect_left(self._starts, first) : bisect_left(self._starts, stop)]

    def _atom(self, placed: PlacedAtom, others: Sequence[PlacedAtom]) -> Atom:
        stop = min(placed.stop, self.now)
        vector, clean = placed.vector(stop)
        overlaps = tuple(
            Overlap(a, min(b, stop), _links(voice, others, -1))
            for a, b, voice in placed.overlaps
            if min(b, stop) - a >= OVERLAP_SHORTEST
        )
        links = _links(placed.local, others, placed.start)
        return Atom(placed.start, stop, vector, clean, links, overlaps)


def _links(local: int, others: Sequence[PlacedAtom], without: int) -> Links:
    """What windows give of a stretch of `local` to the atoms that they take for the same, as in evidence."""
    same = [(atom.start, atom.stop - atom.start) for atom in others if atom.local == local]
    total = sum(length for _, length in same) + DOUBT
    return {start: length / total for start, length in same if start != without}


class ArrangedDiarizer(Diarizer):
    """The engine with its perception arranged: push silence. Of the models only the numbers count."""

    def __init__(
        self,
        segmenter: Segmenter,
        embedder: Embedder,
        config: DiarizerConfig,
        placed: Sequence[PlacedAtom],
    ) -> None:
        super().__init__(segmenter, embedder, config)
        self._perception = ArrangedPerception(segmenter.spec, embedder.spec, placed)
        self._listener.perception = self._perception

    @property
    def clusterer(self) -> Clusterer:
        """What is measured."""
        return self._clusterer
