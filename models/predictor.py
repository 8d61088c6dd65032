"""The one seam between hocket and any runtime: named arrays in, named arrays out, batch first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import ShapeError

Array = NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output as the package declares it.

    shape: the default shape; -1 for an output's axis that follows from the inputs.
    dtype: numpy name: "float32", "float16" or "int32".
    allowed: every shape the package enumerates, the default among them; empty when it enumerates none.
    ranges: (least, most) per axis where the package declares ranges, most = -1 for unbounded; empty
        when it declares none. With neither, only the default shape is allowed.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    allowed: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape may be given."""
        if self.ranges:
            return len(shape) == len(self.ranges) and all(
                least <= size and (most < 0 or size <= most)
                for size, (least, most) in zip(shape, self.ranges, strict=True)
            )
        return shape in self.allowed if self.allowed else shape == self.shape

    def check(self, array: Array) -> None:
        """Raise ShapeError unless `array` fits: what was given, what was wanted."""
        if array.dtype != np.dtype(self.dtype) or not self.admits(array.shape):
            raise ShapeError(
                f"input {self.name!r} wants {self.describe()} {self.dtype}, got {array.shape} {array.dtype}"
            )

    def describe(self) -> str:
        """The admitted shapes in words, for messages and tables."""
        if self.ranges:
            axes = (
                str(least) if least == most else f"{least}–{most if most >= 0 else '∞'}"
                for least, most in self.ranges
            )
            return f"({', '.join(axes)})"
        if self.allowed:
            return " | ".join(str(shape) for shape in self.allowed)
        return str(self.shape)


class Predictor(Protocol):
    """A loaded model. Same package, same declared interface, whatever the runtime.

    predict: every declared input by name; returns every declared output by name, as new arrays.
    Raises ShapeError for a missing, unknown or ill-shaped input. Deterministic; several threads may
    call it, at the same time where the runtime can.
    """

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def predict(self, inputs: Arrays) -> dict[str, Array]: ...


def check_inputs(specs: tuple[TensorSpec, ...], inputs: Arrays) -> None:
    """Raise ShapeError unless `inputs` holds exactly the declared names, each of a declared shape."""
    expected = {spec.name for spec in specs}
    if inputs.keys() != expected:
        raise ShapeError(f"expected inputs {sorted(expected)}, got {sorted(inputs)}")
    for spec in specs:
        spec.check(inputs[spec.name])


class FakePredictor:
    """A Predictor made of a plain function: a test double, public because users of hocket need one too."""

    def __init__(
        self,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        function: Callable[[Arrays], dict[str, Array]],
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._function = function

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        check_inputs(self.inputs, inputs)
        return self._function(inputs)
