"""The microphone for real: PulseAudio as the sound card, PortAudio between, and servers that die."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.streaming.errors import DeviceError
from hocket.streaming.events import Gap, SessionEnd
from hocket.streaming.sources.microphone import Microphone
from hocket.streaming.stream import StreamReport, stream
from tests.fake_engine import FakeEngine
from tests.notebook import Notebook, assert_whole
from tests.shared_data import shared
from tests.sound_server import RATE, SoundServer, require_microphone, require_sound_server

pytestmark = pytest.mark.audio_device

Played = NDArray[np.int16]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    require_sound_server()
    server = SoundServer(tmp_path, monkeypatch)
    server.start()
    try:
        require_microphone()
        yield server
    finally:
        server.kill()


def noise(seconds: float, seed: int = 0) -> Played:
    """Never silent, so that the place where it was heard can be found."""
    return np.random.default_rng(seed).integers(1, 8_000, round(seconds * RATE)).astype(np.int16)


def listen(
    source: Microphone, engine: FakeEngine, notebook: Notebook, happenings: dict[float, Callable[[], None]]
) -> StreamReport:
    """A session in which things happen at their time, in seconds, the last of them being its end."""

    async def session() -> StreamReport:
        loop = asyncio.get_running_loop()
        for seconds, happening in happenings.items():
            loop.call_later(seconds, happening)
        return await stream(source, engine, [notebook])

    return asyncio.run(session())


def found(heard: NDArray[np.float32], played: Played) -> int:
    """Where `played` was heard, as the first sound of all and to the last bit; -1 if it was not."""
    start = int(np.flatnonzero(heard)[0])
    return start if np.array_equal(heard[start : start + len(played)] * 32_768, played) else -1


def test_every_sample_is_heard_as_it_was_played(server: SoundServer) -> None:
    engine, notebook, source, played = FakeEngine(), Notebook(), Microphone(), noise(3.0)
    assert (source.rate_hz, source.channels) == (RATE, 1)
    report = listen(source, engine, notebook, {0.5: lambda: server.play(played), 4.0: source.close})
    assert found(engine.heard, played) > 0
    assert (report.lost, report.dropped) == (0, 0)
    assert report.duration == pytest.approx(4.0, abs=0.5)
    assert report.max_lag < 0.5
    assert_whole(notebook, "end")


def test_other_rates_are_opened_as_asked_and_keep_the_level(server: SoundServer) -> None:
    engine, notebook, source = FakeEngine(), Notebook(), Microphone("default", rate_hz=44_100)
    played = (8_000 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.int16)
    assert source.rate_hz == 44_100
    report = listen(source, engine, notebook, {0.5: lambda: server.play(played), 3.0: source.close})
    assert report.lost == 0
    loud = engine.heard[np.abs(engine.heard) > 0.01]
    assert np.sqrt(np.mean(np.square(loud))) == pytest.approx(8_000 / 32_768 / np.sqrt(2), rel=0.02)


def test_unplugging_is_a_gap_and_the_device_is_heard_again(
    server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    engine, notebook, source = FakeEngine(), Notebook(), Microphone()
    before, after = noise(0.8), noise(0.8, seed=1)
    began = time.monotonic()
    happenings = {0.3: lambda: server.play(before), 1.5: server.kill, 2.0: server.start,
                  4.5: lambda: server.play(after), 5.8: source.close}  # fmt: skip
    report = listen(source, engine, notebook, happenings)
    wall = time.monotonic() - began
    gaps = [event for event in notebook.events if isinstance(event, Gap)]
    assert gaps
    assert {gap.reason for gap in gaps} == {"microphone gone"}
    assert gaps[0].start == pytest.approx(1.5, abs=0.4)
    assert all(gap.end == later.start for gap, later in pairwise(gaps))
    assert found(engine.heard, before) > 0
    assert found(engine.heard[round(gaps[-1].end * RATE) :], after) > 0
    assert report.lost == pytest.approx(gaps[-1].end - gaps[0].start)
    assert report.duration == pytest.approx(wall, abs=0.4)
    assert "is back" in caplog.text
    assert_whole(notebook, "end")


def test_unplugging_for_good_ends_with_everything_that_was_heard(server: SoundServer) -> None:
    engine, notebook, source, played = FakeEngine(), Notebook(), Microphone(reconnect=0.5), noise(0.8)
    with pytest.raises(DeviceError, match=r"microphone 'default' was unplugged, or its sound server ended"):
        listen(source, engine, notebook, {0.3: lambda: server.play(played), 1.5: server.kill})
    assert found(engine.heard, played) > 0
    assert [event for event in notebook.events if isinstance(event, Gap)]
    assert isinstance(notebook.events[-1], SessionEnd)
    assert notebook.num_closes == 1


def test_microphone_without_a_server_is_told_what_to_do(server: SoundServer) -> None:
    server.kill()
    with pytest.raises(DeviceError, match=r"cannot be opened|no microphone found: plug one in"):
        Microphone()


@pytest.mark.slow
def test_real_conversation_is_heard_whole(server: SoundServer) -> None:
    samples, rate = soundfile.read(shared("data/eval/telephone/pyannote_sample.flac"), dtype="int16")
    assert rate == RATE
    played = samples[: 25 * RATE]
    engine, notebook, source = FakeEngine(), Notebook(), Microphone()
    report = listen(source, engine, notebook, {0.5: lambda: server.play(played), 26.5: source.close})
    played = played[np.flatnonzero(played)[0] :]
    assert found(engine.heard, played) > 0
    assert (report.lost, report.dropped) == (0, 0)
    assert_whole(notebook, "end")
