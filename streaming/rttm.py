"""RTTM and UEM text: the files that diarization is exchanged and scored in.

RTTM, one turn a line, exactly ten fields, one space between:

    SPEAKER <recording> <channel> <onset> <duration> <NA> <NA> <speaker> <NA> <NA>

UEM, one scored stretch a line: `<recording> <channel> <start> <end>`. Times are seconds; lines that start
with `;` are comments. Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation
Plan", appendix A.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from .errors import FormatError
from .files import write_atomically
from .replay import Segment

Stretch = tuple[float, float]  # (start, end) in seconds

_RTTM_FIELDS = 10
_UEM_FIELDS = 4
_Value = TypeVar("_Value")


def format_rttm(recording: str, annotation: Iterable[Segment], names: Mapping[str, str] | None = None) -> str:
    """RTTM text of one recording, by start; empty for no turns.

    names: what a speaker is called, where known; the id otherwise. White space inside a name or a recording
    becomes `_`. Times are rounded to milliseconds such that onset + duration is the rounded end; a turn that
    rounds to nothing is left out.
    """
    called = names or {}
    file = _field(recording)
    lines = []
    for segment in sorted(annotation, key=lambda segment: (segment.start, segment.end, segment.speaker)):
        start_ms, end_ms = round(segment.start * 1000), round(segment.end * 1000)
        if end_ms > start_ms:
            speaker = _field(called.get(segment.speaker, segment.speaker))
            onset, duration = f"{start_ms / 1000:.3f}", f"{(end_ms - start_ms) / 1000:.3f}"
            lines.append(f"SPEAKER {file} 1 {onset} {duration} <NA> <NA> {speaker} <NA> <NA>\n")
    return "".join(lines)


def parse_rttm(text: str, where: str = "rttm") -> dict[str, list[Segment]]:
    """Turns by recording, each list by start.

    Lines of other types than SPEAKER are passed over, and so are empty turns.
    where: the file's name, for messages. Raises FormatError, naming it and the line.
    """
    recordings: dict[str, list[Segment]] = {}
    for place, fields in _lines(text, where):
        if fields[0] != "SPEAKER":
            continue
        _check_count(fields, _RTTM_FIELDS, place)
        onset, duration = _seconds(fields[3], "onset", place), _seconds(fields[4], "duration", place)
        turns = recordings.setdefault(fields[1], [])
        if duration > 0:
            # Rounded to a nanosecond: 0.1 + 0.2 should read as the 0.3 that it was written from.
            turns.append(Segment(onset, round(onset + duration, 9), fields[7]))
    for turns in recordings.values():
        turns.sort(key=lambda segment: (segment.start, segment.end, segment.speaker))
    return recordings


def read_rttm(path: Path) -> dict[str, list[Segment]]:
    """Turns by recording, as `parse_rttm`. Raises FormatError, also for an unreadable file."""
    return _read(path, parse_rttm)


def write_rttm(
    path: Path, recording: str, annotation: Iterable[Segment], names: Mapping[str, str] | None = None
) -> None:
    """Replace `path` by the RTTM of one recording, all at once: a reader sees the old file or the new one."""
    write_atomically(path, format_rttm(recording, annotation, names))


def format_uem(regions: Mapping[str, Iterable[Stretch]]) -> str:
    """UEM text, recordings and stretches in the order given."""
    return "".join(
        f"{_field(recording)} 1 {start:.3f} {end:.3f}\n"
        for recording, stretches in regions.items()
        for start, end in stretches
    )


def parse_uem(text: str, where: str = "uem") -> dict[str, list[Stretch]]:
    """Scored stretches by recording, by start.

    where: the file's name, for messages. Raises FormatError, naming it and the line.
    """
    regions: dict[str, list[Stretch]] = {}
    for place, fields in _lines(text, where):
        _check_count(fields, _UEM_FIELDS, place)
        start, end = _seconds(fields[2], "start", place), _seconds(fields[3], "end", place)
        if end < start:
            raise FormatError(f"{place}: stretch ends at {fields[3]}, before its start at {fields[2]}")
        regions.setdefault(fields[0], []).append((start, end))
    for stretches in regions.values():
        stretches.sort()
    return regions


def read_uem(path: Path) -> dict[str, list[Stretch]]:
    """Scored stretches by recording, as `parse_uem`. Raises FormatError, also for an unreadable file."""
    return _read(path, parse_uem)


def _read(path: Path, parse: Callable[[str, str], _Value]) -> _Value:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text, str(path))


def _field(text: str) -> str:
    """One field: white space inside becomes `_`, an empty one `<NA>`."""
    return "_".join(text.split()) or "<NA>"


def _lines(text: str, where: str) -> Iterator[tuple[str, list[str]]]:
    """(file and line, fields) of every line that says something."""
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if fields and not fields[0].startswith(";"):
            yield f"{where}, line {number}", fields


def _check_count(fields: list[str], expected: int, place: str) -> None:
    if len(fields) != expected:
        raise FormatError(f"{place}: expected {expected} fields, got {len(fields)}: {' '.join(fields)!r}")


def _seconds(text: str, what: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise FormatError(f"{place}: {what} should be seconds, 0 or more, got {text!r}")
    return value
