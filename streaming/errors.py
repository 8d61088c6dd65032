"""Everything hocket.streaming may raise on purpose.

HocketError
├── ModelError …              see hocket.models.errors
├── ConfigError               a setting is out of range, or two contradict each other
├── AudioError
│   ├── AudioFileError        a file is missing, empty, damaged or not audio
│   ├── DeviceError           no PortAudio, no such device, a device that cannot be opened
│   ├── BlockError            samples of the wrong shape or type were pushed
│   └── NoVoiceError          too little speech to make a voice vector of
├── FormatError               a malformed RTTM, UEM or event line
├── SnapshotError             a snapshot is damaged or of other models or settings
├── VoicePrintError           a voice print is damaged, of another embedding model, or of too little speech
├── StoreError                a store of people or sessions is damaged or in use, or its key is wrong
├── ServiceError              a service cannot be reached, or refuses
├── BrokerError               an MQTT broker cannot be reached, or went away
│   └── BrokerRefused         it does not want us: user, password, certificate, protocol
├── UnknownSpeaker            no speaker, turn, person or profile goes by that id
├── UnknownSession            no session goes by that name
└── SessionOver               audio was pushed after the end

Anything else that leaves this package is a bug to report.
"""

from hocket.models.errors import HocketError, MissingDependency, ModelError

__all__ = [
    "AudioError",
    "AudioFileError",
    "BlockError",
    "BrokerError",
    "BrokerRefused",
    "ConfigError",
    "DeviceError",
    "FormatError",
    "HocketError",
    "MissingDependency",
    "ModelError",
    "NoVoiceError",
    "ServiceError",
    "SessionOver",
    "SnapshotError",
    "StoreError",
    "UnknownSession",
    "UnknownSpeaker",
    "VoicePrintError",
]


class ConfigError(HocketError, ValueError):
    """A setting is out of range, or two settings contradict each other."""


class AudioError(HocketError):
    """Audio could not be had."""


class AudioFileError(AudioError):
    """A file is missing, empty, damaged or not audio."""


class DeviceError(AudioError):
    """A sound device is missing or cannot be opened."""


class BlockError(AudioError, ValueError):
    """Samples of the wrong shape or type were pushed."""


class NoVoiceError(AudioError):
    """A stretch of audio holds too little speech to make a voice vector of."""


class FormatError(HocketError, ValueError):
    """A line of RTTM, UEM or event JSON is malformed; the message names file and line."""


class SnapshotError(HocketError, ValueError):
    """A snapshot is damaged, of another version, or of other models or settings."""


class VoicePrintError(HocketError, ValueError):
    """A voice print is damaged, of another embedding model, or of too little clean speech."""


class StoreError(HocketError, ValueError):
    """A store of people or sessions, or an export of one, is damaged or in use; a key is wrong or missing."""


class ServiceError(HocketError):
    """A service cannot be reached, or refuses what was asked of it.

    code: what it calls the reason, as in `error` messages; None where it said nothing.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class UnknownSession(HocketError, LookupError):
    """No session goes by the name that was given."""


class BrokerError(HocketError):
    """An MQTT broker cannot be reached, or went away; trying again may help."""


class BrokerRefused(BrokerError):
    """An MQTT broker, or the encryption on the way to it, says no; trying the same again will not help."""


class UnknownSpeaker(HocketError, LookupError):
    """No speaker, turn, person or profile goes by the id that was given."""


class SessionOver(HocketError):
    """Audio was pushed into a session that has ended."""
