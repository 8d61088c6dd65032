"""How many speakers a user says there are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """At least, at most; most None for no limit."""

    least: int = 1
    most: int | None = None
