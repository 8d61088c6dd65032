"""Settings as a TOML file: what `--config` reads and `hocket tune` writes.

    latency = 1.0

    [clustering.naming]
    trust = 0.85

Sections and names are those of DiarizerConfig and the rules inside it. What is left out keeps its default;
the thresholds of an [atoms] section are 0.5 where it does not give them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .engine.config import DiarizerConfig
from .errors import ConfigError
from .files import write_atomically


def read_config(path: Path) -> DiarizerConfig:
    """The settings in a file.

    Raises ConfigError, with the file's name, for what is no TOML, no setting or out of range; OSError for a
    file that cannot be read.
    """
    try:
        return DiarizerConfig.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def write_config(path: Path, settings: Mapping[str, Any], remark: str = "") -> None:
    """Write nested settings, as `read_config` reads them, under a comment."""
    lines = [f"# {line}".rstrip() for line in remark.splitlines()]
    write_atomically(path, "\n".join([*lines, *([""] if lines else []), *_lines(settings, "")]) + "\n")


def _lines(table: Mapping[str, Any], where: str) -> Iterator[str]:
    sections = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    for name, value in table.items():
        if name not in sections and value is not None:
            yield f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
    for name, section in sections.items():
        if any(not isinstance(value, Mapping) for value in section.values()):
            yield ""
            yield f"[{where}{name}]"
        yield from _lines(section, f"{where}{name}.")
