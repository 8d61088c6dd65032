"""Programs written as model.mil text, the way Apple's compiler writes them: the text reader's counterpart."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hocket.models.mlpackage import Constant, Operation, Program, Reference, TensorType

_NAMES = {"float16": "fp16", "float32": "fp32", "float64": "fp64"}


def type_text(tensor_type: TensorType, *, is_bare: bool = False) -> str:
    """`tensor<fp16, [1, ?]>`; newer compilers write scalars bare."""
    name = _NAMES.get(tensor_type.dtype, tensor_type.dtype)
    if is_bare and not tensor_type.shape:
        return name
    sizes = ", ".join("?" if size is None else str(size) for size in tensor_type.shape)
    return f"tensor<{name}, [{sizes}]>"


def number_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return float(value).hex() if isinstance(value, float) else str(value)


def value_text(constant: Constant, *, is_bare: bool = False) -> str:
    head = type_text(constant.type, is_bare=is_bare)
    if isinstance(constant.value, str):
        return f'{head}("{constant.value}")'
    if isinstance(constant.value, np.ndarray):
        return f"{head}({_nested(constant.value.tolist())})"
    raise TypeError(f"no text for {constant.value!r}")


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item) for item in value) + "]"
    return number_text(value)


def program_text(program: Program, *, is_bare: bool = False, others: str = "") -> str:
    """The whole file; `others` is text of further functions, put before the program's own."""
    parameters = ", ".join(f"{type_text(item.type)} {item.name}" for item in program.parameters)
    body = "\n".join(f"            {_operation_text(item, is_bare=is_bare)}" for item in program.operations)
    results = ", ".join(item.name for item in program.results)
    return (
        "program(1.3)\n"
        '[buildInfo = dict<string, string>({{"coremlc-version", "3402.4.1"}, {"a (b", "[{"}})]\n'
        f"{{\n{others}    func main<{program.opset}>({parameters}) {{\n{body}\n        }} -> ({results});\n}}"
    )


def _operation_text(operation: Operation, *, is_bare: bool) -> str:
    outputs = ", ".join(f"{type_text(item.type, is_bare=is_bare)} {item.name}" for item in operation.outputs)
    inputs = ", ".join(
        f"{key} = {_arguments(arguments, is_bare=is_bare)}" for key, arguments in operation.inputs.items()
    )
    attributes = _attributes(operation.attributes, is_bare=is_bare)
    return f"{outputs} = {operation.kind}({inputs})[{attributes}];"


def _arguments(arguments: tuple[Reference | Constant, ...], *, is_bare: bool) -> str:
    texts = [
        item.name if isinstance(item, Reference) else value_text(item, is_bare=is_bare) for item in arguments
    ]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _attributes(attributes: Mapping[str, Constant], *, is_bare: bool) -> str:
    return ", ".join(f"{key} = {value_text(value, is_bare=is_bare)}" for key, value in attributes.items())
