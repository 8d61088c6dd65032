"""JSON Lines: the session's log, one event a line, on disk as soon as it is said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from hocket.streaming.errors import FormatError
from hocket.streaming.events import Event
from hocket.streaming.files import TextStream


class JsonLines:
    """Writes every event to `target` and flushes, so that a reader that follows the file is never behind.

    target: a path, replaced, or an open text stream, which is left open. Raises OSError for a path that
    cannot be written: on construction, before anything was heard.
    """

    name = "jsonl"

    def __init__(self, target: Path | TextStream) -> None:
        self._file: TextIO | None = None
        self._stream: TextStream
        if isinstance(target, Path):
            self._stream = self._file = target.open("w", encoding="utf-8")
        else:
            self._stream = target

    def write(self, event: Event) -> None:
        self._stream.write(json.dumps(event.to_dict(), ensure_ascii=False) + "\n")
        self._stream.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log, in order, read as they are asked for.

    Raises FormatError, naming file and line, for a line that is no event; OSError for an unreadable file.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                data = json.loads(line)
            except json.JSONDecodeError as error:
                raise FormatError(f"{path}, line {number}: not JSON: {error.msg}") from error
            if not isinstance(data, dict):
                raise FormatError(f"{path}, line {number}: expected an object, got {type(data).__name__}")
            try:
                yield Event.from_dict(data)
            except FormatError as error:
                raise FormatError(f"{path}, line {number}: {error}") from error
