"""An ONNX graph under construction: nodes in order, constants without duplicates, names that cannot clash.

Inside a graph there are three element types: float32, int64 and bool. Half precision and narrow integers
exist at the edges alone, where the translator casts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import PackageError
from ..mlpackage.program import FLOATS
from .onnx_writer import ELEMENT_TYPES, Attribute, encode_graph, encode_model, encode_node, encode_value_info

# Constants up to this many elements are the same when their content is, larger ones when their array is.
_SHARED_SIZE = 64
_INSIDE: Mapping[str, np.dtype[Any]] = {
    "f": np.dtype(np.float32),
    "i": np.dtype(np.int64),
    "u": np.dtype(np.int64),
    "b": np.dtype(np.bool_),
}


def inside(dtype: str) -> str:
    """The element type that stands for a program's `dtype` inside a graph."""
    return "float32" if dtype in FLOATS else "bool" if dtype == "bool" else "int64"


@dataclass(frozen=True)
class Port:
    """A graph's input or output; a size given as text is a free axis of that name."""

    name: str
    element: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class _Node:
    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


class Graph:
    """Nodes and constants. Every method that adds returns the names of what it added."""

    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._constants: dict[str, NDArray[Any]] = {}
        self._shared: dict[tuple[object, ...], str] = {}
        self._renamed: dict[str, str] = {}
        self._produced: set[str] = set()
        self._count = 0

    def add(self, kind: str, *inputs: str, **attributes: Attribute | None) -> str:
        """A node with one output. Attributes that are None are left to ONNX's default."""
        return self.add_many(kind, inputs, 1, **attributes)[0]

    def add_many(
        self, kind: str, inputs: Sequence[str], count: int, **attributes: Attribute | None
    ) -> list[str]:
        """A node with `count` outputs."""
        name = self._fresh(kind)
        outputs = tuple(f"{name}:{index}" for index in range(count))
        given = {key: value for key, value in attributes.items() if value is not None}
        self._nodes.append(_Node(kind, name, tuple(inputs), outputs, given))
        self._produced.update(outputs)
        return list(outputs)

    def cast(self, symbol: str, element: str) -> str:
        """`symbol` as another element type."""
        return self.add("Cast", symbol, to=ELEMENT_TYPES[element])

    def constant(self, value: ArrayLike) -> str:
        """A constant, in one of the three element types."""
        array = np.asarray(value)
        if array.dtype.kind not in _INSIDE:
            raise PackageError(f"a constant of type {array.dtype} is no operand")
        if array.size <= _SHARED_SIZE:
            array = array.astype(_INSIDE[array.dtype.kind])
            key: tuple[object, ...] = (array.dtype, array.shape, array.tobytes())
        else:
            # A weight used twice is the same array: it is kept below, so its identity stays taken.
            key = (id(array),)
        if key not in self._shared:
            self._shared[key] = self._fresh("constant")
            self._constants[self._shared[key]] = array
        return self._shared[key]

    def publish(self, symbol: str, name: str) -> None:
        """Make `symbol` an output of the graph, called `name`."""
        if symbol not in self._produced or symbol in self._renamed:
            symbol = self.add("Identity", symbol)
        self._renamed[symbol] = name

    def encode(self, inputs: Sequence[Port], outputs: Sequence[Port], metadata: Mapping[str, str]) -> bytes:
        """The finished model file."""
        nodes = (
            encode_node(
                node.kind, node.name, self._final(node.inputs), self._final(node.outputs), node.attributes
            )
            for node in self._nodes
        )
        constants = (
            (name, array.astype(_INSIDE[array.dtype.kind], copy=False))
            for name, array in self._constants.items()
        )
        ports = (
            [encode_value_info(port.name, port.element, port.shape) for port in side]
            for side in (inputs, outputs)
        )
        return encode_model(encode_graph(nodes, constants, *ports), metadata)

    def _final(self, symbols: Sequence[str]) -> list[str]:
        return [self._renamed.get(symbol, symbol) for symbol in symbols]

    def _fresh(self, kind: str) -> str:
        # "/" cannot occur in a MIL identifier, so no name of a package can clash.
        self._count += 1
        return f"{kind}/{self._count}"
