"""Captions against a reference in any of three forms: true turns, true words, or what was said in stretches.

STM, one stretch a line; lines that start with `;;` are comments (NIST, sclite):

    <recording> <channel> <speaker> <start> <end> [<label>] <text>
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..captions.words import SpokenWord, read_spoken
from ..errors import FormatError
from ..events import Caption
from ..replay import Segment
from ..rttm import read_rttm
from .words import SpeakerErrors, WordErrors, against_turns, against_words, captioned_words, word_errors

_Entry = TypeVar("_Entry")
_STM = re.compile(r"(\S+)\s+\S+\s+(\S+)\s+([\d.]+)\s+([\d.]+)\s*(?:<[^>]*>)?\s*(.*)")


@dataclass(frozen=True)
class CaptionScore:
    """speakers: word-level speaker error. words: cpWER and WER, None where the reference holds no words."""

    speakers: SpeakerErrors
    words: WordErrors | None

    def lines(self) -> list[str]:
        """The score in sentences."""
        wrong, nobody, words = self.speakers.wrong, self.speakers.nobody, self.speakers.words
        told = [
            f"Word-level speaker error {self.speakers.rate:.1%}: {wrong} of {words} words go to others, "
            f"{nobody} to nobody."
        ]
        if self.words is not None:
            told.append(
                f"cpWER {self.words.cpwer:.1%}, WER {self.words.wer:.1%}, of {self.words.words} words."
            )
        return told

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready figures."""
        figures: dict[str, Any] = {
            "words": self.speakers.words,
            "speaker_error": round(self.speakers.rate, 4),
            "under_nobody": self.speakers.nobody,
        }
        if self.words is not None:
            figures |= {"cpwer": round(self.words.cpwer, 4), "wer": round(self.words.wer, 4)}
        return figures


def score_captions(reference: Path, recording: str, captions: Iterable[Caption]) -> CaptionScore:
    """Captions of a recording against its .rttm, .stm, or .json of words with speakers.

    Captions of as many words as a reference of words are taken to be of those words. Raises FormatError,
    naming the file.
    """
    said = captioned_words(captions)
    suffix = reference.suffix.lower()
    if suffix == ".rttm":
        return CaptionScore(against_turns(_of(recording, read_rttm(reference), reference), said), None)
    if suffix == ".stm":
        stretches = _of(recording, read_stm(reference), reference)
        turns = [Segment(word.start, word.end, word.speaker) for word in stretches]
        return CaptionScore(against_turns(turns, said), word_errors(stretches, said))
    if suffix == ".json":
        truth = read_spoken(reference)
        turns = [Segment(word.start, word.end, word.speaker) for word in truth]
        same = len(truth) == len(said)
        speakers = against_words(truth, said) if same else against_turns(turns, said)
        return CaptionScore(speakers, word_errors(truth, said))
    raise FormatError(f"{reference}: expected a reference that ends in .rttm, .stm or .json, got {suffix!r}")


def read_stm(path: Path) -> dict[str, list[SpokenWord]]:
    """What was said, by recording and start: a stretch an entry, its whole text as one `text`.

    Raises FormatError, naming the line, also for an unreadable file.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    recordings: dict[str, list[SpokenWord]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        found = _STM.fullmatch(line.strip())
        if not found:
            raise FormatError(
                f"{path}, line {number}: expected recording, channel, speaker, start, end, text: {line!r}"
            )
        stretch = SpokenWord(found[5], float(found[3]), float(found[4]), found[2])
        recordings.setdefault(found[1], []).append(stretch)
    for stretches in recordings.values():
        stretches.sort(key=lambda stretch: (stretch.start, stretch.end))
    return recordings


def _of(recording: str, found: dict[str, list[_Entry]], path: Path) -> list[_Entry]:
    """The entries of a recording; those of the only one there is, whatever its name."""
    if recording in found:
        return found[recording]
    if len(found) != 1:
        raise FormatError(f"{path}: nothing of {recording!r}; it holds {', '.join(found) or 'nothing'}")
    return next(iter(found.values()))
