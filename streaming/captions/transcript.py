"""A transcript to read: what one person says in a row is a paragraph, with its time and name before it.

[00:00:05.830] Maya: Please. I have sung this piece for two years.
"""

import re
from collections.abc import Iterable

from hocket.streaming.errors import FormatError

from .shown import Cue
from .srt import name_before
from .stamps import clock_stamp, parse_stamp

_NOBODY = "?"
_LINE = re.compile(r"\[(\d+:\d{2}:\d{2}\.\d{3})\] ([^:]+): ?(.*)")
_SILENCE = 5.0  # seconds that begin a new paragraph of the same speaker


def format_transcript(cues: Iterable[Cue]) -> str:
    """Paragraphs by start."""
    return "".join(
        f"[{clock_stamp(cue.start, '.')}] {name_before(cue.speaker or _NOBODY)}{cue.text}\n"
        for cue in paragraphs(cues)
    )


def paragraphs(cues: Iterable[Cue]) -> list[Cue]:
    """Cues of one speaker in a row as one, under the first one's id."""
    rows: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: (cue.start, cue.end, cue.id)):
        text = " ".join(cue.text.split())
        last = rows[-1] if rows else None
        if last is not None and last.speaker == cue.speaker and cue.start - last.end < _SILENCE:
            rows[-1] = Cue(last.id, last.start, max(last.end, cue.end), cue.speaker, f"{last.text} {text}")
        else:
            rows.append(Cue(cue.id, cue.start, cue.end, cue.speaker, text))
    return rows


def parse_transcript(text: str, where: str = "transcript") -> list[Cue]:
    """The paragraphs of a transcript; each ends where the next begins, the last where it begins.

    where: the file's name, for messages. Raises FormatError, naming it and the line.
    """
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if not match:
            raise FormatError(f"{where}, line {number}: expected [time] name: text, got {line!r}")
        found.append(match)
    starts = [parse_stamp(match[1]) for match in found]
    return [
        Cue(str(number), start, end, None if match[2] == _NOBODY else match[2], match[3])
        for number, (match, start, end) in enumerate(
            zip(found, starts, [*starts[1:], *starts[-1:]], strict=True), start=1
        )
    ]
