"""A declared interface as one line of JSON, kept in the metadata of translated files.

So a cached file alone says what a package admits (enumerated shapes and ranges, which ONNX cannot express).
"""

import json
from collections.abc import Sequence

from .errors import ModelError
from .predictor import TensorSpec

INTERFACE_KEY = "hocket.interface"

Specs = tuple[TensorSpec, ...]


def encode_specs(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> str:
    """The interface as JSON; decode_specs gives it back."""
    return json.dumps(
        {"inputs": [_to_dict(spec) for spec in inputs], "outputs": [_to_dict(spec) for spec in outputs]}
    )


def decode_specs(text: str) -> tuple[Specs, Specs]:
    """Inputs and outputs. Raises ModelError when `text` is not what encode_specs writes."""
    try:
        interface = json.loads(text)
        return (
            tuple(_from_dict(spec) for spec in interface["inputs"]),
            tuple(_from_dict(spec) for spec in interface["outputs"]),
        )
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ModelError(f"the file's {INTERFACE_KEY} metadata is damaged: {error}") from error


def _to_dict(spec: TensorSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "shape": spec.shape,
        "dtype": spec.dtype,
        "allowed": spec.allowed,
        "ranges": spec.ranges,
    }


def _from_dict(fields: dict[str, object]) -> TensorSpec:
    def sizes(value: object) -> tuple[int, ...]:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, found {value!r}")
        return tuple(int(size) for size in value)

    def rows(value: object) -> tuple[tuple[int, ...], ...]:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, found {value!r}")
        return tuple(sizes(row) for row in value)

    return TensorSpec(
        str(fields["name"]),
        sizes(fields["shape"]),
        str(fields["dtype"]),
        rows(fields["allowed"]),
        tuple((least, most) for least, most in rows(fields["ranges"])),
    )
