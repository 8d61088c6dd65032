"""Which operators have a translation: one function each, registered by name under its group."""

from collections.abc import Callable
from dataclasses import dataclass

from .call import Call
from .graph import Graph

# What an operator's results are called in the graph, in the operation's own order.
Symbols = str | list[str]
Lowering = Callable[[Call, Graph], Symbols]


@dataclass(frozen=True)
class Entry:
    """One operator. limits: which of its forms are refused, in words for the table of operators."""

    kind: str
    group: str
    limits: str
    lower: Lowering


TABLE: dict[str, Entry] = {}


def lowers(*kinds: str, limits: str = "") -> Callable[[Lowering], Lowering]:
    """Register the decorated function for these operators; each may be registered once."""

    def decorate(function: Lowering) -> Lowering:
        for kind in kinds:
            register(kind, function, limits)
        return function

    return decorate


def register(kind: str, function: Lowering, limits: str = "") -> None:
    if kind in TABLE:
        raise ValueError(f"operator {kind!r} has two translations")
    group = function.__module__.rpartition(".ops_")[2].replace("_", " ")
    TABLE[kind] = Entry(kind, group, limits, function)
