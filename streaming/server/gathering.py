"""Settings from where people put them: flags win over the environment, that over a file, that over defaults.

    host = "0.0.0.0"
    tokens = "tokens.toml"

A file is TOML, flat, with the names of the fields of Settings; the environment has them as HOCKET_SERVE_HOST,
the command line as --host. Paths in a file are relative to it.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from hocket.streaming.errors import ConfigError

from .settings import ABOUT, OutOfRange, Settings, kind_of

PREFIX = "HOCKET_SERVE_"
FILE_VARIABLE = f"{PREFIX}SETTINGS"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Settings, and where each of them comes from: a flag, a variable, a file or the default."""

    settings: Settings
    sources: dict[str, str]

    @classmethod
    def of(
        cls, flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> Self:
        """flags: by name, None where not given. environment: this process's, if not said.

        Raises ConfigError, naming the place, for what is no setting or no value of it; OSError for a file
        that cannot be read.
        """
        values: dict[str, Any] = {}
        sources = dict.fromkeys(ABOUT, DEFAULT)
        given = [(flag_of(name), name, value) for name, value in flags.items() if value is not None]
        found = [] if file is None else list(_in_file(file))
        variables = _in_environment(os.environ if environment is None else environment)
        for source, name, value in [*found, *variables, *given]:
            values[name], sources[name] = value, source
        try:
            return cls(Settings(**values), sources)
        except OutOfRange as error:
            source = sources[error.name]
            raise ConfigError(str(error) if source == DEFAULT else f"{source}: {error}") from error

    def show(self) -> str:
        """All settings as a file that would give them, each with its source; passwords are left out."""
        lines = []
        for name, source in self.sources.items():
            value = getattr(self.settings, name)
            if value is None:
                lines.append(f"# {name} is not set")
            else:
                lines.append(f"{f'{name} = {_toml(value)}':44}  # {source}")
        return "\n".join(lines) + "\n"


def flag_of(name: str) -> str:
    """A setting on the command line."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """A setting in the environment."""
    return f"{PREFIX}{name.upper()}"


def _in_file(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Source, name and value of what a file sets."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for name, value in found.items():
        if name not in ABOUT:
            raise ConfigError(f"{path}: no setting {name!r}{_meant(name, ABOUT)}")
        kind = kind_of(name)
        if not _fits(value, kind):
            raise ConfigError(f"{path}: {name} = {_toml(value)[:60]}: expected {_NAMES[kind]}")
        yield str(path), name, path.parent / Path(value).expanduser() if kind is Path else kind(value)


def _in_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    known = {variable_of(name): name for name in ABOUT}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        if variable not in known:
            raise ConfigError(f"no setting {variable} in the environment{_meant(variable, known)}")
        kind = kind_of(known[variable])
        try:
            yield variable, known[variable], _READ[kind](text)
        except (ValueError, KeyError):
            raise ConfigError(f"{variable}={text[:60]!r}: expected {_NAMES[kind]}") from None


def _fits(value: Any, kind: type) -> bool:
    if kind is tuple:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if kind is float:
        return type(value) in (int, float)
    return type(value) is (str if kind is Path else kind)


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name, known, 1)
    return f": did you mean {close[0]}?" if close else ": see hocket serve --show-settings"


def _toml(value: Any) -> str:
    """As TOML has it; JSON's texts, numbers and lists are TOML's too."""
    if isinstance(value, str):
        value = _PASSWORD.sub(r"\1…@", value)
    is_plain = isinstance(value, bool | int | float | list | tuple)
    return json.dumps(value if is_plain else str(value), ensure_ascii=False)


_PASSWORD = re.compile(r"(://[^/@]*?:)[^/]*@")  # in an address
_READ: dict[type, Any] = {
    str: str,
    int: int,
    float: float,
    bool: lambda text: {"1": True, "true": True, "0": False, "false": False}[text.lower()],
    Path: lambda text: Path(text).expanduser(),
    tuple: lambda text: tuple(each.strip() for each in text.split(",") if each.strip()),
}
_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    tuple: "a list of texts",
}
