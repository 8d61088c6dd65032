import sys

import pytest

from hocket.streaming.errors import DeviceError
from hocket.streaming.sources.portaudio import Device, Settings, agree, find_device, list_devices
from tests.fake_sounddevice import FakeDevice, FakeSoundDevice

SPEAKER = FakeDevice("HDMI: out", channels=0)
LAPTOP = FakeDevice("Built-in Microphone")
JABRA = FakeDevice("Jabra SPEAK 510 USB: Audio (hw:2,0)")
MIXER = FakeDevice("Mixer USB: Audio (hw:3,0)", channels=8)


@pytest.fixture(autouse=True)
def sound(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    return FakeSoundDevice(SPEAKER, LAPTOP, JABRA, MIXER, default=1).install(monkeypatch)


def test_what_can_only_play_is_not_listed() -> None:
    assert [str(device) for device in list_devices()] == [
        "1: Built-in Microphone (ALSA, 1 channels, 48000 Hz, default)",
        "2: Jabra SPEAK 510 USB: Audio (hw:2,0) (ALSA, 1 channels, 48000 Hz)",
        "3: Mixer USB: Audio (hw:3,0) (ALSA, 8 channels, 48000 Hz)",
    ]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 1), ("", 1), ("default", 1), (2, 2), ("3", 3), ("jabra", 2), ("usb mixer", 3), (MIXER.name, 3)],
)
def test_device_is_found_by_number_name_or_words(wanted: int | str | None, index: int) -> None:
    assert find_device(wanted).index == index


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "blue yeti",
            "no microphone fits 'blue yeti'; choose by number, or by words of name and host, from:",
        ),
        (0, "no microphone fits 0; choose"),
        ("usb", "more than one microphone fits 'usb'; choose"),
    ],
)
def test_no_device_or_more_than_one_is_an_error_with_the_choice(wanted: int | str, message: str) -> None:
    with pytest.raises(DeviceError, match=message) as raised:
        find_device(wanted)
    assert "\n  2: Jabra SPEAK 510" in str(raised.value)
    assert ("Built-in" in str(raised.value)) == (wanted != "usb")


def test_first_device_stands_in_where_the_system_has_no_default(sound: FakeSoundDevice) -> None:
    sound.default = -1
    assert find_device(None).index == 1


def test_machine_without_microphone_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeSoundDevice(SPEAKER).install(monkeypatch)
    with pytest.raises(
        DeviceError, match=r"no microphone found: plug one in.*apt install libasound2-plugins"
    ):
        find_device(None)


def test_sound_system_that_does_not_answer_is_an_error(
    sound: FakeSoundDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sound.PortAudioError("Internal PortAudio error [PaErrorCode -9986]")

    monkeypatch.setattr(sound, "query_devices", fail)
    with pytest.raises(DeviceError, match=r"the sound system does not answer \(Internal PortAudio error"):
        list_devices()


def test_missing_portaudio_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoPortAudio:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    with pytest.raises(DeviceError, match=r"\(PortAudio library not found\).*apt install libportaudio2"):
        list_devices()


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        (FakeDevice("any"), (16_000, 1)),
        (FakeDevice("own rate", rates=(48_000,)), (48_000, 1)),
        (FakeDevice("own channels", channels=2, takes_mono=False), (16_000, 2)),
        (FakeDevice("own everything", channels=4, rates=(48_000,), takes_mono=False), (48_000, 4)),
    ],
)
def test_wishes_are_kept_as_far_as_the_device_agrees(
    monkeypatch: pytest.MonkeyPatch, device: FakeDevice, settings: tuple[int, int]
) -> None:
    FakeSoundDevice(device).install(monkeypatch)
    found = find_device(None)
    assert agree(found, 16_000, 1) == Settings(found, *settings)


def test_device_that_agrees_to_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeSoundDevice(FakeDevice("busy", rates=())).install(monkeypatch)
    with pytest.raises(DeviceError, match=r"microphone 'busy' cannot be opened.*another program may hold it"):
        agree(Device(0, "busy", "ALSA", 1, 48_000, is_default=True), 16_000, 1)
