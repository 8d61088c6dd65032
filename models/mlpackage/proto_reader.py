"""The package form (`.mlpackage`): a Model protobuf that holds the ML Program.

Field numbers are those of coremltools, mlmodel/format/{Model,FeatureTypes,MIL}.proto.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PackageError
from .blob import Weights
from .interface import Declared, input_specs, output_specs
from .manifest import PackageFiles
from .program import (
    PACKED_BITS,
    Argument,
    Constant,
    Operation,
    Program,
    Reference,
    TensorType,
    Variable,
    known_shape,
    make_constant,
    require_storage,
    unpack_numbers,
)
from .protobuf import Message

_DTYPES = {
    1: "bool",
    2: "string",
    10: "float16",
    11: "float32",
    12: "float64",
    13: "bfloat16",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    34: "uint64",
    35: "uint4",
    36: "uint2",
    37: "uint1",
    38: "uint6",
    39: "uint3",
    40: "float8e4m3fn",
    41: "float8e5m2",
}
# Fields of Model that hold some other kind of model, where its name helps the reader of an error.
_MODEL_KINDS = {
    202: "pipeline",
    303: "neural network regressor",
    403: "neural network classifier",
    500: "neural network",
}
_ML_PROGRAM = 502
# Fields of TensorValue; the others hold integers.
_FLOATS, _STRINGS, _DOUBLES, _BYTES = 1, 4, 6, 7
# Nesting of lists, tuples and dictionaries in values: real programs use two levels.
_MAX_VALUE_DEPTH = 8


def read_mlpackage(files: PackageFiles, function: str) -> Program:
    """The named function of a package. Raises PackageError."""
    data = files.read_program()
    model = Message(memoryview(data), files.program.name)
    if _ML_PROGRAM not in model:
        kinds = [_MODEL_KINDS.get(number, f"kind {number}") for number in model.numbers if number >= 200]
        raise PackageError(
            f"{files.folder.name} holds no ML Program but a {', '.join(kinds) or 'nothing'}: "
            "only ML Programs (Core ML 5, iOS 15 and later) can be read"
        )
    functions = model.message(_ML_PROGRAM).entries(2)
    if function not in functions:
        raise PackageError(f"{files.folder.name} has no function {function!r}, but {sorted(functions)}")
    return _ProgramReader(Weights(files.root)).function(
        functions[function], _declared(model.message(2), function)
    )


class _ProgramReader:
    """Messages to program; the weight files are its only state."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def function(self, message: Message, declared: dict[str, Declared]) -> Program:
        opset = message.text(2)
        blocks = message.entries(3)
        if opset not in blocks:
            raise message.damaged(f"the function has no body for its opset {opset!r}, but {sorted(blocks)}")
        block = blocks[opset]
        parameters = tuple(self._variable(item) for item in message.messages(1))
        operations = tuple(self._operation(item) for item in block.messages(3))
        types = {variable.name: variable for variable in parameters}
        types |= {variable.name: variable for operation in operations for variable in operation.outputs}
        try:
            results = tuple(types[name] for name in block.texts(2))
        except KeyError as error:
            raise block.damaged(f"output {error} is never computed") from error
        return Program(
            input_specs(parameters, declared), output_specs(results), parameters, results, operations, opset
        )

    def _operation(self, message: Message) -> Operation:
        return Operation(
            message.text(1),
            {
                key: tuple(self._argument(item) for item in argument.messages(1))
                for key, argument in message.entries(2).items()
            },
            tuple(self._variable(item) for item in message.messages(3)),
            {key: self._value(value) for key, value in message.entries(5).items()},
            len(message.messages(4)),
        )

    def _variable(self, message: Message) -> Variable:
        return Variable(message.text(1), _type(message.message(2)))

    def _argument(self, message: Message) -> Argument:
        return Reference(message.text(1)) if 1 in message else self._value(message.message(2))

    def _value(self, message: Message, depth: int = 0) -> Constant:
        if depth > _MAX_VALUE_DEPTH:
            raise message.damaged(f"a value is nested more than {_MAX_VALUE_DEPTH} deep")
        tensor_type = _type(message.message(2))
        if 5 in message:
            blob = message.message(5)
            return self._weights.read(blob.text(1), blob.integer(2), tensor_type.dtype, tensor_type.shape)
        immediate = message.message(3)
        if 1 in immediate:
            return _tensor_value(immediate.message(1), tensor_type)
        if 4 in immediate:
            pairs = immediate.message(4).messages(1)
            items = tuple(
                (self._value(pair.message(1), depth + 1), self._value(pair.message(2), depth + 1))
                for pair in pairs
            )
            return Constant(tensor_type, items)
        sequence = immediate.message(2 if 2 in immediate else 3).messages(1)
        return Constant(tensor_type, tuple(self._value(item, depth + 1) for item in sequence))


def _type(message: Message) -> TensorType:
    if 1 not in message:
        names = {2: "list", 3: "tuple", 4: "dictionary", 5: "state"}
        return TensorType(next((names[number] for number in message.numbers if number in names), "unknown"))
    tensor = message.message(1)
    code = tensor.integer(1)
    if code not in _DTYPES:
        raise tensor.damaged(f"data type {code} is unknown")
    return TensorType(_DTYPES[code], tuple(_size(item) for item in tensor.messages(3)))


def _size(dimension: Message) -> int | None:
    if 1 not in dimension:
        if dimension.message(2).integer(1):
            raise dimension.damaged("a tensor has no known rank, which cannot be read")
        return None
    size = dimension.message(1).integer(1)
    if size < 0:
        raise dimension.damaged(f"a tensor has size {size}")
    return size


def _tensor_value(message: Message, tensor_type: TensorType) -> Constant:
    """A TensorValue: its one field says in which form the numbers or strings stand."""
    where = str(message.damaged("a constant"))
    form = next(iter(message.numbers), 0)
    values = message.message(form) if form else message
    if form == _STRINGS:
        texts = values.texts(1)
        known_shape(tensor_type.shape, len(texts), where)
        return Constant(tensor_type, tuple(texts) if tensor_type.shape else texts[0])
    array = _numbers(form, values, tensor_type, where)
    return make_constant(tensor_type.dtype, tensor_type.shape, array, where)


def _numbers(form: int, values: Message, tensor_type: TensorType, where: str) -> NDArray[Any]:
    storage = require_storage(tensor_type.dtype, where)
    if form not in (_FLOATS, _DOUBLES, _BYTES):
        return np.array(values.integers(1), np.int64).astype(storage)
    raw = np.frombuffer(b"".join(values.chunks(1)), np.uint8)
    if form == _BYTES and tensor_type.dtype in PACKED_BITS:
        return unpack_numbers(raw, tensor_type, where)
    items: dict[int, np.dtype[Any]] = {_FLOATS: np.dtype("<f4"), _DOUBLES: np.dtype("<f8")}
    item = items.get(form, storage)
    if raw.size % item.itemsize:
        raise values.damaged(f"{raw.size} bytes are no whole number of {item}")
    return raw.view(item).astype(storage, copy=False)


def _declared(description: Message, function: str) -> dict[str, Declared]:
    """Shapes of the inputs by name, from the model description or, with several functions, the function's."""
    features = description.messages(1)
    for item in description.messages(20):
        if item.text(1) == function:
            features = item.messages(2)
    return {feature.text(1): _declared_array(feature) for feature in features}


def _declared_array(feature: Message) -> Declared:
    kind = feature.message(3)
    if 5 not in kind:
        raise PackageError(
            f"input {feature.text(1)!r} is no array of numbers (feature kind {kind.numbers}): "
            "only arrays can be read"
        )
    array = kind.message(5)
    return Declared(
        tuple(array.integers(1)),
        tuple(tuple(shape.integers(1)) for shape in array.message(21).messages(1)),
        tuple((item.integer(1), item.integer(2)) for item in array.message(31).messages(1)),
    )
