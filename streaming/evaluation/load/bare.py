"""What the models alone would bear: the calls of a session, and nothing of hocket around them."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hocket.models.open import Runtime
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.server.sessions.engines import num_cores

from ..bench import bench

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Chosen:
    """Models as `open_models` takes them, by name: a process of its own opens its own."""

    models: str = "default"
    segmentation: str | None = None
    embedding: str | None = None
    runtime: Runtime = "auto"
    compute_units: str = "all"


def bare_share(samples: Samples, hop: float, chosen: Chosen) -> float:
    """Processor time of the runtime's own calls per second of audio: one over it is what a core can bear.

    One process per core, all at the same time, each hearing `samples` in a session of its own at `hop`; the
    models' calls are those of a session, one window at a time. The mean over the cores.
    """
    cores = num_cores()
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        return float(np.mean(list(pool.map(partial(_alone, samples, hop, chosen), range(cores)))))


def _alone(samples: Samples, hop: float, chosen: Chosen, number: int) -> float:
    from hocket.models import open_models

    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[number % len(allowed)]})
    pair = open_models(
        chosen.models,
        segmentation=chosen.segmentation,
        embedding=chosen.embedding,
        runtime=chosen.runtime,
        compute_units=chosen.compute_units,
    )
    block = round(hop * pair.segmenter.spec.rate)
    blocks = [samples[start : start + block] for start in range(0, len(samples) - block + 1, block)]
    warm = round(pair.segmenter.spec.lengths[-1] / block)
    measured = bench(iter(blocks), pair.segmenter, pair.embedder, DiarizerConfig(hop=hop))
    steps = measured.steps[warm:] or measured.steps  # the first windows are short
    in_runtime = sum(step.runtime for step in steps) / sum(step.seconds for step in steps)
    return in_runtime * sum(step.processor for step in steps) / (len(steps) * hop)
