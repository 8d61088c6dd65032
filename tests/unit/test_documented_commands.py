"""Every command in the documentation and in --help exists, with the options it is given."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from hocket.streaming.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    *sorted((ROOT / "streaming" / "cli").glob("*.py")),
]
KNOWN: Any = typer.main.get_command(app)
# The end of a line of shell, perhaps from a virtual environment, or words between backticks.
SHOWN = re.compile(r"^ *(?:.*&& )?(?:\S+/)?hocket ([a-z].*)|`hocket ([a-z][^`]*)`", re.MULTILINE)


def shown(page: Path) -> Iterator[list[str]]:
    """The words after `hocket` of each command on a page, without comment and redirection."""
    for match in SHOWN.finditer(page.read_text(encoding="utf-8")):
        command = match[1] or match[2]
        yield shlex.split(re.sub(r"[|>;].*", "", command.partition("#")[0]).replace("'", ""))


def options_of(command: Any, words: list[str]) -> tuple[set[str], list[str]]:
    """The options that the command admits, and the words that are left for it."""
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    assert not hasattr(command, "commands") or not words, f"no command {words[0]!r}"
    names = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return names | {"--help"}, words


def is_prose(words: list[str]) -> bool:
    """Whether it is a sentence about hocket: no command is called so, and no option is given."""
    return words[0] not in KNOWN.commands and not any(word.startswith("--") for word in words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_there_as_they_are_shown(page: Path) -> None:
    unknown = []
    for command in shown(page):
        if is_prose(command):
            continue
        options, words = options_of(KNOWN, command)
        given = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        unknown += [(" ".join(command), option) for option in given if option not in options]
    assert unknown == []


def test_the_readme_shows_commands() -> None:
    assert {"demo", "listen", "diarize"} <= {command[0] for command in shown(ROOT / "README.md")}
