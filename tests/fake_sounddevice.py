"""A stand-in for the sounddevice module: devices and blocks that exist because a test says so."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class PortAudioError(Exception):
    pass


@dataclass
class FakeDevice:
    """rates: those it can be opened at."""

    name: str
    channels: int = 1
    default_rate: float = 48_000.0
    rates: tuple[int, ...] = (16_000, 44_100, 48_000)
    takes_mono: bool = True


class FakeStream:
    """What RawInputStream gives: `deliver` plays the driver's part."""

    def __init__(
        self, *, callback: Callable[..., None], finished_callback: Callable[[], None], **settings: Any
    ):
        self.settings = settings
        self.is_open = False
        self._callback, self._finished = callback, finished_callback
        self._adc = 1_000.0  # an odd base, as through PulseAudio

    def start(self) -> None:
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._finished()

    def deliver(
        self, num_samples: int = 320, value: int = 0, *, overflow: bool = False, skipped: int = 0
    ) -> None:
        rate = self.settings["samplerate"]
        self._adc += skipped / rate
        data = value.to_bytes(2, "little", signed=True) * num_samples * self.settings["channels"]
        when = SimpleNamespace(inputBufferAdcTime=self._adc)
        self._callback(data, num_samples, when, SimpleNamespace(input_overflow=overflow))
        self._adc += num_samples / rate

    def unplug(self) -> None:
        self.is_open = False
        self._finished()


class FakeSoundDevice(ModuleType):
    """sounddevice with these devices; `devices` may be changed, as people plug and unplug.

    streams: every stream that was opened, in order; `opened` is released for each.
    """

    PortAudioError = PortAudioError

    def __init__(self, *devices: FakeDevice, default: int = 0) -> None:
        super().__init__("sounddevice")
        self.devices = list(devices)
        self.default = default
        self.num_rescans = 0
        self.streams: list[FakeStream] = []
        self.opened = threading.Semaphore(0)
        self._listed = list(devices)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "FakeSoundDevice":
        monkeypatch.setitem(sys.modules, "sounddevice", self)
        return self

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self, kind: str | None = None) -> Any:
        found = [
            {
                "index": index,
                "name": device.name,
                "hostapi": 0,
                "max_input_channels": device.channels,
                "default_samplerate": device.default_rate,
            }
            for index, device in enumerate(self._listed)
        ]
        if kind is None:
            return found
        if not 0 <= self.default < len(found):
            raise PortAudioError("Error querying device -1")
        return found[self.default]

    def check_input_settings(self, *, device: int, samplerate: int, channels: int, dtype: str) -> None:
        chosen = self._listed[device]
        if samplerate not in chosen.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        if channels != chosen.channels and not (channels == 1 and chosen.takes_mono):
            raise PortAudioError("Invalid number of channels [PaErrorCode -9998]")

    def RawInputStream(self, **settings: Any) -> FakeStream:
        if self._listed[settings["device"]] not in self.devices:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        stream = FakeStream(**settings)
        self.streams.append(stream)
        self.opened.release()
        return stream

    def _terminate(self) -> None:
        self.num_rescans += 1

    def _initialize(self) -> None:
        self._listed = list(self.devices)
