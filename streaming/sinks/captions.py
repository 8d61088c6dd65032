"""Captions in a file that others may read while it is being written."""

from enum import StrEnum
from pathlib import Path

from hocket.streaming.captions.caption_json import format_json
from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.captions.srt import format_srt
from hocket.streaming.captions.transcript import format_transcript
from hocket.streaming.captions.vtt import format_vtt
from hocket.streaming.events import Event
from hocket.streaming.files import TextStream, write_atomically

from .palette import SPEAKER_COLOURS

_EVERY = 1.0  # seconds of audio between two versions of a live file


class CaptionFormat(StrEnum):
    """How captions are written."""

    VTT = "vtt"
    SRT = "srt"
    JSON = "json"
    TRANSCRIPT = "transcript"


class CaptionFile:
    """Writes all captions so far, in one piece, as they change and when the session closes.

    target: a path, replaced by a new version at most once a second of audio where `live`, so that a reader
    finds a whole file with every correction in it; or an open text stream, which gets the last version alone
    and is left open. Raises OSError for what cannot be written.
    """

    name = "captions"

    def __init__(self, target: Path | TextStream, form: CaptionFormat, *, live: bool = True) -> None:
        self._target = target
        self._form = form
        self._live = live and isinstance(target, Path)
        self._shown = ShownCaptions()
        self._stale = False
        self._due = 0.0

    def write(self, event: Event) -> None:
        self._stale |= self._shown.add(event)
        if self._live and self._stale and event.at >= self._due:
            self._write()
            self._due = event.at + _EVERY

    def close(self) -> None:
        self._write()

    def _write(self) -> None:
        self._stale = False
        text = self._text()
        if isinstance(self._target, Path):
            write_atomically(self._target, text)
        else:
            self._target.write(text)
            self._target.flush()

    def _text(self) -> str:
        match self._form:
            case CaptionFormat.VTT:
                return format_vtt(self._shown.cues(), SPEAKER_COLOURS)
            case CaptionFormat.SRT:
                return format_srt(self._shown.cues())
            case CaptionFormat.TRANSCRIPT:
                return format_transcript(self._shown.cues())
            case CaptionFormat.JSON:
                return format_json(self._shown.resolved(), self._shown.names)
