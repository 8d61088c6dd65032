"""Files that appear whole or not at all."""

import os
from pathlib import Path


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
