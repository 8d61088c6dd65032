"""The package form (`.mlpackage`): a Model protobuf that holds the ML Program."""

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
from .schema import (
    DATA_TYPES,
    FIRST_MODEL_KIND,
    MODEL_KINDS,
    ArgumentField,
    ArrayField,
    BindingField,
    BlobFileField,
    BlockField,
    DescriptionField,
    DimensionField,
    FeatureField,
    FeatureTypeField,
    FunctionDescriptionField,
    FunctionField,
    ImmediateField,
    KnownDimensionField,
    ModelField,
    NamedTypeField,
    OperationField,
    PairField,
    ProgramField,
    SequenceField,
    ShapesField,
    SizeRangeField,
    TensorTypeField,
    TensorValueField,
    TypeField,
    UnknownDimensionField,
    ValueField,
)

# Nesting of lists, tuples and dictionaries in values: real programs use two levels.
_MAX_VALUE_DEPTH = 8


def read_mlpackage(files: PackageFiles, function: str) -> Program:
    """The named function of a package. Raises PackageError."""
    data = files.read_program()
    model = Message(memoryview(data), files.program.name)
    if ModelField.ML_PROGRAM not in model:
        found = [number for number in model.numbers if number >= FIRST_MODEL_KIND]
        kinds = ", ".join(MODEL_KINDS.get(number, f"a model of kind {number}") for number in found)
        raise PackageError(
            f"{files.folder.name} holds no ML Program but {kinds or 'nothing'}: "
            "only ML Programs (Core ML 5, iOS 15 and later) can be read"
        )
    functions = model.message(ModelField.ML_PROGRAM).entries(ProgramField.FUNCTIONS)
    if function not in functions:
        raise PackageError(f"{files.folder.name} has no function {function!r}, but {sorted(functions)}")
    declared = _declared(model.message(ModelField.DESCRIPTION), function)
    return _ProgramReader(Weights(files.root)).function(functions[function], declared)


class _ProgramReader:
    """Messages to program; the weight files are its only state."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def function(self, message: Message, declared: dict[str, Declared]) -> Program:
        opset = message.text(FunctionField.OPSET)
        blocks = message.entries(FunctionField.BLOCKS)
        if opset not in blocks:
            raise message.damaged(f"the function has no body for its opset {opset!r}, but {sorted(blocks)}")
        block = blocks[opset]
        parameters = tuple(_variable(item) for item in message.messages(FunctionField.INPUTS))
        operations = tuple(self._operation(item) for item in block.messages(BlockField.OPERATIONS))
        known = {variable.name: variable for variable in parameters}
        known |= {variable.name: variable for operation in operations for variable in operation.outputs}
        names = block.texts(BlockField.OUTPUTS)
        if missing := [name for name in names if name not in known]:
            raise block.damaged(f"output {missing[0]!r} is never computed")
        results = tuple(known[name] for name in names)
        return Program(
            input_specs(parameters, declared), output_specs(results), parameters, results, operations, opset
        )

    def _operation(self, message: Message) -> Operation:
        return Operation(
            message.text(OperationField.KIND),
            {
                key: tuple(self._argument(item) for item in argument.messages(ArgumentField.BINDINGS))
                for key, argument in message.entries(OperationField.INPUTS).items()
            },
            tuple(_variable(item) for item in message.messages(OperationField.OUTPUTS)),
            {key: self._value(value) for key, value in message.entries(OperationField.ATTRIBUTES).items()},
            len(message.chunks(OperationField.BLOCKS)),
        )

    def _argument(self, message: Message) -> Argument:
        if BindingField.NAME in message:
            return Reference(message.text(BindingField.NAME))
        return self._value(message.message(BindingField.VALUE))

    def _value(self, message: Message, depth: int = 0) -> Constant:
        if depth > _MAX_VALUE_DEPTH:
            raise message.damaged(f"a value is nested more than {_MAX_VALUE_DEPTH} deep")
        tensor_type = _type(message.message(ValueField.TYPE))
        if ValueField.BLOB_FILE in message:
            blob = message.message(ValueField.BLOB_FILE)
            file, offset = blob.text(BlobFileField.FILE), blob.integer(BlobFileField.OFFSET)
            return self._weights.read(file, offset, tensor_type.dtype, tensor_type.shape)
        immediate = message.message(ValueField.IMMEDIATE)
        if ImmediateField.TENSOR in immediate:
            return _tensor_value(immediate.message(ImmediateField.TENSOR), tensor_type)
        if ImmediateField.DICTIONARY in immediate:
            pairs = immediate.message(ImmediateField.DICTIONARY).messages(SequenceField.ITEMS)
            items = tuple(
                tuple(self._value(pair.message(part), depth + 1) for part in (PairField.KEY, PairField.VALUE))
                for pair in pairs
            )
            return Constant(tensor_type, items)
        form = ImmediateField.TUPLE if ImmediateField.TUPLE in immediate else ImmediateField.LIST
        sequence = immediate.message(form).messages(SequenceField.ITEMS)
        return Constant(tensor_type, tuple(self._value(item, depth + 1) for item in sequence))


def _variable(message: Message) -> Variable:
    return Variable(message.text(NamedTypeField.NAME), _type(message.message(NamedTypeField.TYPE)))


def _type(message: Message) -> TensorType:
    if TypeField.TENSOR not in message:
        kinds = [kind.name.lower() for kind in TypeField if kind in message]
        return TensorType(kinds[0] if kinds else "unknown")
    tensor = message.message(TypeField.TENSOR)
    code = tensor.integer(TensorTypeField.DATA_TYPE)
    if code not in DATA_TYPES:
        raise tensor.damaged(f"data type {code} is unknown")
    shape = tuple(_size(item) for item in tensor.messages(TensorTypeField.DIMENSIONS))
    return TensorType(DATA_TYPES[code], shape)


def _size(dimension: Message) -> int | None:
    if DimensionField.KNOWN not in dimension:
        if dimension.message(DimensionField.UNKNOWN).integer(UnknownDimensionField.VARIADIC):
            raise dimension.damaged("a tensor has no known rank, which cannot be read")
        return None
    size = dimension.message(DimensionField.KNOWN).integer(KnownDimensionField.SIZE)
    if size < 0:
        raise dimension.damaged(f"a tensor has size {size}")
    return size


def _tensor_value(message: Message, tensor_type: TensorType) -> Constant:
    """A TensorValue: its one field says in which form the numbers or strings stand."""
    where = str(message.damaged("a constant"))
    form = next(iter(message.numbers), 0)
    values = message.message(form) if form else message
    if form == TensorValueField.STRINGS:
        texts = values.texts(SequenceField.ITEMS)
        known_shape(tensor_type.shape, len(texts), where)
        return Constant(tensor_type, tuple(texts) if tensor_type.shape else texts[0])
    array = _numbers(form, values, tensor_type, where)
    return make_constant(tensor_type.dtype, tensor_type.shape, array, where)


def _numbers(form: int, values: Message, tensor_type: TensorType, where: str) -> NDArray[Any]:
    storage = require_storage(tensor_type.dtype, where)
    if form not in (TensorValueField.FLOATS, TensorValueField.DOUBLES, TensorValueField.BYTES):
        return np.array(values.integers(SequenceField.ITEMS), np.int64).astype(storage)
    raw = np.frombuffer(b"".join(values.chunks(SequenceField.ITEMS)), np.uint8)
    if form == TensorValueField.BYTES and tensor_type.dtype in PACKED_BITS:
        return unpack_numbers(raw, tensor_type, where)
    items: dict[int, np.dtype[Any]] = {
        TensorValueField.FLOATS: np.dtype("<f4"),
        TensorValueField.DOUBLES: np.dtype("<f8"),
    }
    item = items.get(form, storage)
    if raw.size % item.itemsize:
        raise values.damaged(f"{raw.size} bytes are no whole number of {item}")
    return raw.view(item).astype(storage, copy=False)


def _declared(description: Message, function: str) -> dict[str, Declared]:
    """Shapes of the inputs by name, from the model description or, with several functions, the function's."""
    features = description.messages(DescriptionField.INPUTS)
    for item in description.messages(DescriptionField.FUNCTIONS):
        if item.text(FunctionDescriptionField.NAME) == function:
            features = item.messages(FunctionDescriptionField.INPUTS)
    return {feature.text(FeatureField.NAME): _declared_array(feature) for feature in features}


def _declared_array(feature: Message) -> Declared:
    kind = feature.message(FeatureField.TYPE)
    if FeatureTypeField.MULTI_ARRAY not in kind:
        name = feature.text(FeatureField.NAME)
        raise PackageError(f"input {name!r} is no array of numbers, but of feature kind {kind.numbers}")
    array = kind.message(FeatureTypeField.MULTI_ARRAY)
    shapes = array.message(ArrayField.ENUMERATED_SHAPES).messages(ShapesField.ITEMS)
    sizes = array.message(ArrayField.SHAPE_RANGE).messages(ShapesField.ITEMS)
    return Declared(
        tuple(array.integers(ArrayField.SHAPE)),
        tuple(tuple(shape.integers(ShapesField.ITEMS)) for shape in shapes),
        tuple((size.integer(SizeRangeField.LEAST), size.integer(SizeRangeField.MOST)) for size in sizes),
    )
