"""What the models make of every voice of a pool, heard once alone, in a room and over noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ...engine import compute
from ...engine.snapshot import pack, unpack
from ...files import write_atomically
from ...grid import Grid, to_cells
from ...hearing.atoms import Atom
from ...hearing.cutting import AtomRules
from ...hearing.perception import Perception
from ...hearing.windows import WindowPlan
from ..recorded import fingerprint
from .audio import SoundRules, render
from .plan import Meeting, Utterance
from .pool import Phrase, PoolVoice, SpeechPool

Floats = NDArray[np.float32]

HOP = 0.5  # seconds
PAUSE = 0.8  # seconds between phrases, so that no atom reaches from one into the next
SHIFT = 10  # cells by which an atom's start may move while it grows
MOST = 40.0  # seconds of a voice's phrases that are heard


@dataclass(frozen=True)
class HeardAtom:
    """A stretch of a phrase that the models found: cells [start, stop) from the phrase's start.

    vectors: (n, size), as they were after `heard` (n,) cells of it, from `clean` (n,) seconds of speech.
    """

    start: int
    stop: int
    heard: NDArray[np.int64]
    clean: Floats
    vectors: Floats

    def after(self, cells: int) -> tuple[Floats | None, float]:
        """Vector and clean seconds once so many cells have been heard; None while there is none yet."""
        known = int(np.searchsorted(self.heard, cells, side="right"))
        return (self.vectors[known - 1], float(self.clean[known - 1])) if known else (None, 0.0)


Heard = tuple[tuple[HeardAtom, ...], ...]  # per phrase


def hear_voices(
    pool: SpeechPool,
    segmenter: Segmenter,
    embedder: Embedder,
    folder: Path | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> dict[str, Heard]:
    """Per voice of the pool, the atoms of each of its phrases; from `folder`, where they were kept there.

    A phrase beyond the first MOST seconds has none: see `heard_part`.
    """
    models = fingerprint(segmenter, embedder)
    heard = {}
    for voice in pool.voices:
        told = repr((voice.name, voice.phrases, HOP, PAUSE, MOST, SoundRules())).encode()
        name = f"{voice.name}-{models}-{blake2b(told, digest_size=4).hexdigest()}.atoms"
        kept = None if folder is None else folder / name
        if kept is not None and kept.exists():
            phrases = unpack(kept.read_bytes())["phrases"]
        else:
            phrases = _by_phrase(_alone(pool, voice), _perceive(pool, voice, segmenter, embedder))
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(kept, pack({"phrases": phrases}))
        heard[voice.name] = tuple(tuple(HeardAtom(*row) for row in phrase) for phrase in phrases)
        progress(voice.name)
    return heard


def heard_part(voice: PoolVoice) -> PoolVoice:
    """The voice with only those phrases that are heard."""
    total = 0.0
    phrases: list[Phrase] = []
    for phrase in voice.phrases:
        total += phrase.duration
        if phrases and total > MOST:
            break
        phrases.append(phrase)
    return PoolVoice(voice.name, voice.sex, voice.audio, tuple(phrases))


def _alone(pool: SpeechPool, voice: PoolVoice) -> Meeting:
    """The voice saying one phrase after another."""
    said, at = [], 1.0
    for phrase in heard_part(voice).phrases:
        said.append(Utterance(0, phrase, at))
        at = round(at + phrase.duration + PAUSE, 2)
    return Meeting(at + 1.0, (voice,), (((0.0, at),),), tuple(said))


def _perceive(
    pool: SpeechPool, voice: PoolVoice, segmenter: Segmenter, embedder: Embedder
) -> list[list[Atom]]:
    """The atoms as they stood after every hop, the last as they remain."""
    meeting = _alone(pool, voice)
    seed = int.from_bytes(voice.name.encode()[-7:])
    audio = np.concatenate(list(render(meeting, pool, seed, SoundRules())))
    spec, grid = segmenter.spec, Grid(segmenter.spec.rate)
    rules = AtomRules(onset=spec.onset, offset=spec.offset)
    perception = Perception(spec, embedder.spec, rules, grid, len(audio))
    plan = WindowPlan(spec.lengths, grid.samples(HOP), grid.samples(2.0))
    steps = []
    num_steps = len(audio) // plan.hop
    for step in range(1, num_steps + 1):
        stop = step * plan.hop
        perception.append(audio[stop - plan.hop : stop])
        perception.hear(stop)
        window = plan.window(stop)
        request = perception.window(*window) if window else None
        if request is not None:
            perception.take_window(request, compute.run([request], segmenter, embedder)[0])
        perception.cut(0)
        for call in perception.calls(is_last=step == num_steps):
            perception.take_frames(call, compute.run([call], segmenter, embedder)[0])
        pooled = perception.poolings()
        for pooling, vector in zip(pooled, compute.run(pooled, segmenter, embedder)):
            perception.take_vector(pooling, vector)
        steps.append(perception.atoms([]))
    return steps


def _by_phrase(meeting: Meeting, steps: Sequence[Sequence[Atom]]) -> list[list[list[Any]]]:
    """Rows of HeardAtom per phrase, from the atoms after every hop."""
    phrases: list[list[list[Any]]] = [[] for _ in meeting.utterances]
    starts = np.array([to_cells(said.at) for said in meeting.utterances])
    for atom in steps[-1]:
        if atom.vector is None:
            continue
        index = max(0, int(np.searchsorted(starts, (atom.start + atom.stop) / 2)) - 1)
        states = _growth(atom, steps)
        phrases[index].append([
            atom.start - int(starts[index]),
            atom.stop - int(starts[index]),
            np.array([cells for cells, _ in states], np.int64),
            np.array([state.clean for _, state in states], np.float32),
            np.stack([state.vector for _, state in states if state.vector is not None]),
        ])  # fmt: skip
    return phrases


def _growth(atom: Atom, steps: Sequence[Sequence[Atom]]) -> list[tuple[int, Atom]]:
    """The atom as it stood while it was still being said: cells of it heard so far, and what it was then."""
    states = []
    for step, atoms in enumerate(steps, start=1):
        heard = to_cells(step * HOP) - atom.start
        if 0 < heard < atom.stop - atom.start:
            states += [(heard, state) for state in atoms
                       if state.vector is not None and abs(state.start - atom.start) <= SHIFT]  # fmt: skip
    return [*states, (atom.stop - atom.start, atom)]
