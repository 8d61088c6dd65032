"""What turns sound into words: the interface, in Python and as lines of a process.

A recogniser runs in a process of its own (`hearing`), which reads sound from its standard input, 16-bit
samples of one channel at 16 kHz, and writes words to its standard output, a JSON object a line:

    {"id": "w7", "text": "Good", "start": 0.82, "end": 1.03, "final": false}

Times are seconds of the sound it was given. "id" and "final" may be left out: see `HeardWord`.
"""

import json
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import FormatError

from .words import HeardWord, word_of

RATE = 16_000  # Hz, of the sound that every recogniser is given

Samples = NDArray[np.float32]


class Recogniser(Protocol):
    """Words of sound that comes in pieces: (n,) float32 at 16 kHz, full scale ±1.

    A class, or a function that takes nothing, is named "module:Name" to have it used.
    push: takes samples, gives the words that follow so far; may take its time. finish: no more will come;
    gives the words that are left. Times are seconds since the first sample.
    """

    def push(self, samples: Samples) -> list[HeardWord]: ...

    def finish(self) -> list[HeardWord]: ...


def format_word(word: HeardWord) -> str:
    """A word as a line."""
    entry: dict[str, Any] = {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
    if word.id is not None:
        entry["id"] = word.id
    if not word.final:
        entry["final"] = False
    return json.dumps(entry, ensure_ascii=False) + "\n"


def parse_word(line: str) -> HeardWord:
    """The word of a line. Raises FormatError, saying what is wrong with it."""
    try:
        return word_of(json.loads(line))
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg}: {line[:80]!r}") from error
