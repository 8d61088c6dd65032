"""The interface that a package declares, as TensorSpecs, checked against the program's own types.

A package states names, default shapes, enumerated shapes and ranges apart from the program, which only
knows sizes as fixed or unknown. Both must agree, since callers trust the one and runtimes the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import PackageError
from ..predictor import TensorSpec
from .program import STORAGE, Variable

UNBOUNDED = -1


@dataclass(frozen=True)
class Declared:
    """What a package says of one input or output; empty where it says nothing.

    ranges: (least, most) per axis, most = UNBOUNDED for any.
    """

    shape: tuple[int, ...] = ()
    allowed: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


def input_specs(parameters: Sequence[Variable], declared: Mapping[str, Declared]) -> tuple[TensorSpec, ...]:
    """One spec per parameter of the function, in its order. Raises PackageError where the two disagree."""
    return tuple(_input_spec(parameter, declared.get(parameter.name, Declared())) for parameter in parameters)


def output_specs(results: Sequence[Variable]) -> tuple[TensorSpec, ...]:
    """One spec per result. Sizes that follow from the inputs are given as -1 and a range from 0."""
    specs = []
    for result in results:
        sizes = result.type.shape
        shape = tuple(-1 if size is None else size for size in sizes)
        ranges = tuple((0, UNBOUNDED) if size is None else (size, size) for size in sizes)
        specs.append(
            TensorSpec(result.name, shape, result.type.dtype, ranges=ranges if None in sizes else ())
        )
    return tuple(specs)


def _input_spec(parameter: Variable, declared: Declared) -> TensorSpec:
    name, sizes = parameter.name, parameter.type.shape
    if parameter.type.dtype not in STORAGE:
        raise PackageError(f"input {name!r} is of type {parameter.type}, expected a tensor of numbers")
    ranges = declared.ranges
    if not (declared.shape or declared.allowed or ranges):
        ranges = tuple((1, UNBOUNDED) if size is None else (size, size) for size in sizes)
    shape = declared.shape or (
        declared.allowed[0] if declared.allowed else tuple(least for least, _ in ranges)
    )
    allowed = (
        declared.allowed if not declared.allowed or shape in declared.allowed else (shape, *declared.allowed)
    )
    for candidate in (shape, *allowed, *zip(*ranges)):
        if not _fits(candidate, sizes):
            raise PackageError(
                f"input {name!r} is declared as {candidate}, the program takes {parameter.type}"
            )
    if all(least == most for least, most in ranges):
        ranges = ()
    return TensorSpec(name, shape, parameter.type.dtype, () if ranges else allowed, ranges)


def _fits(shape: Sequence[int], sizes: Sequence[int | None]) -> bool:
    return len(shape) == len(sizes) and all(
        size is None or size == axis for axis, size in zip(shape, sizes, strict=True)
    )
