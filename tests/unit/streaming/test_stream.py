import asyncio
import os
import signal

import numpy as np
import pytest

from hocket.streaming.errors import ConfigError, DeviceError
from hocket.streaming.events import Gap, Status
from hocket.streaming.resample import Channel
from hocket.streaming.sources.base import Block, Lost
from hocket.streaming.stream import StreamReport, stream
from tests.fake_engine import FakeEngine
from tests.notebook import Notebook, assert_whole
from tests.script import Script, blocks
from tests.sound import tone


def run(
    source: Script,
    engine: FakeEngine,
    *sinks: Notebook,
    channel: Channel = "mix",
    status_every: float = 0.0,
    max_lag: float = 5.0,
) -> StreamReport:
    session = stream(source, engine, sinks, channel=channel, status_every=status_every, max_lag=max_lag)
    return asyncio.run(session)


def test_every_event_reaches_every_sink() -> None:
    engine, first, second = FakeEngine(), Notebook("first"), Notebook("second")
    report = run(Script(blocks(3.05)), engine, first, second)
    assert_whole(first, "end")
    assert first.events == second.events
    assert len(first.events) == 1 + 3 + 1
    assert np.array_equal(engine.heard, tone(3.05))
    assert (report.duration, report.lost, report.dropped, report.reason) == (3.05, 0, 0, "end")
    assert report.failures == ()


def test_other_rates_and_channels_arrive_as_the_engine_wants_them() -> None:
    engine = FakeEngine()
    run(Script(blocks(2.0, rate=48_000, channels=2), rate_hz=48_000, channels=2), engine)
    assert len(engine.heard) == 32_000
    assert np.abs(engine.heard - tone(2.0))[1_000:-1_000].max() < 1e-4


def test_one_channel_can_be_chosen() -> None:
    engine = FakeEngine()
    both = np.stack([tone(1.0), tone(1.0, frequency=1_000)], axis=1)
    run(Script([Block(both)], channels=2), engine, channel=1)
    assert np.array_equal(engine.heard, both[:, 1])


def test_loss_becomes_a_gap_at_its_place_on_the_clock() -> None:
    engine, notebook = FakeEngine(), Notebook()
    second = blocks(1.0, rate=48_000)
    source = Script([*second, Lost(24_000, "overflow"), *second], rate_hz=48_000)
    report = run(source, engine, notebook)
    (gap,) = [event for event in notebook.events if isinstance(event, Gap)]
    assert (gap.start, gap.end, gap.reason) == (1.0, 1.5, "overflow")
    assert (report.duration, report.lost) == (2.5, 0.5)
    assert len(engine.heard) == 40_000


def test_loss_of_unknown_length_is_logged_and_moves_no_clock(caplog: pytest.LogCaptureFixture) -> None:
    engine, notebook = FakeEngine(), Notebook()
    run(Script([*blocks(1.0), Lost(0, "half a sample")]), engine, notebook)
    assert "an unknown amount of audio was lost: half a sample" in caplog.text
    assert len(engine.heard) == 16_000
    assert_whole(notebook, "end")


def test_invalid_samples_are_counted_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    damaged = [Block(np.full((1_600, 1), np.nan, np.float32))] * 20
    report = run(Script(damaged), FakeEngine())
    assert report.num_invalid == 32_000
    assert caplog.text.count("some samples are no sound") == 1


def test_failing_sink_is_closed_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    full, sound = Notebook("full", fail_at=3), Notebook("sound")
    report = run(Script(blocks(5.0)), FakeEngine(), full, sound)
    assert_whole(sound, "end")
    assert [event.seq for event in full.events] == [1, 2]
    assert full.num_closes == 1
    assert [(failure.sink, str(failure.error)) for failure in report.failures] == [
        ("full", "[Errno 28] No space left on device")
    ]
    assert "sink full is closed: [Errno 28] No space left on device" in caplog.text


def test_sink_that_fails_on_closing_is_reported() -> None:
    report = run(Script(blocks(1.0)), FakeEngine(), Notebook("pipe", fail_on_close=True), last := Notebook())
    assert [failure.sink for failure in report.failures] == ["pipe"]
    assert_whole(last, "end")


def test_failing_source_ends_the_session_with_all_that_was_heard() -> None:
    source, notebook = Script([*blocks(2.0), DeviceError("microphone 'x' went away")]), Notebook()
    with pytest.raises(DeviceError, match="went away"):
        run(source, FakeEngine(), notebook)
    assert_whole(notebook, "microphone 'x' went away")
    assert len(notebook.events) == 1 + 2 + 1


def test_fault_of_the_engine_closes_everything_and_is_raised() -> None:
    source, notebook = Script(blocks(60.0)), Notebook()
    with pytest.raises(ZeroDivisionError):
        run(source, FakeEngine(fail_at=2.0), notebook)
    assert source.was_left
    assert notebook.num_closes == 1


def test_channel_that_is_not_there_closes_the_sinks_and_is_raised() -> None:
    notebook = Notebook()
    with pytest.raises(ConfigError, match="channel 3 of 1"):
        run(Script(blocks(1.0)), FakeEngine(), notebook, channel=3)
    assert notebook.num_closes == 1


def test_cancellation_delivers_what_was_heard_and_is_passed_on() -> None:
    source, notebook, engine = Script(blocks(60.0), pause=0.001), Notebook(), FakeEngine()

    async def cancel_soon() -> None:
        task = asyncio.create_task(stream(source, engine, [notebook]))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_soon())
    assert_whole(notebook, "cancelled")
    assert source.was_left
    assert 0 < len(engine.heard) < 60 * 16_000
    assert notebook.events[-1].at == len(engine.heard) / 16_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_session_as_the_end_of_audio_does(number: signal.Signals) -> None:
    source, notebook, engine = Script(blocks(60.0), pause=0.001), Notebook(), FakeEngine()
    before = signal.getsignal(number)

    async def interrupt_soon() -> StreamReport:
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), number)
        return await stream(source, engine, [notebook], stop_on=[signal.SIGINT, signal.SIGTERM])

    report = asyncio.run(interrupt_soon())
    assert report.reason == number.name
    assert_whole(notebook, number.name)
    assert signal.getsignal(number) is before


def test_second_signal_does_not_wait_for_a_source_that_hangs() -> None:
    class Deaf(Script):
        def close(self) -> None:
            pass

    notebook = Notebook()

    async def interrupt_twice() -> None:
        for delay in (0.05, 0.1):
            asyncio.get_running_loop().call_later(delay, os.kill, os.getpid(), signal.SIGINT)
        await stream(Deaf(blocks(60.0), pause=0.01), FakeEngine(), [notebook], stop_on=[signal.SIGINT])

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupt_twice())
    assert notebook.num_closes == 1


def test_file_waits_for_a_slow_engine_and_loses_nothing() -> None:
    engine = FakeEngine(rtf=0.02)
    report = run(Script(blocks(20.0)), engine)
    assert (report.dropped, report.lost) == (0, 0)
    assert len(engine.heard) == 320_000
    assert max(engine.pushes) <= 16_000


def test_live_source_never_falls_further_behind_than_it_may() -> None:
    # 20 s of audio arrive in 0.8 s, 25 times as fast as life; the engine takes 0.1 s for each second
    source = Script(blocks(20.0), live=True, pause=0.004)
    engine, notebook = FakeEngine(rtf=0.1), Notebook()
    report = run(source, engine, notebook, max_lag=4.0)
    gaps = [event for event in notebook.events if isinstance(event, Gap)]
    assert report.dropped > 0
    assert sum(gap.end - gap.start for gap in gaps) == pytest.approx(report.dropped)
    assert {gap.reason for gap in gaps} == {"dropped: the engine was behind"}
    assert min(gap.end - gap.start for gap in gaps) > 1.9  # few long ones, not many short ones
    assert len(engine.heard) == 320_000  # the clock moved on through what was dropped
    assert report.max_lag < 0.1 * (4.0 + 1.0) + 0.2
    assert_whole(notebook, "end")


def test_status_of_a_live_source_is_part_of_the_log() -> None:
    notebook = Notebook()
    source = Script(blocks(3.0), live=True, pause=0.01)
    run(source, FakeEngine(rtf=0.01), notebook, status_every=0.05)
    beats = [event for event in notebook.events if isinstance(event, Status)]
    assert 3 <= len(beats) <= 8
    assert all(beat.lag >= 0 and 0 < beat.rtf < 1 and beat.dropped == 0 for beat in beats)
    assert_whole(notebook, "end")


def test_status_comes_while_a_live_source_is_silent() -> None:
    notebook = Notebook()
    run(Script(blocks(0.1), live=True, pause=0.3), FakeEngine(), notebook, status_every=0.05)
    beats = [event for event in notebook.events if isinstance(event, Status)]
    assert 4 <= len(beats) <= 6
    assert beats[-1].rtf == 0


def test_files_have_no_status() -> None:
    notebook = Notebook()
    run(Script(blocks(3.0), pause=0.01), FakeEngine(), notebook, status_every=0.05)
    assert not [event for event in notebook.events if isinstance(event, Status)]


def test_source_without_a_sample_ends_at_once() -> None:
    notebook = Notebook()
    report = run(Script([]), FakeEngine(), notebook)
    assert (report.duration, report.rtf) == (0, 0)
    assert_whole(notebook, "end")
