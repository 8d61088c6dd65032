"""Programs of one operation, built in memory and run on onnxruntime: an operator's test in one line."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hocket.models.mlpackage import Constant, Operation, Program, Reference, TensorType, Variable
from hocket.models.mlpackage.interface import input_specs, output_specs
from hocket.models.mlpackage.program import Argument
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate


class Input:
    """An argument that is computed: it enters the program from outside when it is run.

    is_fixed: the program knows its sizes; else only their number.
    """

    def __init__(self, value: ArrayLike, dtype: str = "", *, is_fixed: bool = False) -> None:
        self.value = np.asarray(value)
        self.shape = self.value.shape if is_fixed else (None,) * self.value.ndim
        self.dtype = dtype or {"f": "float32", "i": "int32", "b": "bool"}[self.value.dtype.kind]


def known(value: Any, dtype: str = "") -> Constant:
    """A constant argument of the type that `value` suggests: float32, int32, bool or string."""
    if isinstance(value, str):
        return Constant(TensorType("string"), value)
    array = np.asarray(value)
    dtype = dtype or {"f": "float32", "i": "int32", "b": "bool", "u": array.dtype.name}[array.dtype.kind]
    storage = {"float32": np.float32, "int32": np.int32}.get(dtype, array.dtype)
    return Constant(TensorType(dtype, array.shape), array.astype(storage))


def program_of(kind: str, results: list[TensorType], **arguments: Any) -> Program:
    """One operation; arguments are Input, Constant, list of those, or plain values taken as constants."""
    parameters: list[Variable] = []
    inputs: dict[str, tuple[Argument, ...]] = {}
    for key, given in arguments.items():
        items = given if isinstance(given, list) else [given]
        uses: list[Argument] = []
        for item in items:
            if isinstance(item, Input):
                name = f"{key}_{len(uses)}"
                parameters.append(Variable(name, TensorType(item.dtype, item.shape)))
                uses.append(Reference(name))
            else:
                uses.append(item if isinstance(item, Constant) else known(item))
        inputs[key] = tuple(uses)
    outputs = tuple(Variable(f"result_{index}", result) for index, result in enumerate(results))
    operation = Operation(kind, inputs, outputs)
    return Program(
        input_specs(parameters, {}),
        output_specs(outputs),
        tuple(parameters),
        outputs,
        (operation,),
        "CoreML7",
    )


def run_operation(
    kind: str, *results: str, emulate_fp16: bool = False, **arguments: Any
) -> list[NDArray[Any]]:
    """The results of one operation on onnxruntime.

    results: each one's type and rank, as "float32 3".
    """
    types = []
    for result in results:
        dtype, rank = result.split()
        types.append(TensorType(dtype, (None,) * int(rank)))
    program = program_of(kind, types, **arguments)
    feed = {}
    for key, given in arguments.items():
        items = given if isinstance(given, list) else [given]
        for index, item in enumerate(items):
            if isinstance(item, Input):
                feed[f"{key}_{index}"] = item.value.astype(item.dtype)
    outputs = OnnxPredictor(translate(program, emulate_fp16=emulate_fp16)).predict(feed)
    return list(outputs.values())


def run_one(kind: str, result: str, **arguments: Any) -> NDArray[Any]:
    """As run_operation, for an operation with one result."""
    return run_operation(kind, result, **arguments)[0]
