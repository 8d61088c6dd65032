"""NeMo's manifests: a line of JSON per stretch of a recording."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FormatError
from .voices import WHOLE, Stretch


@dataclass(frozen=True)
class Entry:
    """A stretch of a file whose voice is asked for. label: whose it is said to be, "" where nobody says."""

    path: str
    stretch: Stretch = WHOLE
    label: str = ""


def read_manifest(path: Path) -> list[Entry]:
    """The entries of a manifest: audio_filepath, perhaps offset, duration and label; other fields are let be.

    A relative audio_filepath that is not there is looked for beside the manifest, as NeMo does.
    Raises OSError, and FormatError naming the line that is wrong.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is no text in UTF-8: {error.reason} at byte {error.start}") from None
    entries = []
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            try:
                entries.append(_entry(json.loads(line), path.parent))
            except json.JSONDecodeError as error:
                raise FormatError(f"{path}, line {number}: expected a JSON object: {error}") from None
            except ValueError as error:
                raise FormatError(f"{path}, line {number}: {error}") from None
    if not entries:
        raise FormatError(f'{path} holds no line: expected {{"audio_filepath": "a.wav"}} and the like')
    return entries


def _entry(fields: Any, folder: Path) -> Entry:
    if not isinstance(fields, dict) or not isinstance(fields.get("audio_filepath"), str):
        raise ValueError("expected a JSON object with a text audio_filepath")
    audio = Path(fields["audio_filepath"])
    offset = _seconds(fields, "offset")
    duration = _seconds(fields, "duration")
    if duration == 0:
        raise ValueError("duration 0: expected more, or none for all that follows the offset")
    beside = folder / audio
    found = beside if not audio.is_absolute() and not audio.exists() and beside.exists() else audio
    label = fields.get("label")
    return Entry(str(found), Stretch(offset or 0.0, duration), "" if label is None else str(label))


def _seconds(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{name} {value!r}: expected seconds, 0 or more")
    return float(value)
