"""What may stand in a control, wherever it comes from: the numbers are times, the texts are short."""

import json
import math
import unicodedata
from collections.abc import Iterable

from hocket.streaming.captions.words import HeardWord, check_word
from hocket.streaming.errors import FormatError

from .messages import Control, Correct, Enroll, Merge, Name, Refusal, Split, Words

LONGEST_TEXT = 200  # characters of what somebody may call things
MOST_WORDS, MOST_TURNS = 1000, 1000  # in a message


def check_control(control: Control) -> None:
    """Raises FormatError for a control that cannot mean anything, whatever the session."""
    _check_texts(control.id)
    match control:
        case Name(speaker=speaker, name=name):
            _check_texts(speaker)
            _check_name(name)
        case Merge(speaker=speaker, into=into):
            _check_texts(speaker, into)
        case Split(speaker=speaker, turns=turns, at=at):
            _check_texts(speaker, *turns[:MOST_TURNS])
            _check_times(at)
            if bool(turns) == (at is not None) or len(turns) > MOST_TURNS:
                raise FormatError(f"a split wants either turns, {MOST_TURNS} at most, or at")
        case Correct(turn=turn, start=start, end=end, speaker=speaker):
            _check_texts(turn, speaker)
            if (turn is None) == (start is None) or (start is None) != (end is None):
                raise FormatError("a correct wants either a turn, or start and end")
            _check_stretch(start, end)
        case Enroll(profile=profile, name=name, start=start, end=end):
            _check_texts(profile)
            if (profile is None) == (name is None) or not (name is None) == (start is None) == (end is None):
                raise FormatError("an enroll wants either a profile, or name, start and end")
            if name is not None:
                _check_name(name)
            _check_stretch(start, end)
        case Words(words=words):
            _check_words(words)


def id_asked(text: str) -> str | None:
    """The id of a control that cannot be read otherwise, so that its sender knows which one it was."""
    try:
        asked = json.loads(text)["id"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return asked if isinstance(asked, str) and len(asked) <= LONGEST_TEXT else None


def minor(code: str, message: str, asked: str | None = None) -> Refusal:
    """A refusal after which everything goes on."""
    return Refusal(code=code, message=message, id=asked)


def _check_texts(*texts: str | None) -> None:
    for text in texts:
        if text is not None and len(text) > LONGEST_TEXT:
            raise FormatError(f"a text of {len(text)} characters: expected {LONGEST_TEXT} at most")


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_TEXT or not name.isprintable():
        raise FormatError(f"a name wants 1 to {LONGEST_TEXT} printable characters")


def _check_times(*times: float | None) -> None:
    for time in times:
        if time is not None and not (math.isfinite(time) and time >= 0):
            raise FormatError(f"a time of {time} s: expected 0 or more")


def _check_stretch(start: float | None, end: float | None) -> None:
    _check_times(start, end)
    if start is not None and end is not None and start >= end:
        raise FormatError(f"a stretch of {start} to {end} s: expected a start before the end")


def _check_words(words: Iterable[HeardWord]) -> None:
    words = list(words)
    if len(words) > MOST_WORDS:
        raise FormatError(f"{len(words)} words in a message: expected {MOST_WORDS} at most")
    for word in words:
        _check_texts(word.text, word.id)
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in word.text):
            raise FormatError(f"a word wants text without control characters, got {word.text!r}")
        check_word(word)
