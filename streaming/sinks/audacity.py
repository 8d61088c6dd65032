"""Audacity labels: who speaks when, for File > Import > Labels beside the sound itself."""

from pathlib import Path

from hocket.streaming.events import Event
from hocket.streaming.files import write_atomically
from hocket.streaming.replay import Replay


class AudacityLabels:
    """Writes `start<TAB>end<TAB>speaker` a turn when the session closes, all at once. Raises OSError then."""

    name = "audacity"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replay = Replay()

    def write(self, event: Event) -> None:
        self._replay.add(event)

    def close(self) -> None:
        names = self._replay.names
        lines = (
            f"{turn.start:.3f}\t{turn.end:.3f}\t{' '.join(names.get(turn.speaker, turn.speaker).split())}\n"
            for turn in self._replay.annotation()
        )
        write_atomically(self._path, "".join(lines))
