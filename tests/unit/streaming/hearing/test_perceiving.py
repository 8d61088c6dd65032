"""Grid, windows, curves, atoms, frames: what the engine hears before it asks who it was."""

import numpy as np
import pytest

from hocket.models.roles import EmbedderSpec
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.errors import ConfigError
from hocket.streaming.grid import FrameGrid, Grid, seconds, to_cells
from hocket.streaming.hearing.curves import Curves
from hocket.streaming.hearing.cutting import AtomRules, Span, cut, runs_of, speech_stretches
from hocket.streaming.hearing.frames import FrameCache
from hocket.streaming.hearing.powerset import Powerset
from hocket.streaming.hearing.ring import Ring
from hocket.streaming.hearing.windows import WindowPlan

RULES = AtomRules(onset=0.6, offset=0.4)


def test_cells_are_ten_milliseconds_at_any_rate() -> None:
    assert (Grid(16_000).cell, Grid(8_000).cell) == (160, 80)
    assert Grid(16_000).samples(0.5) == 8000
    assert (seconds(123), to_cells(1.23)) == (1.23, 123)


def test_a_rate_that_cells_do_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="sample rate 22055: expected a multiple of 100"):
        Grid(22_055)


def test_frames_are_interpolated_at_the_centres_of_cells() -> None:
    grid = FrameGrid(cell=160, step=320, offset=80)
    values = np.array([[0.0], [1.0], [2.0]], np.float32)
    np.testing.assert_allclose(grid.to_cells(values, 960)[:, 0], [0, 0.5, 1, 1.5, 2, 2])


def test_settings_out_of_range_name_themselves() -> None:
    with pytest.raises(ConfigError, match=r"hop 0.05: expected 0.1 to 2.0"):
        DiarizerConfig(hop=0.05)
    with pytest.raises(ConfigError, match=r"latency 9: expected 0.0 to 5.0"):
        DiarizerConfig(latency=9)
    with pytest.raises(ConfigError, match="max_speakers 0: expected at least 1"):
        DiarizerConfig(max_speakers=0)


def test_early_windows_grow_with_the_session() -> None:
    plan = WindowPlan(lengths=(100, 200, 400), hop=50, shortest=200)
    assert [plan.window(stop) for stop in (50, 150, 200, 350, 450)] == [
        None, None, (0, 200), (150, 350), (50, 450),
    ]  # fmt: skip
    assert plan.boundary_after(100) == 150
    assert plan.last_window(130) == (30, 130)
    assert plan.last_window(70) == (-30, 70)


def test_a_model_without_short_windows_hears_silence_before_the_session() -> None:
    plan = WindowPlan(lengths=(400,), hop=50, shortest=200)
    assert [plan.window(stop) for stop in (150, 200, 400)] == [None, (-200, 200), (0, 400)]


def test_curves_average_over_the_windows_that_saw_a_cell() -> None:
    curves = Curves(Powerset(((), (0,), (1,), (0, 1))), capacity=100)
    curves.extend(6)
    speech = np.tile(np.array([[0, 1, 0, 0]], np.float32), (6, 1))
    silence = np.tile(np.array([[1, 0, 0, 0]], np.float32), (4, 1))
    curves.add(0, speech)
    curves.add(2, silence)
    np.testing.assert_allclose(curves.speech(0, 6), [1, 1, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(curves.overlap(0, 6), 0)


def test_cells_that_no_window_saw_count_as_silence() -> None:
    curves = Curves(Powerset(((), (0,))), capacity=10)
    curves.extend(4)
    np.testing.assert_array_equal(curves.speech(0, 4), 0)


def test_change_is_high_where_the_local_speakers_swap() -> None:
    curves = Curves(Powerset(((), (0,), (1,))), capacity=200)
    curves.extend(100)
    first = np.tile(np.array([[0, 1, 0]], np.float32), (50, 1))
    second = np.tile(np.array([[0, 0, 1]], np.float32), (50, 1))
    curves.add(0, np.concatenate([first, second]))
    change = curves.change(0, 100)
    assert change[50] == pytest.approx(1)
    assert change[25] == pytest.approx(0)


def test_speech_begins_above_onset_and_ends_below_offset() -> None:
    speech = np.array([0, 0.5, 0.7, 0.5, 0.5, 0.3, 0.5, 0], np.float32)
    assert speech_stretches(speech, RULES) == [(2, 5)]
    assert runs_of(np.array([True, False, True, True])) == [(0, 1), (2, 4)]


def test_no_cells_are_no_atoms() -> None:
    nothing = np.zeros(0, np.float32)
    assert cut(nothing, nothing, 7, RULES) == []


def test_atoms_are_cut_at_changes_and_closed_by_pauses() -> None:
    speech, change = np.ones(180, np.float32), np.zeros(180, np.float32)
    speech[150:] = 0
    change[80] = 0.9
    assert cut(speech, change, 1000, RULES) == [Span(1000, 1080, True), Span(1080, 1150, True)]


def test_speech_that_reaches_the_end_is_open() -> None:
    assert cut(np.ones(50, np.float32), np.zeros(50, np.float32), 0, RULES) == [Span(0, 50, False)]


def test_no_atom_grows_beyond_the_longest() -> None:
    spans = cut(np.ones(450, np.float32), np.zeros(450, np.float32), 0, RULES)
    assert [(span.start, span.stop, span.closed) for span in spans] == [
        (0, 200, True), (200, 400, True), (400, 450, False),
    ]  # fmt: skip


SPEC = EmbedderSpec(
    rate=100, size=2, channels=1, frame_step=10, hop=50, lookback=100, kept=100, min_frames=3, preroll=5
)


def heard(stop: int) -> tuple[FrameCache, Ring]:
    cache, audio = FrameCache(SPEC, 1000), Ring(1000)
    audio.append(np.arange(stop, dtype=np.float32))
    cache.extend(stop)
    return cache, audio


def test_calls_end_on_the_hop_grid_and_look_back() -> None:
    cache, audio = heard(220)
    assert cache.calls_for([(80, 180)], is_last=False) == [(0, 100), (50, 200)]
    request = cache.request((50, 200), audio)
    np.testing.assert_array_equal(request.audio, np.arange(45, 200))


def test_of_several_calls_only_those_are_made_whose_frames_no_later_one_gives() -> None:
    cache, _ = heard(300)
    assert cache.calls_for([(100, 300)], is_last=False) == [(50, 200), (150, 300)]
    assert cache.calls_for([(60, 120), (210, 300)], is_last=False) == [(0, 150), (150, 300)]


def test_what_lies_before_the_session_is_silence() -> None:
    cache, audio = heard(60)
    assert cache.calls_for([(0, 60)], is_last=False) == [(0, 50)]
    np.testing.assert_array_equal(cache.request((0, 50), audio).audio[:6], [0, 0, 0, 0, 0, 0])


def test_the_last_call_ends_where_the_audio_does() -> None:
    cache, _ = heard(220)
    cache.put(0, 150, np.zeros((15, 1), np.float32))
    cache.put(50, 200, np.zeros((15, 1), np.float32))
    assert cache.calls_for([(190, 220)], is_last=False) == []
    assert cache.calls_for([(190, 220)], is_last=True) == [(70, 220)]


def test_later_calls_replace_frames_as_far_as_they_are_kept() -> None:
    cache, _ = heard(200)
    cache.put(0, 150, np.full((15, 1), 1, np.float32))
    cache.put(50, 200, np.full((15, 1), 2, np.float32))
    found = cache.view(50, 200)
    assert found is not None
    first, frames = found
    assert first == 5
    np.testing.assert_array_equal(frames[:, 0], [1] * 5 + [2] * 10)
    assert cache.settled == 150


def test_too_few_known_frames_are_none() -> None:
    cache, _ = heard(100)
    cache.put(0, 50, np.zeros((5, 1), np.float32))
    assert cache.view(30, 100) is None
