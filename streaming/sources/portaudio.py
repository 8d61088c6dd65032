"""What PortAudio knows of this machine's microphones: listing, choosing, agreeing on settings."""

from dataclasses import dataclass
from types import ModuleType

from ..errors import DeviceError

DEFAULT = "default"
NO_PORTAUDIO = (
    "the microphone needs PortAudio, which does not load here ({}): on Debian or Ubuntu "
    "'apt install libportaudio2 libasound2-plugins', on Fedora 'dnf install portaudio', elsewhere "
    "'pip install --force-reinstall sounddevice', whose wheel holds it"
)
NO_MICROPHONE = (
    "no microphone found: plug one in, or allow this program to use it; on Linux with PulseAudio or "
    "PipeWire, 'apt install libasound2-plugins' lets PortAudio reach the sound server"
)

NO_ANSWER = "the sound system does not answer ({}): try again, or restart it"


@dataclass(frozen=True, slots=True)
class Device:
    """A microphone, or anything else that can be listened to.

    index: its number, good until something is plugged in or out. host: the sound system that offers it.
    channels: how many it has. rate_hz: the rate it likes best.
    """

    index: int
    name: str
    host: str
    channels: int
    rate_hz: int
    is_default: bool

    def has_words(self, words: str) -> bool:
        """Whether each of the words is part of name or host, in any case."""
        return all(word in f"{self.name} {self.host}".lower() for word in words.lower().split())

    def __str__(self) -> str:
        mark = ", default" if self.is_default else ""
        return f"{self.index}: {self.name} ({self.host}, {self.channels} channels, {self.rate_hz} Hz{mark})"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a device agreed to be opened: 16-bit samples at this rate, this many channels."""

    device: Device
    rate_hz: int
    channels: int


def load() -> ModuleType:
    """The sounddevice module. Raises DeviceError when PortAudio is missing or does not start."""
    try:
        import sounddevice
    except Exception as error:  # OSError, or a PortAudioError that nobody can import
        raise DeviceError(NO_PORTAUDIO.format(error)) from error
    module: ModuleType = sounddevice
    return module


def rescan() -> None:
    """Look for devices anew. PortAudio lists them once, and starting it again ends every open stream."""
    sd = load()
    try:
        sd._terminate()
        sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(NO_ANSWER.format(error)) from error


def list_devices() -> list[Device]:
    """Every device that can be listened to. Raises DeviceError when PortAudio is missing or silent."""
    sd = load()
    try:
        default = sd.query_devices(kind="input")["index"]
    except (sd.PortAudioError, ValueError):  # there is none, or it can only play
        default = None
    try:
        hosts, found = sd.query_hostapis(), sd.query_devices()
    except sd.PortAudioError as error:
        raise DeviceError(NO_ANSWER.format(error)) from error
    return [
        Device(
            index=device["index"],
            name=device["name"],
            host=hosts[device["hostapi"]]["name"],
            channels=device["max_input_channels"],
            rate_hz=round(device["default_samplerate"]),
            is_default=device["index"] == default,
        )
        for device in found
        if device["max_input_channels"] > 0
    ]


def find_device(wanted: int | str | None) -> Device:
    """The device of this number, this name, or with these words in its name and host in any case.

    None, "" and "default" mean the system's own choice.
    Raises DeviceError, with the list of what there is, when no device or more than one fits.
    """
    devices = list_devices()
    if not devices:
        raise DeviceError(NO_MICROPHONE)
    if isinstance(wanted, str) and wanted.isdecimal():
        wanted = int(wanted)
    if isinstance(wanted, int):
        found = [device for device in devices if device.index == wanted]
    elif wanted in (None, "", DEFAULT):
        found = [device for device in devices if device.is_default] or devices[:1]
    else:
        found = [device for device in devices if device.name == wanted]
        found = found or [device for device in devices if device.has_words(wanted)]
    if len(found) != 1:
        problem = "more than one microphone fits" if found else "no microphone fits"
        choice = "\n".join(f"  {device}" for device in found or devices)
        raise DeviceError(
            f"{problem} {wanted!r}; choose by number, or by words of name and host, from:\n{choice}"
        )
    return found[0]


def agree(device: Device, rate_hz: int, channels: int) -> Settings:
    """The wished-for settings where the device takes them, else its own rate, else its own channels too.

    Raises DeviceError when it takes none of them.
    """
    sd = load()
    for rate, count in (
        (rate_hz, channels),
        (device.rate_hz, channels),
        (rate_hz, device.channels),
        (device.rate_hz, device.channels),
    ):
        try:
            sd.check_input_settings(device=device.index, samplerate=rate, channels=count, dtype="int16")
        except (sd.PortAudioError, ValueError) as error:
            refusal = error
        else:
            return Settings(device, rate, count)
    raise DeviceError(
        f"microphone {device.name!r} cannot be opened ({refusal}): another program may hold it, or it may be "
        "unplugged; choose another one, or close what uses it"
    ) from refusal
