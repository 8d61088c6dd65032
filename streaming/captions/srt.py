"""SubRip: captions for every player there is. It has no speakers, so a name stands before the text."""

import re
from collections.abc import Iterable

from hocket.streaming.errors import FormatError

from .shown import Cue
from .stamps import clock_stamp, parse_stamp

_STAMP = r"(\d+:\d{2}:\d{2}[,.]\d{3})"
_TIMING = re.compile(rf"{_STAMP} *--> *{_STAMP}(?: .*)?")
_NAMED = re.compile(r"([^:\n]{1,60}): ")


def format_srt(cues: Iterable[Cue]) -> str:
    """SubRip text, cues by start and numbered from 1."""
    blocks = []
    for number, cue in enumerate(sorted(cues, key=lambda cue: (cue.start, cue.end, cue.id)), start=1):
        text = " ".join(cue.text.split())
        times = f"{clock_stamp(cue.start, ',')} --> {clock_stamp(max(cue.end, cue.start + 0.001), ',')}"
        blocks.append(f"{number}\n{times}\n{name_before(cue.speaker)}{text}\n")
    return "\n".join(blocks)


def parse_srt(text: str, where: str = "srt") -> list[Cue]:
    """The cues of SubRip text; up to 60 characters before a first ": " are read as a speaker.

    where: the file's name, for messages. Raises FormatError, naming it and the cue.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    cues = []
    for block in re.split(r"\n{2,}", lines.strip("\n")):
        number, times, *body = [*block.split("\n"), "", ""][: max(2, block.count("\n") + 1)]
        if not block.strip():
            continue
        found = _TIMING.fullmatch(times.strip())
        if not found:
            raise FormatError(f"{where}, cue {number!r}: expected two times around -->, got {times!r}")
        said = "\n".join(body)
        named = _NAMED.match(said)
        speaker = named[1] if named else None
        cues.append(
            Cue(
                number.strip(),
                parse_stamp(found[1]),
                parse_stamp(found[2]),
                speaker,
                said[named.end() :] if named else said,
            )
        )
    return cues


def name_before(speaker: str | None) -> str:
    """A name as text before what was said; a colon inside would end it early."""
    return f"{' '.join(speaker.replace(':', ' ').split())}: " if speaker is not None else ""
