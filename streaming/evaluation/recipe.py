"""The published offline recipe on the same models: what hocket's own offline mode has to stand beside.

Windows every second; each of their local voices embedded from the frames in which it speaks alone; vectors
clustered by centroid linkage, refined as a Bayesian mixture (VBx without transitions); every window's voices
assigned one to one; activities added up, as many speakers per instant as the windows count.
Source: pyannote.audio, pipeline "speaker-diarization-community-1"; Landini et al., "Bayesian HMM clustering
of x-vector sequences (VBx)", Computer Speech & Language 71, 2022. Two things differ: the variances within and
between speakers come from the embedding model's calibration, as it has no PLDA, and the threshold suits that
model: of 0.55 to 1.05, the best over all recordings that are reported on, which favours the recipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from hocket.models.roles import EmbedderSpec, SegmenterSpec

from ..grid import FrameGrid, Grid
from ..hearing.frames import FrameCache
from ..hearing.powerset import Powerset
from ..hearing.requests import EmbedRequest, SegmentRequest
from ..hearing.ring import Ring
from ..hearing.windows import WindowPlan
from ..metrics import Lanes
from ..replay import Segment
from .recorded import Answer

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

STEP = 1.0  # seconds between windows
TRAINED = 0.2  # share of a window that a voice must speak alone in to shape a cluster


@dataclass(frozen=True, kw_only=True)
class RecipeRules:
    """threshold: distance of unit vectors that parts clusters. fa, fb, rounds: weights and length of VBx."""

    threshold: float = 0.65
    fa: float = 0.07
    fb: float = 0.8
    rounds: int = 20


@dataclass(frozen=True)
class Window:
    """What one window heard.

    active: (cells, locals) from cell `start` on. vectors: (locals, size), NaN for none. alone: (locals,)
    cells in which each speaks alone.
    """

    start: int
    active: NDArray[np.bool_]
    vectors: Floats
    alone: Ints


def published_recipe(
    samples: Floats,
    segmenter: SegmenterSpec,
    embedder: EmbedderSpec,
    answer: Answer,
    rules: RecipeRules | None = None,
) -> list[Segment]:
    """Who speaks when in a whole recording, by the recipe.

    samples: (n,) at the models' rate. answer: what the models say.
    """
    windows = heard(samples, segmenter, embedder, answer)
    return reconstructed(windows, clustered(windows, embedder, rules or RecipeRules()))


def heard(samples: Floats, segmenter: SegmenterSpec, embedder: EmbedderSpec, answer: Answer) -> list[Window]:
    """Every window of the recording, with a vector for each of its voices."""
    grid = Grid(segmenter.rate)
    step, total = grid.samples(STEP), len(samples) // grid.cell * grid.cell
    plan = WindowPlan(segmenter.lengths, step)
    places = [plan.window(stop) for stop in range(step, total, step)]
    longest = [place for place in places if place and place[1] - place[0] == segmenter.lengths[-1]]
    audio, cache = Ring(len(samples)), FrameCache(embedder, segmenter.lengths[-1] + 2 * step)
    audio.append(samples)
    windows = []
    for start, stop in [*longest, plan.last_window(total)] if total else []:
        cache.extend(stop)
        calls = cache.calls_for([(max(start, 0), stop)], is_last=stop == total)
        for call in calls:
            [frames] = answer([cache.request(call, audio)])
            cache.put(*call, frames)
        sound = np.concatenate([np.zeros(max(0, -start), np.float32), audio.view(max(start, 0), stop)])
        [logits] = answer([SegmentRequest(start, stop, sound)])
        windows.append(_window(start, stop, logits, segmenter, embedder, cache, answer))
    return windows


def _window(
    start: int,
    stop: int,
    logits: Floats,
    segmenter: SegmenterSpec,
    embedder: EmbedderSpec,
    cache: FrameCache,
    answer: Answer,
) -> Window:
    grid, powerset = Grid(segmenter.rate), Powerset(segmenter.classes)
    likeliest = np.eye(len(powerset.classes), dtype=np.float32)[logits.argmax(axis=1)]
    frame_grid = FrameGrid(grid.cell, segmenter.frame_step, segmenter.frame_offset)
    active = frame_grid.to_cells(powerset.activity(likeliest), stop - start) > 0.5
    active = active[max(0, -start) // grid.cell :]
    alone = active & (active.sum(axis=1, keepdims=True) == 1)
    vectors = np.full((active.shape[1], embedder.size), np.nan, np.float32)
    found = cache.view(max(start, 0), stop)
    if found is not None:
        _, frames = found
        per_frame = embedder.frame_step // grid.cell
        for voice in range(active.shape[1]):
            for mask in (alone[:, voice], active[:, voice]):
                weights = mask[: len(frames) * per_frame : per_frame].astype(np.float32)
                if weights.sum() >= embedder.min_frames:
                    padded = np.zeros(len(frames), np.float32)
                    padded[: len(weights)] = weights
                    [vectors[voice]] = answer([EmbedRequest(start, stop, frames.copy(), padded)])
                    break
    return Window(max(start, 0) // grid.cell, active, vectors, alone.sum(axis=0))


def clustered(windows: Sequence[Window], embedder: EmbedderSpec, rules: RecipeRules) -> list[Ints]:
    """(locals,) global speaker of every window's voices, -1 for those who say nothing."""
    usable = [np.atleast_1d(np.isfinite(w.vectors).all(axis=1)) for w in windows]
    training = np.concatenate(
        [np.zeros((0, embedder.size), np.float32)]
        + [w.vectors[ok & (w.alone >= TRAINED * len(w.active))] for w, ok in zip(windows, usable)]
    )
    if len(training) < 2:
        training = np.concatenate([training, *(w.vectors[ok] for w, ok in zip(windows, usable))])
    if not len(training):
        return [np.full(len(ok), -1, np.intp) for ok in usable]
    labels = np.zeros(len(training), np.intp)
    if len(training) > 1:
        tree = linkage(training.astype(np.float64), "centroid")
        labels = fcluster(tree, rules.threshold, "distance").astype(np.intp) - 1
    centres = _mixture(training, labels, embedder, rules)
    assigned = []
    for window, ok in zip(windows, usable):
        speakers = np.full(len(ok), -1, np.intp)
        voices = np.flatnonzero(ok)
        rows, columns = linear_sum_assignment(window.vectors[voices] @ centres.T, maximize=True)
        speakers[voices[rows]] = columns
        assigned.append(speakers)
    return assigned


def _mixture(vectors: Floats, labels: Ints, embedder: EmbedderSpec, rules: RecipeRules) -> Floats:
    """(speakers, size) unit centroids of those that VBx keeps."""
    model, size = embedder.calibration, vectors.shape[1]
    noise = model.noise_floor + model.noise_per_second / 3
    within = noise / (1 + noise) / size
    phi = (1 - model.different) / noise  # variance between speakers, where that within is 1
    rho = (vectors - vectors.mean(axis=0)) / np.sqrt(within) * np.sqrt(phi)
    gamma = softmax(7.0 * np.eye(labels.max() + 1)[labels], axis=1)
    prior = np.full(gamma.shape[1], 1 / gamma.shape[1])
    for _ in range(rules.rounds):
        precision = 1 / (1 + rules.fa / rules.fb * gamma.sum(axis=0) * phi)
        alpha = rules.fa / rules.fb * precision[:, None] * (gamma.T @ rho)
        score = rules.fa * (rho @ alpha.T - 0.5 * phi * (size * precision + (alpha**2).sum(axis=1)))
        gamma = softmax(score + np.log(prior + 1e-8), axis=1)
        prior = gamma.sum(axis=0) / gamma.sum()
    kept = gamma[:, prior > 1e-7]
    centres = kept.T @ vectors
    unit: Floats = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(np.float32)
    return unit


def reconstructed(windows: Sequence[Window], assigned: Sequence[Ints]) -> list[Segment]:
    """Segments: in every cell as many speakers as the windows count on average, the likeliest ones."""
    num_cells = max((w.start + len(w.active) for w in windows), default=0)
    num_speakers = 1 + max((int(a.max()) for a in assigned), default=-1)
    if num_speakers == 0:
        return []
    votes = np.zeros((num_cells, num_speakers), np.float32)
    counted, seen = np.zeros(num_cells, np.float32), np.zeros(num_cells, np.float32)
    for window, speakers in zip(windows, assigned):
        cells = slice(window.start, window.start + len(window.active))
        seen[cells] += 1
        counted[cells] += window.active.sum(axis=1)
        for voice in np.flatnonzero(speakers >= 0):
            votes[cells, speakers[voice]] += window.active[:, voice]
    count = np.rint(counted / np.maximum(seen, 1)).astype(np.intp)
    order = np.argsort(np.argsort(-votes, axis=1, kind="stable"), axis=1)
    speaking = (order < count[:, None]) & (votes > 0)
    labels = tuple(f"S{speaker + 1}" for speaker in range(num_speakers))
    return Lanes(labels, speaking.T).segments()
