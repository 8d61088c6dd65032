"""WebVTT: captions as browsers and players show them, a voice a cue and a colour a voice.

Source: W3C, "WebVTT: The Web Video Text Tracks Format", 4 April 2019, sections 4 and 6.
"""

import html
import re
from collections.abc import Iterable, Sequence

from hocket.streaming.errors import FormatError

from .shown import Cue
from .stamps import clock_stamp, parse_stamp

_STAMP = r"((?:\d+:)?\d{2}:\d{2}\.\d{3})"
_TIMING = re.compile(rf"{_STAMP}[ \t]+-->[ \t]+{_STAMP}(?:[ \t].*)?")
_VOICE = re.compile(r"<v(?:\.[^ \t>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"<[^>]*>")
_SIDES = (" position:25% size:50%", " position:75% size:50%")


def format_vtt(cues: Iterable[Cue], colours: Sequence[str] = ()) -> str:
    """WebVTT text, cues by start.

    colours: "#rrggbb" of the first speaker heard, the second and so on, over and over; none without. Cues of
    two people at once stand side by side. A cue without a length gets a millisecond: the format has no other.
    """
    cues = sorted(cues, key=lambda cue: (cue.start, cue.end, cue.id))
    voices = list(dict.fromkeys(cue.speaker for cue in cues if cue.speaker is not None))
    blocks = ["WEBVTT\n"]
    if voices and colours:
        rules = [
            f"::cue(.v{place}) {{ color: {colours[place % len(colours)]} }}\n" for place in range(len(voices))
        ]
        blocks.append("STYLE\n::cue { background-color: rgba(0, 0, 0, 0.85) }\n" + "".join(rules))
    sides = _sides(cues)
    for cue, side in zip(cues, sides, strict=True):
        text = html.escape(" ".join(cue.text.split()), quote=False)
        if cue.speaker is not None:
            text = f"<v.v{voices.index(cue.speaker)} {_voice(cue.speaker)}>{text}"
        end = max(cue.end, cue.start + 0.001)
        times = f"{clock_stamp(cue.start, '.')} --> {clock_stamp(end, '.')}"
        blocks.append(f"{cue.id}\n{times}{side}\n{text}\n")
    return "\n".join(blocks)


def parse_vtt(text: str, where: str = "vtt") -> list[Cue]:
    """The cues of WebVTT text; styles, regions, notes and settings are passed over.

    where: the file's name, for messages. Raises FormatError, naming it and the cue.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    blocks = [block.strip("\n").split("\n") for block in re.split(r"\n{2,}", lines)]
    if not re.match(r"WEBVTT(?:[ \t].*)?$", blocks[0][0]):
        raise FormatError(f"{where}: expected WEBVTT in the first line, got {blocks[0][0]!r}")
    cues: list[Cue] = []
    for block in blocks[1:]:
        at = next((number for number, line in enumerate(block[:2]) if "-->" in line), None)
        if at is None:
            continue
        found = _TIMING.fullmatch(block[at].strip())
        cue_id = block[0] if at else str(len(cues) + 1)
        if not found:
            raise FormatError(f"{where}, cue {cue_id}: expected two times around -->, got {block[at]!r}")
        body = "\n".join(block[at + 1 :])
        voice = _VOICE.search(body)
        speaker = html.unescape(voice[1]).strip() if voice else None
        said = html.unescape(_TAG.sub("", body))
        cues.append(Cue(cue_id, parse_stamp(found[1]), parse_stamp(found[2]), speaker, said))
    return cues


def _sides(cues: Sequence[Cue]) -> list[str]:
    """Cue settings: left and right for cues of two people who speak at once, none for those alone."""
    sides = [""] * len(cues)
    for place, cue in enumerate(cues):
        for other in range(place + 1, len(cues)):
            if cues[other].start >= cue.end:
                break
            if cues[other].speaker != cue.speaker:
                sides[place] = sides[place] or _SIDES[0]
                sides[other] = _SIDES[sides[place] == _SIDES[0]]
    return sides


def _voice(speaker: str) -> str:
    """A name as an annotation may hold it: on one line, with nothing that ends a tag."""
    return html.escape(" ".join(speaker.split()), quote=False)
