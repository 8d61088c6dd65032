"""Who is speaking, while they speak.

    from hocket.streaming import diarize

    for event in diarize("meeting.wav"):
        print(event)

Importing this package loads nothing: each name below is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Session as Session
    from .api import diarize as diarize
    from .api import listen as listen
    from .clustering.people import Profile as Profile
    from .clustering.voiceprint import VoicePrint as VoicePrint
    from .commands import Commands as Commands
    from .engine.config import DiarizerConfig as DiarizerConfig
    from .engine.diarizer import Diarizer as Diarizer
    from .errors import HocketError as HocketError
    from .events import Caption as Caption
    from .events import Change as Change
    from .events import Event as Event
    from .events import Gap as Gap
    from .events import Revision as Revision
    from .events import SessionEnd as SessionEnd
    from .events import SessionStart as SessionStart
    from .events import SpeakerNew as SpeakerNew
    from .events import SpeakerUpdate as SpeakerUpdate
    from .events import Status as Status
    from .events import Turn as Turn
    from .mqtt.broker import Broker as Broker
    from .mqtt.sink import MqttSink as MqttSink
    from .offline.diarizer import OfflineDiarizer as OfflineDiarizer
    from .replay import Replay as Replay
    from .replay import Segment as Segment
    from .sources.base import Block as Block
    from .sources.base import Lost as Lost
    from .sources.base import Source as Source
    from .sources.file import FileSource as FileSource
    from .sources.microphone import Microphone as Microphone
    from .sources.pcm import PcmSource as PcmSource
    from .speakers.enrolment import voice_print as voice_print
    from .speakers.store import PeopleStore as PeopleStore
    from .speakers.store import Person as Person
    from .verification.hearing import Voice as Voice
    from .verification.voices import Verdict as Verdict
    from .verification.voices import VoiceEmbedder as VoiceEmbedder

_NAMES = {
    "api": ("Session", "diarize", "listen"),
    "clustering.people": ("Profile",),
    "clustering.voiceprint": ("VoicePrint",),
    "commands": ("Commands",),
    "engine.config": ("DiarizerConfig",),
    "engine.diarizer": ("Diarizer",),
    "errors": ("HocketError",),
    "events": (
        "Caption", "Change", "Event", "Gap", "Revision", "SessionEnd", "SessionStart", "SpeakerNew",
        "SpeakerUpdate", "Status", "Turn",
    ),
    "mqtt.broker": ("Broker",),
    "mqtt.sink": ("MqttSink",),
    "offline.diarizer": ("OfflineDiarizer",),
    "replay": ("Replay", "Segment"),
    "sources.base": ("Block", "Lost", "Source"),
    "sources.file": ("FileSource",),
    "sources.microphone": ("Microphone",),
    "sources.pcm": ("PcmSource",),
    "speakers.enrolment": ("voice_print",),
    "speakers.store": ("PeopleStore", "Person"),
    "verification.hearing": ("Voice",),
    "verification.voices": ("Verdict", "VoiceEmbedder"),
}  # fmt: skip
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
