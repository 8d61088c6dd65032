"""Cost, measured on models that cost nothing."""

import itertools
import os
import time

import numpy as np
import pytest

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.evaluation.bench import Bench, Step, bench, looped, one_core, resident_bytes
from hocket.streaming.evaluation.stopwatch import public_methods, timing
from hocket.streaming.replay import Segment
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation


def step(milliseconds: float, memory: int = 2**20) -> Step:
    """A quarter of it in each stage, half of it in the runtime, a fifth of it computing."""
    return Step((milliseconds / 4000,) * 4, milliseconds / 2000, milliseconds / 5000, memory)


def test_the_summary_is_of_all_steps_the_first_and_the_last_tenth() -> None:
    figures = Bench([step(10)] * 10 + [step(20)] * 80 + [step(40, 3 * 2**20)] * 10, hop=0.5).to_dict()
    assert figures["audio_seconds"] == 50.0
    assert figures["rtf"] == pytest.approx((0.1 + 1.6 + 0.4) / 50)
    assert figures["processor_rtf"] == pytest.approx((0.1 + 1.6 + 0.4) / 250)
    assert figures["step_ms"] == pytest.approx({"mean": 21.0, "p50": 20.0, "p95": 40.0, "max": 40.0})
    assert figures["stages_ms"]["clustering"]["max"] == pytest.approx(10.0)
    assert figures["step_over_runtime"] == pytest.approx(2.0)
    assert figures["first_tenth"]["rtf"] == pytest.approx(0.02)
    assert figures["last_tenth"]["step_ms"]["p50"] == pytest.approx(40.0)
    assert (figures["first_tenth"]["memory_mb"], figures["last_tenth"]["memory_mb"]) == (1.0, 3.0)


def test_a_session_is_measured_hop_by_hop() -> None:
    samples = conversation([Segment(0.5, 3.0, "0"), Segment(3.5, 6.0, "1")], 6.0)
    blocks = iter(np.split(samples, 12))
    told: list[Step] = []
    measured = bench(blocks, LevelSegmenter(), LevelEmbedder(), DiarizerConfig(), progress=told.append)
    assert len(measured.steps) == len(told) == 12
    assert sum(s.stages[0] for s in measured.steps) > 0
    assert all(min(s.stages) >= 0 for s in measured.steps)
    assert all(s.memory > 0 for s in measured.steps)


def test_long_audio_is_made_of_rounds_that_differ() -> None:
    seed = conversation([Segment(0.0, 0.5, "0")], 1.0)
    blocks = list(looped(seed, 8, RATE // 2))
    assert [len(block) for block in blocks] == [RATE // 2] * 8
    rounds = [np.concatenate(blocks[k : k + 2]) for k in range(0, 8, 2)]
    assert all(not np.allclose(one, other, atol=1e-3) for one, other in itertools.pairwise(rounds))
    assert all(0 < np.abs(piece).max() < 0.11 for piece in rounds)
    again = list(looped(seed, 8, RATE // 2))
    assert all(np.array_equal(one, other) for one, other in zip(blocks, again, strict=True))


def test_the_stopwatch_leaves_inherited_methods_to_their_class() -> None:
    class Base:
        def run(self) -> None: ...

    class Derived(Base): ...

    with timing((Derived, ("run",))) as stopwatch:
        Base().run()
        assert stopwatch.seconds == 0
        Derived().run()
    assert stopwatch.seconds > 0
    assert "run" not in vars(Derived)


def test_the_stopwatch_counts_nested_calls_once_and_leaves_no_trace() -> None:
    class Sleeper:
        def outer(self) -> None:
            self.inner()

        def inner(self) -> None:
            time.sleep(0.02)

        def _hidden(self) -> None: ...

    original = Sleeper.outer
    assert public_methods(Sleeper) == ["outer", "inner"]
    with timing((Sleeper, ("outer", "inner"))) as stopwatch:
        Sleeper().outer()
    assert 0.02 <= stopwatch.seconds < 0.04
    assert Sleeper.outer is original


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not say which cores run what"
)
def test_one_core_is_one_core_and_gives_back_the_others() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_resident_memory_is_plausible() -> None:
    assert 2**23 < resident_bytes() < 2**36
