import asyncio
import math
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from hocket.streaming.errors import DeviceError
from hocket.streaming.sources import microphone
from hocket.streaming.sources.base import Block, Lost
from hocket.streaming.sources.microphone import Microphone
from tests.fake_sounddevice import FakeDevice, FakeSoundDevice
from tests.sound import losses_of, pieces, samples_of

RATE = 16_000
HEADSET = FakeDevice("Headset USB: Audio (hw:1,0)")


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    return FakeSoundDevice(HEADSET).install(monkeypatch)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "START_SECONDS", 0.5)
    monkeypatch.setattr(microphone, "STALL_SECONDS", 0.1)
    monkeypatch.setattr(microphone, "FIRST_RETRY_SECONDS", 0.02)


def listen(
    source: Microphone, sound: FakeSoundDevice, play: Callable[[], Awaitable[None]]
) -> list[Block | Lost]:
    """What the microphone says while `play` acts as its driver; closed after that."""

    async def session() -> list[Block | Lost]:
        hearing = asyncio.create_task(pieces(source))
        await asyncio.to_thread(sound.opened.acquire)
        await play()
        source.close()
        return await hearing

    return asyncio.run(session())


def test_blocks_arrive_as_they_were_captured(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        for value in (0, 16_384, -32_768):
            sound.streams[0].deliver(value=value)

    said = listen(Microphone(), sound, play)
    assert np.unique(samples_of(said)).tolist() == [-1.0, 0.0, 0.5]
    assert len(samples_of(said)) == 960
    assert not losses_of(said)
    assert not sound.streams[0].is_open


def test_device_is_opened_as_it_agreed(sound: FakeSoundDevice) -> None:
    sound.devices[0] = FakeDevice("Headset", rates=(44_100,), default_rate=44_100.0)
    sound._initialize()

    async def play() -> None:
        sound.streams[0].deliver(882)

    source = Microphone()
    assert (source.rate_hz, source.channels, source.name) == (44_100, 1, "Headset")
    assert source.live
    said = listen(source, sound, play)
    assert samples_of(said).shape == (882, 1)
    settings = sound.streams[0].settings
    assert (settings["samplerate"], settings["blocksize"], settings["dtype"]) == (44_100, 882, "int16")


def test_overflow_is_a_loss_as_long_as_the_converter_says(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        sound.streams[0].deliver()
        sound.streams[0].deliver(overflow=True, skipped=4_000)
        sound.streams[0].deliver()

    said = listen(Microphone(), sound, play)
    assert losses_of(said) == [Lost(4_000, "input overflow")]
    assert isinstance(said[1], Lost)


def test_overflow_on_the_first_block_lost_nothing_that_was_asked_for(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        sound.streams[0].deliver(overflow=True, skipped=4_000)

    assert not losses_of(listen(Microphone(), sound, play))


def test_overflow_is_measured_by_our_clock_where_the_converter_has_none(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        sound.streams[0].deliver()
        await asyncio.sleep(0.08)
        sound.streams[0].deliver(overflow=True, skipped=-320)

    (lost,) = losses_of(listen(Microphone(), sound, play))
    assert 0.03 < lost.num_samples / RATE < 0.2


def test_blocks_that_nobody_fetches_are_told_as_lost(
    sound: FakeSoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "WAITING_SECONDS", 0.1)

    async def play() -> None:
        for value in range(8):  # the event loop has no turn in between; five blocks fit
            sound.streams[0].deliver(value=value)
        await asyncio.sleep(0.01)
        sound.streams[0].deliver(value=8)

    said = listen(Microphone(), sound, play)
    assert losses_of(said) == [Lost(3 * 320, "input overflow")]
    assert np.unique(samples_of(said) * 32_768).tolist() == [0, 1, 2, 3, 4, 8]


def test_unplugged_device_is_found_again_and_the_pause_is_lost(
    sound: FakeSoundDevice, caplog: pytest.LogCaptureFixture
) -> None:
    other_socket = FakeDevice("Headset USB: Audio (hw:4,0)")

    async def play() -> None:
        sound.streams[0].deliver(value=1)
        sound.devices.clear()
        sound.streams[0].unplug()
        await asyncio.sleep(0.1)
        sound.devices[:] = [FakeDevice("Built-in Microphone"), other_socket]
        await asyncio.to_thread(sound.opened.acquire)
        sound.streams[1].deliver(value=2)

    said = listen(Microphone(0), sound, play)
    assert sound.streams[1].settings["device"] == 1
    assert sound.num_rescans >= 2
    assert np.unique(samples_of(said) * 32_768).tolist() == [1, 2]
    lost = sum(piece.num_samples for piece in losses_of(said)) / RATE
    assert 0.1 - 0.02 < lost < 0.4
    assert {piece.reason for piece in losses_of(said)} == {"microphone gone"}
    assert isinstance(said[0], Block)
    assert isinstance(said[-1], Block)
    assert "microphone 'Headset USB: Audio (hw:1,0)' was unplugged" in caplog.text
    assert "is back" in caplog.text


def test_silent_device_is_opened_anew(sound: FakeSoundDevice, caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        sound.streams[0].deliver(value=1)
        await asyncio.to_thread(sound.opened.acquire)
        sound.streams[1].deliver(value=2)

    said = listen(Microphone(), sound, play)
    assert not sound.streams[0].is_open
    assert np.unique(samples_of(said) * 32_768).tolist() == [1, 2]
    assert "delivered nothing for 0.1 s" in caplog.text


def test_patience_ends_with_an_error_after_all_that_was_heard(sound: FakeSoundDevice) -> None:
    said: list[Block | Lost] = []

    async def listen_and_unplug() -> None:
        async for piece in Microphone(reconnect=0.1).blocks():
            said.append(piece)
            if len(said) == 1:
                sound.devices.clear()
                sound.streams[0].unplug()

    async def session() -> None:
        listening = asyncio.create_task(listen_and_unplug())
        await asyncio.to_thread(sound.opened.acquire)
        sound.streams[0].deliver(value=7)
        await listening

    with pytest.raises(DeviceError, match=r"did not come back within 0\.1 s: plug it in"):
        asyncio.run(session())
    assert np.unique(samples_of(said) * 32_768).tolist() == [7]
    assert 0.08 < sum(piece.num_samples for piece in losses_of(said)) / RATE < 0.4


def test_closing_while_the_device_is_gone_ends_the_source(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        sound.streams[0].deliver()
        sound.devices.clear()
        sound.streams[0].unplug()
        await asyncio.sleep(0.05)

    said = listen(Microphone(reconnect=math.inf), sound, play)
    assert len(samples_of(said)) == 320
    assert losses_of(said)


def test_device_that_comes_back_otherwise_is_not_taken(sound: FakeSoundDevice) -> None:
    async def play() -> None:
        sound.streams[0].deliver()
        sound.devices[:] = [FakeDevice("Headset USB: Audio (hw:1,0)", rates=(8_000,), default_rate=8_000.0)]
        sound.streams[0].unplug()
        await asyncio.sleep(0.05)

    listen(Microphone(), sound, play)
    assert len(sound.streams) == 1


def test_device_that_cannot_be_opened_is_an_error(sound: FakeSoundDevice) -> None:
    source = Microphone()
    sound.devices.clear()
    with pytest.raises(DeviceError, match="cannot be opened: Device unavailable"):
        asyncio.run(pieces(source))
