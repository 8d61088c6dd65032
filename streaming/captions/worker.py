"""A recogniser's process: sound comes in by standard input, words go out by standard output.

python -m hocket.streaming.captions.worker NAME [--live]
"""

import os
import sys
from collections.abc import Callable, Iterable

import numpy as np

from hocket.streaming.errors import HocketError

from .recogniser import Recogniser, format_word
from .recognisers import open_recogniser
from .words import HeardWord

_MOST_BYTES = 64_000  # read at once: two seconds
_FULL_SCALE = 32_768


def serve(recogniser: Recogniser, read: Callable[[int], bytes], write: Callable[[str], object]) -> None:
    """Have sound recognised to its end.

    read: bytes of 16-bit samples, at most so many, as they are there; none at the end. write: takes lines.
    """

    def say(words: Iterable[HeardWord]) -> None:
        text = "".join(map(format_word, words))
        if text:
            write(text)

    rest = b""
    while data := read(_MOST_BYTES):
        data = rest + data
        whole = len(data) - len(data) % 2
        rest = data[whole:]
        say(recogniser.push(np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(_FULL_SCALE)))
    say(recogniser.finish())


def main(arguments: list[str]) -> int:
    """Run the recogniser of a name until its input ends; one line on standard error where that fails."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # what a library prints is not taken for words

    def write(text: str) -> None:
        out.write(text)
        out.flush()

    try:
        recogniser = open_recogniser(arguments[0], live="--live" in arguments[1:])
        serve(recogniser, lambda most: os.read(0, most), write)
    except HocketError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
