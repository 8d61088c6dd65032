"""Captions against a reference in any of three forms: true turns, true words, or what was said in stretches.

STM, one stretch a line; lines that start with `;;` are comments (NIST, sclite):

    <recording> <channel> <speaker> <start> <end> [<label>] <text>
"""

import math
import re
from collections.abc import Iterable, Sequence
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
    """speakers: word-level speaker error. words: cpWER and WER, None where the reference holds no words.

    `+` pools recordings, those without words in the reference leaving cpWER and WER to the others.
    """

    speakers: SpeakerErrors
    words: WordErrors | None

    def __add__(self, other: "CaptionScore") -> "CaptionScore":
        both = self.words + other.words if self.words and other.words else self.words or other.words
        return CaptionScore(self.speakers + other.speakers, both)

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
        """JSON-ready figures; None for a share of no words."""
        figures: dict[str, Any] = {
            "words": self.speakers.words,
            "speaker_error": share(self.speakers.rate),
            "under_nobody": self.speakers.nobody,
        }
        if self.words is not None:
            figures |= {"cpwer": share(self.words.cpwer), "wer": share(self.words.wer)}
        return figures


def share(rate: float) -> float | None:
    """A rate as JSON has it: to a hundredth of a percent, None for nan."""
    return None if math.isnan(rate) else round(rate, 4)


@dataclass(frozen=True)
class Truth:
    """What truly went on: who speaks when, and what they say; None where nobody wrote it down.

    words: single words, or stretches of text.
    """

    turns: list[Segment]
    words: list[SpokenWord] | None = None

    @classmethod
    def of_words(cls, words: list[SpokenWord]) -> "Truth":
        """Each word is a turn of its own."""
        return cls([Segment(word.start, word.end, word.speaker) for word in words], words)

    def score(self, said: Sequence[SpokenWord]) -> CaptionScore:
        """Words of captions, by start; each against its own where the truth has the very same words."""
        if self.words is None:
            return CaptionScore(against_turns(self.turns, said), None)
        truth = sorted(self.words, key=lambda word: (word.start, word.end, word.text))
        same = [word.text for word in truth] == [word.text for word in said]
        speakers = against_words(truth, said) if same else against_turns(self.turns, said)
        return CaptionScore(speakers, word_errors(truth, said))


def score_captions(reference: Path, recording: str, captions: Iterable[Caption]) -> CaptionScore:
    """Captions of a recording against its .rttm, .stm, or .json of words with speakers.

    Raises FormatError, naming the file.
    """
    return read_truth(reference, recording).score(captioned_words(captions))


def read_truth(path: Path, recording: str) -> Truth:
    """The truth of a recording from an .rttm, .stm, or .json of words with speakers.

    Raises FormatError, naming the file.
    """
    match path.suffix.lower():
        case ".rttm":
            return Truth(_of(recording, read_rttm(path), path))
        case ".stm":
            return Truth.of_words(_of(recording, read_stm(path), path))
        case ".json":
            return Truth.of_words(read_spoken(path))
        case suffix:
            raise FormatError(
                f"{path}: expected a reference that ends in .rttm, .stm or .json, got {suffix!r}"
            )


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
