"""RTTM: the annotation that a session leaves behind, revisions folded in."""

from pathlib import Path

from hocket.streaming.events import Event
from hocket.streaming.files import TextStream, write_atomically
from hocket.streaming.replay import Replay
from hocket.streaming.rttm import format_rttm


class RttmFile:
    """Writes RTTM when the session closes, all at once; names stand in for ids where known.

    target: a path, replaced, or an open text stream, which is left open. recording: the first field of every
    line. Raises OSError when closed.
    """

    name = "rttm"

    def __init__(self, target: Path | TextStream, recording: str) -> None:
        self._target = target
        self._recording = recording
        self._replay = Replay()

    def write(self, event: Event) -> None:
        self._replay.add(event)

    def close(self) -> None:
        text = format_rttm(self._recording, self._replay.annotation(), self._replay.names)
        if isinstance(self._target, Path):
            write_atomically(self._target, text)
        else:
            self._target.write(text)
            self._target.flush()
