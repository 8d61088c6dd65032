"""What one operator should give for one input, and the arrays that the cases share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tests.programs import Input


@dataclass(frozen=True)
class Case:
    """kind with `arguments` gives `expected`. note tells cases of one operator apart."""

    kind: str
    results: tuple[str, ...]
    expected: tuple[NDArray[Any], ...]
    arguments: dict[str, Any]
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.note}" if self.note else self.kind


def case(kind: str, expected: ArrayLike | Sequence[ArrayLike], /, note: str = "", **arguments: Any) -> Case:
    """A case whose results have the types and ranks of what is expected; a tuple for several results."""
    values = tuple(np.asarray(value) for value in (expected if isinstance(expected, tuple) else (expected,)))
    types = {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}
    results = tuple(f"{types[value.dtype.kind]} {value.ndim}" for value in values)
    return Case(kind, results, values, arguments, note)


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


PLANE = numbers(3, 4)
POSITIVE = np.abs(PLANE) + np.float32(0.1)
CUBE = numbers(2, 3, 4)
IMAGE = numbers(2, 3, 6, 5)
COUNTS = np.array([[-7, -1, 0], [3, 5, 8]])
X = Input(PLANE)
