"""The engine's invariants, held against models that disagree with themselves."""

from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket.streaming.engine.compute import run
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Event, Gap, Revision, SessionEnd, SessionStart, Turn
from hocket.streaming.hearing.requests import SegmentRequest
from hocket.streaming.replay import Replay
from tests.unruly_models import RATE, UnrulyDetectingSegmenter, UnrulyEmbedder, babble

configs = st.builds(
    DiarizerConfig,
    hop=st.sampled_from([0.2, 0.5, 1.3, 2.0]),
    latency=st.sampled_from([0.0, 0.5, 1.0, 5.0]),
    max_speakers=st.sampled_from([None, 2]),
)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=6, deadline=None, derandomize=True)


def session(config: DiarizerConfig | None = None) -> Diarizer:
    return Diarizer(UnrulyDetectingSegmenter(), UnrulyEmbedder(), config)


def pushed(diarizer: Diarizer, samples: NDArray[np.float32], sizes: list[int]) -> list[Event]:
    """All events of a whole session fed in pieces of the given sizes, over and over."""
    events: list[Event] = []
    position = 0
    for size in cycle(sizes):
        if position >= len(samples):
            return events + diarizer.finish()
        events += diarizer.push(samples[position : position + size])
        position += size
    raise AssertionError


@few
@given(seeds, configs, st.lists(st.integers(1, 50_000), min_size=1, max_size=5))
def test_the_same_samples_in_any_cutting_give_the_same_events(
    seed: int, config: DiarizerConfig, sizes: list[int]
) -> None:
    samples = babble(seed, 14.37)
    whole = pushed(session(config), samples, [len(samples)])
    assert pushed(session(config), samples, sizes) == whole
    assert pushed(session(config), samples, [4096]) == whole


def test_one_sample_or_seven_at_a_time_is_no_different() -> None:
    samples = babble(3, 6.503)
    whole = pushed(session(), samples, [len(samples)])
    assert pushed(session(), samples, [1]) == whole
    assert pushed(session(), samples, [7]) == whole


@few
@given(st.lists(seeds, min_size=2, max_size=4, unique=True))
def test_sessions_batched_together_say_what_they_say_alone(seeds: list[int]) -> None:
    recordings = [babble(seed, 12) for seed in seeds]
    alone = [pushed(session(), samples, [8000]) for samples in recordings]
    sessions = [session() for _ in seeds]
    together: list[list[Event]] = [[] for _ in seeds]
    for start in range(0, 12 * RATE + 8000, 8000):
        for diarizer, events, samples in zip(sessions, together, recordings, strict=True):
            block = samples[start : start + 8000]
            events += diarizer.feed(block) if len(block) else diarizer.end()
        while any(due := [diarizer.due() for diarizer in sessions]):
            answers = iter(
                run([r for requests in due for r in requests], UnrulyDetectingSegmenter(), UnrulyEmbedder())
            )
            for diarizer, events, requests in zip(sessions, together, due, strict=True):
                if requests:
                    events += diarizer.advance([next(answers) for _ in requests])
    assert together == alone


@few
@given(seeds, configs)
def test_replaying_the_events_alone_rebuilds_the_annotation(seed: int, config: DiarizerConfig) -> None:
    diarizer, replay, said = session(config), Replay(), 0
    samples = babble(seed, 25)
    for start in range(0, len(samples), 8000):
        for event in diarizer.push(samples[start : start + 8000]):
            said += 1
            assert event.seq == said
            replay.add(event)
        assert replay.annotation() == diarizer.annotation()
    for event in diarizer.finish():
        replay.add(event)
    assert replay.annotation() == diarizer.annotation()


@few
@given(seeds, configs)
def test_final_turns_change_only_by_a_revision_that_names_them(seed: int, config: DiarizerConfig) -> None:
    finals: set[str] = set()
    revisions = 0
    for event in pushed(session(config), babble(seed, 40), [8000]):
        if isinstance(event, Turn):
            assert event.id not in finals
            if event.state == "final":
                finals.add(event.id)
        if isinstance(event, Revision):
            revisions += 1
            assert set(event.removed) <= finals
            finals |= {turn.id for turn in event.turns}
            finals -= set(event.removed)
    assert finals


def test_unruly_models_do_provoke_revisions() -> None:
    events = pushed(session(), babble(1, 60), [8000])
    assert any(isinstance(event, Revision) for event in events)


@few
@given(seeds, configs, st.integers(1, 30 * RATE), st.integers(0, 20 * RATE))
def test_one_clock_runs_through_gaps(seed: int, config: DiarizerConfig, lost: int, before: int) -> None:
    samples = babble(seed, 20)
    diarizer = session(config)
    events = diarizer.push(samples[:before])
    events += diarizer.gap(lost, "network")
    events += diarizer.push(samples[before:]) + diarizer.finish()
    [gap] = [event for event in events if isinstance(event, Gap)]
    assert (gap.start, gap.end) == (round(before / RATE, 3), round((before + lost) / RATE, 3))
    [end] = [event for event in events if isinstance(event, SessionEnd)]
    assert end.duration == round((len(samples) + lost) / RATE, 3)
    clock = 0.0
    for event in events:
        assert event.at >= clock
        clock = event.at
        if isinstance(event, Turn):
            assert 0 <= event.start <= event.end <= event.at
            assert round(event.start * 100) == pytest.approx(event.start * 100)


def test_a_gap_is_heard_as_silence() -> None:
    diarizer = session()
    events = diarizer.push(babble(5, 10)) + diarizer.gap(60 * RATE, "network") + diarizer.push(babble(6, 10))
    events += diarizer.finish()
    replay = Replay()
    for event in events:
        replay.add(event)
    assert not [turn for turn in replay.annotation() if turn.start < 69 and turn.end > 11]
    assert [turn for turn in replay.annotation() if turn.start >= 69]


@few
@given(seeds, st.lists(st.tuples(st.integers(1, 60_000), st.integers(1, 4)), min_size=1, max_size=6), seeds)
def test_stretched_hops_are_part_of_what_was_given(
    seed: int, paces: list[tuple[int, int]], cutting: int
) -> None:
    samples = babble(seed, 25)

    def events(most: int, *, restored: bool) -> list[Event]:
        diarizer, said, position = session(), list[Event](), 0
        sizes = np.random.default_rng(cutting).integers(1, most, len(samples))
        for count, hops in [*paces, (len(samples), 1)]:
            for block in np.split(samples[position : position + count], np.cumsum(sizes)[:50]):
                said += diarizer.push(block)
            position += count
            said += diarizer.stretch(hops) + diarizer.push(samples[:0])
            if restored:
                diarizer = Diarizer.restore(diarizer.snapshot(), UnrulyDetectingSegmenter(), UnrulyEmbedder())
        return said + diarizer.finish()

    assert events(7000, restored=True) == events(2, restored=False)


def test_stretched_hops_need_fewer_windows() -> None:
    def windows(hops: int) -> int:
        diarizer, count = session(), 0
        diarizer.stretch(hops)
        diarizer.feed(babble(4, 20))
        while requests := diarizer.due():
            count += sum(isinstance(request, SegmentRequest) for request in requests)
            diarizer.advance(run(requests, UnrulyDetectingSegmenter(), UnrulyEmbedder()))
        return count

    assert [windows(hops) for hops in (1, 2, 4)] == [37, 19, 10]


def test_a_stretch_beyond_two_seconds_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a step of 5 hops: expected 1 to 4"):
        session().stretch(5)


@few
@given(seeds, configs, st.floats(0, 1))
def test_a_restored_snapshot_goes_on_as_if_never_stopped(
    seed: int, config: DiarizerConfig, share: float
) -> None:
    samples = babble(seed, 30)
    stop = round(share * len(samples))
    first = session(config)
    first.push(samples[:stop])
    second = Diarizer.restore(first.snapshot(), UnrulyDetectingSegmenter(), UnrulyEmbedder())
    assert second.annotation() == first.annotation()
    rest = samples[stop:]
    assert pushed(second, rest, [3001]) == pushed(first, rest, [8000])


def test_state_does_not_grow_with_the_session() -> None:
    diarizer = session(DiarizerConfig(hop=2.0))  # a quarter of the steps; what is kept is the same
    size: list[int] = []
    for minute in range(24):
        diarizer.push(babble(minute, 60))
        turns = len(diarizer.annotation())
        size.append(len(diarizer.snapshot()) - 80 * turns)
    assert max(size[12:]) <= 1.05 * max(size[6:12])


def test_a_session_starts_and_ends_with_its_own_events() -> None:
    events = pushed(session(), babble(2, 5), [8000])
    assert isinstance(events[0], SessionStart)
    assert isinstance(events[-1], SessionEnd)
    assert session().finish()[-1].type == "session.end"
