"""Files that appear whole or not at all, and what else text can be written to."""

import os
from pathlib import Path
from typing import Protocol


class TextStream(Protocol):
    """Where text can go: an open file, standard output."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...


def write_atomically(path: Path, data: str | bytes) -> None:
    """Replace `path` by `data` in one step; text as UTF-8 with bare newlines.

    A reader, or a crash half-way, finds the old file or the new one. A link stays and its target is replaced;
    what is no plain file (a pipe, /dev/stdout) is written to directly. Makes no folders. Raises OSError.
    """
    content = data.encode() if isinstance(data, str) else data
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
