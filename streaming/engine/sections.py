"""Settings in sections, as a file has them: nested tables to nested frozen records, every name checked."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from ..errors import ConfigError

Record = TypeVar("Record")


def filled(
    default: Record, table: Mapping[str, Any], sections: Mapping[str, Any] | None = None, where: str = ""
) -> Record:
    """A record like `default`, with what `table` says in place of its values.

    sections: what a section begins with where `default` has none. where: dotted path, for messages.
    Raises ConfigError for a name that is no field, with the nearest one, and for a value of another type.
    """
    assert is_dataclass(default)
    known = {spec.name: getattr(default, spec.name) for spec in fields(default)} | dict(sections or {})
    values = {}
    for name, value in table.items():
        path = f"{where}{name}"
        if name not in known:
            raise ConfigError(f"unknown setting {path}: {_nearest(name, known, where)}")
        if not is_dataclass(known[name]):
            values[name] = _checked(path, value, known[name])
        elif value is None:
            values[name] = None
        elif isinstance(value, Mapping):
            values[name] = filled(known[name], value, where=f"{path}.")
        else:
            raise ConfigError(f"{path} is a section of settings, got {value!r}: expected [{path}]")
    return replace(default, **values)  # type: ignore[type-var]


def leaves(record: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a record and of those inside it: dotted name, value."""
    for spec in fields(record):
        value = getattr(record, spec.name)
        if is_dataclass(value):
            yield from leaves(value, f"{where}{spec.name}.")
        else:
            yield f"{where}{spec.name}", value


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names to nested tables."""
    tables: dict[str, Any] = {}
    for path, value in flat.items():
        *sections, name = path.split(".")
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tables


def _nearest(name: str, known: Mapping[str, Any], where: str) -> str:
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {where}{near[0]}? " if near else ""
    return f"{hint}{'in ' + where[:-1] if where else 'known'} are {', '.join(known)}"


def _checked(path: str, value: Any, default: Any) -> Any:
    """The value, if it is of the default's type; an integer will do for a float, a number for None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match default:
        case bool():
            fits, expected = isinstance(value, bool), "true or false"
        case int():
            fits, expected = is_number and isinstance(value, int), "a whole number"
        case float():
            fits, expected = is_number, "a number"
        case str():
            fits, expected = isinstance(value, str), "text"
        case _:
            fits, expected = (
                value is None or (is_number and isinstance(value, int)),
                "a whole number, or nothing",
            )
    if not fits:
        raise ConfigError(f"{path} {value!r}: expected {expected}")
    return float(value) if isinstance(default, float) else value
