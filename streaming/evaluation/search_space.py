"""Which settings are worth tuning, and how far: a dotted name as `--config` has it, and a range."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..errors import ConfigError


@dataclass(frozen=True)
class Range:
    """Values from least to most, both included. log: their logarithm is searched evenly. whole: integers."""

    least: float
    most: float
    log: bool = False
    whole: bool = False


SPACE = {
    "clustering.birth": Range(0.4, 2.0),
    "clustering.keep": Range(0.0, 6.0),
    "clustering.second.sound": Range(0.0, 20.0),
    "clustering.second.even": Range(0.01, 0.3, log=True),
    "clustering.every_most": Range(2.0, 12.0, log=True),
    "clustering.naming.trust": Range(0.5, 0.99),
    "clustering.naming.stranger": Range(0.01, 0.5, log=True),
    "clustering.naming.voice": Range(0.3, 2.0, log=True),
    "clustering.memory.recent": Range(100, 400, whole=True),
    "clustering.memory.exemplars": Range(4, 24, whole=True),
    "clustering.slow.solid": Range(0.4, 1.5),
    "clustering.slow.join": Range(0.2, 0.5),
    "clustering.slow.windows": Range(0.0, 0.1),
    "clustering.slow.habit": Range(0.0, 0.1),
    "clustering.slow.least": Range(0.5, 4.0, log=True),
    "clustering.slow.least_share": Range(0.005, 0.06, log=True),
    "clustering.slow.part": Range(0.0, 0.2),
    "clustering.rare.stranger": Range(-6.0, 2.0),
    "atoms.change": Range(0.2, 0.6),
    "atoms.longest": Range(100, 300, whole=True),
    "atoms.onset": Range(0.3, 0.7),
    "atoms.offset": Range(0.3, 0.7),
}


def chosen(patterns: Sequence[str]) -> dict[str, Range]:
    """The part of SPACE whose names match a pattern ("clustering.slow.*"); all of it without patterns.

    Raises ConfigError for a pattern that nothing matches.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in SPACE):
            raise ConfigError(f"nothing to tune is called {pattern}: expected one of {', '.join(SPACE)}")
    return {
        name: limits
        for name, limits in SPACE.items()
        if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
    }
