"""What hocket costs: time and memory of every step of a long session, stage by stage, on one core."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ..clustering.clusterer import Clusterer
from ..engine import compute
from ..engine.config import DiarizerConfig
from ..engine.diarizer import Diarizer
from ..sources.base import Lost, Source
from .run import TimedSession, resampled
from .stopwatch import Stopwatch, public_methods, timing

Samples = NDArray[np.float32]
STAGES = ("segmentation", "embedder", "clustering", "rest")


@dataclass(frozen=True)
class Step:
    """One hop of audio pushed.

    stages: seconds by STAGES. runtime: those of them inside the bare model calls. processor: seconds that the
    process computed, which others on the same core do not lengthen. memory: bytes resident after it.
    """

    stages: tuple[float, ...]
    runtime: float
    processor: float
    memory: int

    @property
    def seconds(self) -> float:
        return sum(self.stages)


@dataclass(frozen=True)
class Bench:
    """Every step of one session at one hop (seconds)."""

    steps: Sequence[Step]
    hop: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the whole, its first and its last tenth; see docs/metrics.md."""
        tenth = max(1, len(self.steps) // 10)
        return {
            "audio_seconds": len(self.steps) * self.hop,
            **_summary(self.steps, self.hop),
            "first_tenth": _summary(self.steps[:tenth], self.hop),
            "last_tenth": _summary(self.steps[-tenth:], self.hop),
        }


def bench(
    blocks: Iterator[Samples],
    segmenter: Segmenter,
    embedder: Embedder,
    config: DiarizerConfig,
    progress: Callable[[Step], None] = lambda step: None,
) -> Bench:
    """One session over `blocks`, each one hop long. Time spent making the blocks is no part of it."""
    session = TimedSession(
        Diarizer(segmenter, embedder, config), partial(compute.run, segmenter=segmenter, embedder=embedder)
    )
    steps = []
    with timing((Clusterer, public_methods(Clusterer))) as clustering, _runtime_calls() as runtime:
        before = _clocks(session, clustering, runtime)
        for block in blocks:
            started = time.process_time()
            session.push(block)
            processor = time.process_time() - started
            after = _clocks(session, clustering, runtime)
            segmentation, embedding, in_clustering, engine, in_runtime = (after - before).tolist()
            before = after
            stages = (segmentation, embedding, in_clustering, engine - in_clustering)
            steps.append(Step(stages, in_runtime, processor, resident_bytes()))
            progress(steps[-1])
    return Bench(steps, config.hop)


def _clocks(session: TimedSession, clustering: Stopwatch, runtime: Stopwatch) -> NDArray[np.float64]:
    spent = session.spent
    embedding = spent.frames + spent.embedding
    return np.array([spent.segmentation, embedding, clustering.seconds, spent.engine, runtime.seconds])


def _runtime_calls() -> AbstractContextManager[Stopwatch]:
    """Time inside the runtimes' own calls, of whichever runtimes are loaded."""
    watched: list[tuple[type, Sequence[str]]] = []
    if "onnxruntime" in sys.modules:
        watched.append((sys.modules["onnxruntime"].InferenceSession, ("run",)))
    if "coremltools" in sys.modules:
        watched.append((sys.modules["coremltools"].models.MLModel, ("predict",)))
    return timing(*watched)


def _summary(steps: Sequence[Step], hop: float) -> dict[str, Any]:
    seconds = np.array([step.seconds for step in steps])
    stages = np.array([step.stages for step in steps])
    runtime = sum(step.runtime for step in steps)
    return {
        "rtf": float(seconds.mean() / hop),
        "processor_rtf": sum(step.processor for step in steps) / (len(steps) * hop),
        "step_ms": _spread(seconds),
        "memory_mb": max(step.memory for step in steps) / 2**20 or None,
        "stages_ms": {name: _spread(stages[:, k]) for k, name in enumerate(STAGES)},
        "step_over_runtime": float(seconds.sum() / runtime) if runtime else None,
    }


def _spread(seconds: NDArray[np.float64]) -> dict[str, float]:
    p50, p95 = np.percentile(seconds, [50, 95])
    figures = {"mean": seconds.mean(), "p50": p50, "p95": p95, "max": seconds.max()}
    return {name: float(value) * 1000 for name, value in figures.items()}


def clip(source: Source, rate: int) -> Samples:
    """All of a source at once, one channel at `rate`."""

    async def read() -> list[Samples]:
        return [piece async for piece in resampled(source, rate) if not isinstance(piece, Lost)]

    return np.concatenate(asyncio.run(read()))


def looped(seed: Samples, num_blocks: int, block: int) -> Iterator[Samples]:
    """`num_blocks` blocks of `block` samples of `seed` over and over, no round like another.

    Each round starts elsewhere in the clip, is up to 10 dB softer and lies in its own faint noise; the same
    at every call.
    """
    rounds = np.random.default_rng(0)
    rest = np.zeros(0, np.float32)
    for _ in range(num_blocks):
        while len(rest) < block:
            gain = np.float32(10 ** rounds.uniform(-0.5, 0))
            noise = 1e-4 * rounds.standard_normal(len(seed), np.float32)
            turned = np.roll(seed, int(rounds.integers(len(seed))))
            rest = np.concatenate([rest, gain * turned + noise])
        yield rest[:block]
        rest = rest[block:]


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this thread, and those it starts, on one of its processor cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def resident_bytes() -> int:
    """Memory of this process now; where the system does not say, the most it has had so far, else 0."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if find_spec("resource") is None:
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
