"""Captions as JSON: all that they hold, each word's time included.

{"captions": [{"id": "c1", "start": 0.82, "end": 2.06, "speaker": "S1", "name": "Anna", "text": …,
               "state": "final", "words": [{"text": "Good", "start": 0.82, "end": 1.025}, …]}, …]}
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hocket.streaming.errors import FormatError
from hocket.streaming.events import Caption

_EVENT_FIELDS = ("type", "seq", "session", "at")


def format_json(captions: Iterable[Caption], names: Mapping[str, str] | None = None) -> str:
    """JSON text, captions by start. names: what a speaker is called, where known."""
    return json.dumps({"captions": caption_rows(captions, names)}, ensure_ascii=False, indent=1) + "\n"


def caption_rows(captions: Iterable[Caption], names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """What the file holds of each, as JSON values."""
    called = names or {}
    rows: list[dict[str, Any]] = []
    for caption in sorted(captions, key=lambda c: (c.start, c.end, c.id)):
        row = {key: value for key, value in caption.to_dict().items() if key not in _EVENT_FIELDS}
        if caption.speaker is not None and caption.speaker in called:
            row["name"] = called[caption.speaker]
        row["words"] = [
            {key: value for key, value in word.items() if value is not None} for word in row["words"]
        ]
        rows.append(row)
    return rows


def parse_json(text: str, where: str = "json") -> tuple[list[Caption], dict[str, str]]:
    """Captions, numbered in the order of the file, and the names of speakers.

    where: the file's name, for messages. Raises FormatError, naming it and the caption.
    """
    try:
        rows = json.loads(text)["captions"]
    except json.JSONDecodeError as error:
        raise FormatError(f"{where}, line {error.lineno}: not JSON: {error.msg}") from error
    except (KeyError, TypeError) as error:
        raise FormatError(f"{where}: expected an object with 'captions'") from error
    captions, names = [], {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise FormatError(f"{where}, caption {number}: expected an object, got {row!r}")
        try:
            event = {**row, "type": "caption", "seq": number, "session": where, "at": row.get("end")}
            caption = Caption.from_dict(event)
        except FormatError as error:
            raise FormatError(f"{where}, caption {number}: {error}") from error
        captions.append(caption)
        if caption.speaker is not None and isinstance(row.get("name"), str):
            names[caption.speaker] = row["name"]
    return captions, names
