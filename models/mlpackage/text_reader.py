"""The compiled form (`.mlmodelc`): the same program as text in model.mil, read by recursive descent.

    program(1.0)[attributes] {
        func main<ios17>(tensor<fp32, [1, ?]> x)[attributes] {
            tensor<int32, []> axis = const()[name = …, val = tensor<int32, []>(-1)];
            tensor<fp32, [1, ?]> y = softmax(axis = axis, x = x)[name = …];
        } -> (y);
    }

Newer compilers write scalar types bare (`int32(-1)`). The grammar is not published; this one was learnt from
published compiled models.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import PackageError
from .blob import Weights
from .interface import Declared, input_specs, output_specs
from .manifest import PackageFiles
from .program import (
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
)
from .tokens import Kind, Tokens

_SHORT_NAMES = {"fp16": "float16", "fp32": "float32", "fp64": "float64", "bf16": "bfloat16"}
_COMPOUNDS = {"list": "list", "tuple": "tuple", "dict": "dictionary", "state": "state"}
_CLOSING = {"[": "]", "(": ")", "{": "}"}
# Which literals may stand for values of each kind of type, by numpy's letters for kinds.
_LITERAL_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}
# Nesting of brackets in values and types: real programs use five levels.
_MAX_DEPTH = 24

_Item = TypeVar("_Item")


def read_mlmodelc(files: PackageFiles, function: str) -> Program:
    """The named function of a compiled model. Raises PackageError."""
    try:
        text = files.read_program().decode()
    except UnicodeDecodeError as error:
        raise PackageError(f"{files.program} is not UTF-8 text") from error
    parser = _Parser(Tokens(text, files.program.name), Weights(files.root))
    return parser.program(function, _declared(files.read_metadata()))


class _Parser:
    """One method per rule of the grammar; each leaves the cursor behind what it read."""

    def __init__(self, tokens: Tokens, weights: Weights) -> None:
        self._tokens = tokens
        self._weights = weights
        self._depth = 0

    def program(self, function: str, declared: dict[str, Declared]) -> Program:
        tokens = self._tokens
        tokens.expect("program")
        tokens.skip_brackets()
        self._skip_attributes()
        tokens.expect("{")
        others = []
        while tokens.accept("func"):
            name = tokens.name()
            tokens.expect("<")
            opset = tokens.name()
            tokens.expect(">")
            tokens.expect("(")
            parameters = tuple(self._sequence(")", self._variable))
            self._skip_attributes()
            if name == function:
                return self._body(opset, parameters, declared)
            others.append(name)
            tokens.skip_brackets()
            tokens.expect("->")
            tokens.skip_brackets()
            tokens.expect(";")
        tokens.expect("}")
        raise PackageError(f"model.mil has no function {function!r}, but {others}")

    def _body(self, opset: str, parameters: tuple[Variable, ...], declared: dict[str, Declared]) -> Program:
        tokens = self._tokens
        types = {parameter.name: parameter for parameter in parameters}
        operations = []
        tokens.expect("{")
        while not tokens.accept("}"):
            operation = self._operation()
            operations.append(operation)
            types |= {variable.name: variable for variable in operation.outputs}
        tokens.expect("->")
        tokens.expect("(")
        names = self._sequence(")", tokens.name)
        if missing := [name for name in names if name not in types]:
            raise tokens.wrong(f"output {missing[0]!r} is never computed")
        results = tuple(types[name] for name in names)
        return Program(
            input_specs(parameters, declared),
            output_specs(results),
            parameters,
            results,
            tuple(operations),
            opset,
        )

    def _operation(self) -> Operation:
        tokens = self._tokens
        outputs = [self._variable()]
        while tokens.accept(","):
            outputs.append(self._variable())
        tokens.expect("=")
        kind = tokens.name()
        tokens.expect("(")
        inputs = dict(self._sequence(")", lambda: self._pair(self._arguments)))
        attributes: dict[str, Constant] = {}
        if tokens.accept("["):
            attributes = dict(self._sequence("]", lambda: self._pair(self._typed_value)))
        num_blocks = 0
        while tokens.at("{"):
            num_blocks += 1
            tokens.skip_brackets()
            if tokens.accept("->"):
                tokens.skip_brackets()
            tokens.accept(",")
        tokens.expect(";")
        return Operation(kind, inputs, tuple(outputs), attributes, num_blocks)

    def _variable(self) -> Variable:
        tensor_type = self._type()
        return Variable(self._tokens.name(), tensor_type)

    def _pair(self, value: Callable[[], _Item]) -> tuple[str, _Item]:
        key = self._tokens.name()
        self._tokens.expect("=")
        return key, value()

    def _arguments(self) -> tuple[Argument, ...]:
        if self._tokens.accept("("):
            return tuple(self._sequence(")", self._argument))
        return (self._argument(),)

    def _argument(self) -> Argument:
        name = self._tokens.name()
        if self._tokens.at("<") or self._tokens.at("("):
            return self._typed_value(name)
        return Reference(name)

    def _type(self, head: str | None = None) -> TensorType:
        tokens = self._tokens
        head = tokens.name() if head is None else head
        if head in _COMPOUNDS:
            self._skip_angles()
            return TensorType(_COMPOUNDS[head])
        if head != "tensor":
            return TensorType(_SHORT_NAMES.get(head, head))
        tokens.expect("<")
        dtype = tokens.name()
        tokens.expect(",")
        tokens.expect("[")
        shape = tuple(self._sequence("]", self._size))
        tokens.expect(">")
        return TensorType(_SHORT_NAMES.get(dtype, dtype), shape)

    def _size(self) -> int | None:
        if self._tokens.accept("?"):
            return None
        size = self._tokens.integer()
        if size < 0:
            raise self._tokens.wrong(f"a tensor has size {size}")
        return size

    def _typed_value(self, head: str | None = None) -> Constant:
        tokens = self._tokens
        tensor_type = self._type(head)
        tokens.expect("(")
        if tokens.accept("BLOBFILE"):
            tokens.expect("(")
            where = dict(self._sequence(")", lambda: self._pair(self._typed_value)))
            tokens.expect(")")
            return self._blob(where, tensor_type)
        values = self._sequence(")", self._literal)
        value = values[0] if len(values) == 1 else values
        if tensor_type.dtype in _COMPOUNDS.values():
            return Constant(tensor_type, _frozen(value))
        return self._tensor(value, tensor_type)

    def _blob(self, where: dict[str, Constant], tensor_type: TensorType) -> Constant:
        path, offset = where.get("path"), where.get("offset")
        if path is None or offset is None or not isinstance(path.value, str):
            raise self._tokens.wrong("BLOBFILE needs a path and an offset")
        if not isinstance(offset.value, np.ndarray) or offset.value.size != 1:
            raise self._tokens.wrong("the offset of a BLOBFILE is one number")
        return self._weights.read(path.value, int(offset.value.item()), tensor_type.dtype, tensor_type.shape)

    def _tensor(self, value: Any, tensor_type: TensorType) -> Constant:
        flat = _flatten(value)
        where = str(self._tokens.wrong("a constant"))
        if tensor_type.dtype == "string":
            known_shape(tensor_type.shape, len(flat), where)
            if not all(isinstance(item, str) for item in flat):
                raise self._tokens.wrong(f"expected strings for {tensor_type}")
            return Constant(tensor_type, tuple(flat) if tensor_type.shape else flat[0])
        storage = require_storage(tensor_type.dtype, where)
        array = np.array(flat, None if flat else storage)
        if array.dtype.kind not in _LITERAL_KINDS[storage.kind] or not _fits(array, storage):
            raise self._tokens.wrong(f"these are no values of {tensor_type}")
        with np.errstate(over="ignore"):
            return make_constant(tensor_type.dtype, tensor_type.shape, array.astype(storage), where)

    def _literal(self) -> Any:
        tokens = self._tokens
        if tokens.kind is Kind.STRING:
            return tokens.string()
        if tokens.kind is Kind.NUMBER:
            return tokens.number()
        if tokens.accept("true"):
            return True
        if tokens.accept("false"):
            return False
        if tokens.kind is Kind.MARK and tokens.text in _CLOSING:
            closing = _CLOSING[tokens.text]
            tokens.expect(tokens.text)
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise tokens.wrong(f"brackets are nested more than {_MAX_DEPTH} deep")
            items = self._sequence(closing, self._literal)
            self._depth -= 1
            return items
        return self._typed_value().value

    def _sequence(self, closing: str, item: Callable[[], _Item]) -> list[_Item]:
        """Items up to and including `closing`, separated by commas."""
        items: list[_Item] = []
        while not self._tokens.accept(closing):
            if items:
                self._tokens.expect(",")
            items.append(item())
        return items

    def _skip_attributes(self) -> None:
        if self._tokens.at("["):
            self._tokens.skip_brackets()

    def _skip_angles(self) -> None:
        self._tokens.expect("<")
        depth = 1
        while depth:
            if self._tokens.accept("<"):
                depth += 1
            elif self._tokens.accept(">"):
                depth -= 1
            else:
                self._tokens.skip()


def _fits(array: NDArray[Any], storage: np.dtype[Any]) -> bool:
    """Whether whole numbers are within the range of their type; floats always are, if need be as infinity."""
    if storage.kind not in "iu" or not array.size:
        return True
    limits = np.iinfo(storage)
    return bool(array.min() >= limits.min and array.max() <= limits.max)


def _flatten(value: Any) -> list[Any]:
    """The leaves of nested lists, in order; the shape comes from the declared type."""
    if not isinstance(value, list):
        return [value]
    if not any(isinstance(item, list) for item in value):
        return value
    return [leaf for item in value for leaf in _flatten(item)]


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _declared(metadata: Any) -> dict[str, Declared]:
    """Shapes of the inputs by name from metadata.json, as Apple's compiler writes it."""
    if metadata is None:
        return {}
    try:
        return {
            str(item["name"]): Declared(
                _shapes(item.get("shape", "[]")),
                tuple(tuple(shape) for shape in _shapes(item.get("enumeratedShapes", "[]"))),
                tuple((least, most) for least, most in _shapes(item.get("shapeRange", "[]"))),
            )
            for item in metadata[0]["inputSchema"]
            if item["type"] == "MultiArray"
        }
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise PackageError(f"metadata.json does not describe the inputs as expected: {error}") from error


def _shapes(text: str) -> tuple[Any, ...]:
    """Integers, or lists of them, from the JSON text within the JSON."""
    numbers = json.loads(text)
    if not isinstance(numbers, list):
        raise ValueError(f"{text} is no list")
    flat = [size for item in numbers for size in (item if isinstance(item, list) else [item])]
    if not all(isinstance(size, int) for size in flat):
        raise ValueError(f"{text} holds no sizes")
    return tuple(numbers)
