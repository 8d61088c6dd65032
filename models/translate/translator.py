"""A program to an ONNX file: each operation in turn, by the functions of the ops_* modules.

Half precision is computed in single precision unless it is to be emulated; then every result that the program
types as float16 is rounded to float16 and back.
"""

from collections import Counter

from ..errors import PackageError, UnsupportedOperator
from ..mlpackage.program import Constant, Operation, Program
from ..predictor import TensorSpec
from ..specs import INTERFACE_KEY, encode_specs
from . import (  # noqa: F401  (importing registers the translations)
    ops_activation,
    ops_convolution,
    ops_elementwise,
    ops_indexing,
    ops_linear,
    ops_normalization,
    ops_pooling,
    ops_quantization,
    ops_recurrent,
    ops_reduction,
    ops_resizing,
    ops_shape,
    ops_slicing,
)
from .call import Binding, Call, Symbol
from .constants import decode_constants, is_encoded_constant
from .graph import Graph, Port, inside
from .onnx_writer import ELEMENT_TYPES
from .registry import TABLE


def translate(program: Program, *, emulate_fp16: bool = False) -> bytes:
    """The program as an ONNX file (opset 17), with its interface in the metadata.

    Axes that the interface enumerates or ranges become free; whoever runs the file must check them.
    Raises UnsupportedOperator naming all operators without a translation, PackageError for a program that
    contradicts itself.
    """
    _require_translations(program)
    graph = Graph()
    environment: dict[str, Binding] = {}
    for spec, parameter in zip(program.inputs, program.parameters, strict=True):
        symbol = graph.cast(spec.name, inside(spec.dtype)) if spec.dtype != inside(spec.dtype) else spec.name
        environment[spec.name] = Symbol(symbol, parameter.type)
    for operation in program.operations:
        environment |= _lower(operation, environment, graph, emulate_fp16)
    for result in program.results:
        binding = environment[result.name]
        symbol = graph.constant(binding.value) if isinstance(binding, Constant) else binding.name
        if result.type.dtype != inside(result.type.dtype):
            symbol = graph.cast(symbol, _outside(result.type.dtype))
        graph.publish(symbol, result.name)
    return graph.encode(
        [_input_port(spec) for spec in program.inputs],
        [_output_port(spec) for spec in program.outputs],
        {INTERFACE_KEY: encode_specs(program.inputs, program.outputs)},
    )


def _require_translations(program: Program) -> None:
    unknown = Counter(
        operation.kind
        for operation in program.operations
        if operation.num_blocks
        or (
            operation.kind != "const"
            and not is_encoded_constant(operation.kind)
            and operation.kind not in TABLE
        )
    )
    if unknown:
        names = ", ".join(f"{kind} (×{count})" for kind, count in sorted(unknown.items()))
        raise UnsupportedOperator(
            f"{unknown.total()} of {len(program.operations)} operations ({program.opset}) "
            f"have no translation: {names}",
            dict(unknown),
        )


def _lower(
    operation: Operation, environment: dict[str, Binding], graph: Graph, emulate_fp16: bool
) -> dict[str, Binding]:
    """What the operation's results are bound to."""
    call = Call(operation, environment, graph)
    try:
        if operation.kind == "const" or is_encoded_constant(operation.kind):
            names = [output.name for output in operation.outputs]
            return dict(zip(names, decode_constants(call), strict=True))
        symbols = TABLE[operation.kind].lower(call, graph)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # The parameters come from a file, and numpy finds more ways for them to disagree than can be listed.
        raise PackageError(f"{call} is malformed: {error}") from error
    results = [symbols] if isinstance(symbols, str) else symbols
    if len(results) != len(operation.outputs):
        raise call.malformed(f"has {len(operation.outputs)} results, expected {len(results)}")
    bound: dict[str, Binding] = {}
    for output, result in zip(operation.outputs, results, strict=True):
        symbol = result
        if emulate_fp16 and output.type.dtype == "float16":
            symbol = graph.cast(graph.cast(symbol, "float16"), "float32")
        bound[output.name] = Symbol(symbol, output.type)
    return bound


def _outside(dtype: str) -> str:
    """The type of an interface, if ONNX can state it and hocket's arrays are of it."""
    if dtype not in ELEMENT_TYPES:
        raise PackageError(f"an interface of type {dtype}, expected one of {', '.join(ELEMENT_TYPES)}")
    return dtype


def _input_port(spec: TensorSpec) -> Port:
    if spec.ranges:
        free = [least != most for least, most in spec.ranges]
    else:
        free = [len(set(sizes)) > 1 for sizes in zip(*(spec.allowed or (spec.shape,)), strict=True)]
    return _port(spec, free)


def _output_port(spec: TensorSpec) -> Port:
    return _port(spec, [size < 0 for size in spec.shape])


def _port(spec: TensorSpec, free: list[bool]) -> Port:
    shape = tuple(
        f"{spec.name}_{axis}" if is_free else size
        for axis, (size, is_free) in enumerate(zip(spec.shape, free, strict=True))
    )
    return Port(spec.name, _outside(spec.dtype), shape)
