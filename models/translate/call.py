"""One operation as its translation sees it: operands are names in the graph, parameters checked constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import PackageError, UnsupportedOperator
from ..mlpackage.program import Argument, Constant, Operation, Reference, TensorType
from .graph import Graph


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value that exists only when the program runs: its name in the graph and its type in the program."""

    name: str
    type: TensorType


Binding = Symbol | Constant
Environment = Mapping[str, Binding]


class _Required:
    """The default of a parameter that has none."""


REQUIRED: Final = _Required()


class Call:
    """Access to the arguments of one operation.

    Operands may be computed; parameters must be constants. All methods raise PackageError for an argument
    that is missing or of the wrong kind, naming the operation.
    """

    def __init__(self, operation: Operation, environment: Environment, graph: Graph) -> None:
        self.operation = operation
        self._environment = environment
        self._graph = graph

    def __str__(self) -> str:
        return f"operator {self.operation.kind!r} ({self.operation.name})"

    def refuse(self, form: str) -> NoReturn:
        """Raise UnsupportedOperator: this form of the operator has no translation."""
        raise UnsupportedOperator(f"{self}: {form} has no translation", {self.operation.kind: 1})

    def malformed(self, what: str) -> PackageError:
        return PackageError(f"{self}: {what}")

    def has(self, key: str) -> bool:
        """Whether the argument is given."""
        return bool(self.operation.inputs.get(key)) or key in self.operation.attributes

    def is_constant(self, key: str) -> bool:
        return isinstance(self._binding(key), Constant)

    def type(self, key: str = "x") -> TensorType:
        return self._binding(key).type

    def rank(self, key: str = "x") -> int:
        return self.type(key).rank

    def axis(self, key: str = "axis", default: int | _Required = REQUIRED, *, of: str = "x") -> int:
        """An axis of the operand `of`, counted from the front."""
        return self.count_axis(self.integer(key, default), self.rank(of))

    def count_axis(self, axis: int, rank: int) -> int:
        """`axis` counted from the front; raises PackageError when a tensor of this rank has none such."""
        if not -rank <= axis < rank:
            raise self.malformed(f"axis {axis} of a tensor of rank {rank}")
        return axis % rank

    def operand(self, key: str = "x") -> str:
        """The argument's name in the graph."""
        return self._symbol(self._binding(key))

    def operands(self, key: str) -> list[str]:
        """The names of an argument that is a list."""
        return [self._symbol(binding) for binding in self.bindings(key)]

    def bindings(self, key: str) -> list[Binding]:
        """The values of an argument that is a list."""
        return [self._resolve(argument) for argument in self._arguments(key)]

    def constant(self, key: str) -> Any:
        """A parameter's value: an array, a str or a tuple."""
        binding = self._binding(key)
        if not isinstance(binding, Constant):
            raise self.malformed(f"{key} is computed, expected a constant")
        return binding.value

    def array(self, key: str) -> NDArray[Any]:
        """A parameter that is an array of numbers."""
        value = self.constant(key)
        if not isinstance(value, np.ndarray):
            raise self.malformed(f"{key} is {value!r}, expected numbers")
        return value

    def floats(self, key: str) -> NDArray[np.float32]:
        """A parameter that is an array, in single precision."""
        return self.array(key).astype(np.float32)

    def number(self, key: str, default: float | _Required = REQUIRED) -> float:
        return float(self._single(key, default))

    def integer(self, key: str, default: int | _Required = REQUIRED) -> int:
        return int(self._single(key, default))

    def flag(self, key: str, default: bool | _Required = REQUIRED) -> bool:
        return bool(self._single(key, default))

    def text(self, key: str, default: str | _Required = REQUIRED) -> str:
        if not self.has(key) and not isinstance(default, _Required):
            return default
        value = self.constant(key)
        if not isinstance(value, str):
            raise self.malformed(f"{key} is not a text")
        return value

    def integers(self, key: str, default: list[int] | _Required = REQUIRED) -> list[int]:
        """A parameter that is a list of whole numbers."""
        if not self.has(key) and not isinstance(default, _Required):
            return default
        return [int(item) for item in self.array(key).ravel()]

    def flags(self, key: str, count: int) -> list[bool]:
        """A parameter that is a mask of `count` flags, all false when it is absent."""
        if not self.has(key):
            return [False] * count
        mask = [bool(item) for item in self.array(key).ravel()]
        if len(mask) != count:
            raise self.malformed(f"{key} has {len(mask)} flags, expected {count}")
        return mask

    def _single(self, key: str, default: float | _Required) -> Any:
        if not self.has(key) and not isinstance(default, _Required):
            return default
        value = self.array(key)
        if value.size != 1:
            raise self.malformed(f"{key} has {value.size} values, expected one")
        return value.item()

    def _arguments(self, key: str) -> tuple[Argument, ...]:
        arguments = self.operation.inputs.get(key)
        if arguments:
            return arguments
        if key in self.operation.attributes:
            return (self.operation.attributes[key],)
        raise self.malformed(f"{key} is missing")

    def _binding(self, key: str) -> Binding:
        arguments = self._arguments(key)
        if len(arguments) != 1:
            raise self.malformed(f"{key} has {len(arguments)} values, expected one")
        return self._resolve(arguments[0])

    def _resolve(self, argument: Argument) -> Binding:
        if not isinstance(argument, Reference):
            return argument
        try:
            return self._environment[argument.name]
        except KeyError as error:
            raise self.malformed(f"{argument.name!r} is used before it is computed") from error

    def _symbol(self, binding: Binding) -> str:
        if isinstance(binding, Symbol):
            return binding.name
        if not isinstance(binding.value, np.ndarray):
            raise self.malformed(f"{binding.value!r} is no operand")
        return self._graph.constant(binding.value)
