"""Words as a recogniser gives them: checked on the way in, and read from files.

A words file is JSON: a list of `{"text", "start", "end"}`, perhaps with "id" and "speaker" (the truth, for
scoring), or an object that holds such a list under "words". CTM is read too, a word a line:

    <recording> <channel> <start> <duration> <word> [<confidence>]
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hocket.streaming.errors import FormatError

Name = tuple[str] | tuple[float, float, int]  # of a word: its id; else its time, and which one of there
LONGEST_WORD = 10.0  # seconds; longer ones are segments, whose words nobody has timed
_CTM_FIELDS = (5, 6)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardWord:
    """One word by a recogniser's clock, in seconds.

    id: a word that comes again under its id replaces the one before; without an id, one that comes again at
    the very same time does. An empty text takes a word back. final: whether the recogniser is done with it.
    """

    text: str
    start: float
    end: float
    id: str | None = None
    final: bool = True


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a reference: who truly said it."""

    text: str
    start: float
    end: float
    speaker: str


def check_word(word: HeardWord) -> None:
    """Raises FormatError for times that no word can have, naming the word."""
    for what, value in (("start", word.start), ("end", word.end)):
        if not (math.isfinite(value) and value >= 0):
            raise FormatError(f"word {word.text!r}: {what} should be seconds, 0 or more, got {value}")
    if word.end < word.start:
        raise FormatError(f"word {word.text!r}: ends at {word.end}, before its start at {word.start}")
    if word.end - word.start > LONGEST_WORD:
        raise FormatError(
            f"word {word.text!r}: takes {word.end - word.start:.1f} s, more than {LONGEST_WORD:g}: expected "
            f"words, not segments; ask the recogniser for the times of words"
        )


def named(words: Iterable[HeardWord]) -> Iterator[tuple[Name, HeardWord]]:
    """Each word and what it goes by. Words at one time that come together are several, not one corrected."""
    seen: Counter[tuple[float, float]] = Counter()
    for word in words:
        if word.id is not None:
            yield (word.id,), word
        else:
            time = word.start, word.end
            yield (*time, seen[time]), word
            seen[time] += 1


def read_words(path: Path) -> list[HeardWord]:
    """The words of a file, by start. Raises FormatError, naming file and word, also for no such file."""
    return [word_of(entry) for entry in _entries(path)]


def read_spoken(path: Path) -> list[SpokenWord]:
    """The words of a reference, by start. Raises FormatError as `read_words`, and for one without speaker."""
    spoken = []
    for number, entry in enumerate(_entries(path), start=1):
        speaker = entry.get("speaker")
        if not isinstance(speaker, str):
            raise FormatError(f"{path}, word {number}: expected a speaker as text, got {speaker!r}")
        spoken.append(SpokenWord(entry["text"], entry["start"], entry["end"], speaker))
    return spoken


def has_speakers(path: Path) -> bool:
    """Whether a words file says whose its first word is. Raises FormatError as `read_words`."""
    return any("speaker" in entry for entry in _entries(path)[:1])


def _entries(path: Path) -> list[dict[str, Any]]:
    """Checked words as JSON objects, by start."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    found = _ctm(text, path) if path.suffix.lower() == ".ctm" else _json(text, path)
    entries = [_checked(entry, f"{path}, word {number}") for number, entry in enumerate(found, start=1)]
    return sorted(entries, key=lambda entry: (entry["start"], entry["end"]))


def _json(text: str, path: Path) -> Iterable[Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
    words = data.get("words") if isinstance(data, dict) else data
    if not isinstance(words, list):
        raise FormatError(f"{path}: expected a list of words, or an object with one under 'words'")
    return words


def _ctm(text: str, path: Path) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        if len(fields) not in _CTM_FIELDS:
            raise FormatError(f"{path}, line {number}: expected 5 or 6 fields, got {len(fields)}: {line!r}")
        try:
            start, duration = float(fields[2]), float(fields[3])
        except ValueError as error:
            raise FormatError(
                f"{path}, line {number}: start and duration should be seconds: {line!r}"
            ) from error
        # Rounded to a nanosecond: 0.1 + 0.2 should read as 0.3.
        yield {"text": fields[4], "start": start, "end": round(start + duration, 9)}


def word_of(entry: Any) -> HeardWord:
    """The word of a JSON object: "text", "start" and "end", perhaps "id" and "final".

    Raises FormatError, naming the field, or the word for impossible times.
    """
    if not isinstance(entry, Mapping):
        raise FormatError(f"expected an object, got {entry!r}")
    text, word_id, final = entry.get("text"), entry.get("id"), entry.get("final", True)
    if not isinstance(text, str):
        raise FormatError(f"'text' should be text, got {text!r}")
    if word_id is not None and not isinstance(word_id, str):
        raise FormatError(f"'id' should be text, got {word_id!r}")
    if not isinstance(final, bool):
        raise FormatError(f"'final' should be true or false, got {final!r}")
    for key in ("start", "end"):
        if isinstance(entry.get(key), bool) or not isinstance(entry.get(key), int | float):
            raise FormatError(f"{key!r} should be seconds, got {entry.get(key)!r}")
    word = HeardWord(text=text, start=entry["start"], end=entry["end"], id=word_id, final=final)
    check_word(word)
    return word


def _checked(entry: Any, place: str) -> dict[str, Any]:
    try:
        word_of(entry)
    except FormatError as error:
        raise FormatError(f"{place}: {error}") from error
    return dict(entry)
