"""Field numbers of the messages that a package consists of, as far as they are read.

Source: coremltools, mlmodel/format/Model.proto, FeatureTypes.proto and MIL.proto.
"""

from enum import IntEnum


class ModelField(IntEnum):
    DESCRIPTION = 2
    ML_PROGRAM = 502


# Other kinds of model, each a field of its own from here on; the ones that people meet have names.
FIRST_MODEL_KIND = 200
MODEL_KINDS = {
    202: "a pipeline",
    303: "a neural network regressor",
    403: "a neural network classifier",
    500: "a neural network",
}


class DescriptionField(IntEnum):
    INPUTS = 1
    FUNCTIONS = 20


class FunctionDescriptionField(IntEnum):
    NAME = 1
    INPUTS = 2


class FeatureField(IntEnum):
    NAME = 1
    TYPE = 3


class FeatureTypeField(IntEnum):
    MULTI_ARRAY = 5


class ArrayField(IntEnum):
    SHAPE = 1
    ENUMERATED_SHAPES = 21
    SHAPE_RANGE = 31


class ShapesField(IntEnum):
    """The one field of EnumeratedShapes, of each Shape in it, and of ShapeRange."""

    ITEMS = 1


class SizeRangeField(IntEnum):
    LEAST = 1
    MOST = 2


class ProgramField(IntEnum):
    FUNCTIONS = 2


class FunctionField(IntEnum):
    INPUTS = 1
    OPSET = 2
    BLOCKS = 3


class BlockField(IntEnum):
    OUTPUTS = 2
    OPERATIONS = 3


class OperationField(IntEnum):
    KIND = 1
    INPUTS = 2
    OUTPUTS = 3
    BLOCKS = 4
    ATTRIBUTES = 5


class ArgumentField(IntEnum):
    BINDINGS = 1


class BindingField(IntEnum):
    NAME = 1
    VALUE = 2


class NamedTypeField(IntEnum):
    NAME = 1
    TYPE = 2


class ValueField(IntEnum):
    TYPE = 2
    IMMEDIATE = 3
    BLOB_FILE = 5


class ImmediateField(IntEnum):
    TENSOR = 1
    TUPLE = 2
    LIST = 3
    DICTIONARY = 4


class SequenceField(IntEnum):
    """The one field of tuple, list and dictionary values, and of the repeated values in a tensor."""

    ITEMS = 1


class PairField(IntEnum):
    KEY = 1
    VALUE = 2


class BlobFileField(IntEnum):
    FILE = 1
    OFFSET = 2


class TensorValueField(IntEnum):
    """In which form a tensor's elements stand; all that are not listed hold integers."""

    FLOATS = 1
    STRINGS = 4
    DOUBLES = 6
    BYTES = 7


class TypeField(IntEnum):
    TENSOR = 1
    LIST = 2
    TUPLE = 3
    DICTIONARY = 4
    STATE = 5


class TensorTypeField(IntEnum):
    DATA_TYPE = 1
    DIMENSIONS = 3


class DimensionField(IntEnum):
    KNOWN = 1
    UNKNOWN = 2


class KnownDimensionField(IntEnum):
    SIZE = 1


class UnknownDimensionField(IntEnum):
    """VARIADIC stands for any number of dimensions: a tensor whose rank is not known."""

    VARIADIC = 1


# MIL.proto's DataType, in numpy's names.
DATA_TYPES = {
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
