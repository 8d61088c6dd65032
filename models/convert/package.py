"""PyTorch module to Core ML package: one place for coremltools and its traps."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import coremltools
import numpy as np
import torch
from torch import nn

Precision = Literal["fp16", "fp32"]
Shape = tuple[int, ...]
Selector = Callable[[Any], bool]  # of a coremltools Operation


def nothing(operator: Any) -> bool:
    """Selects no operator."""
    return False


@dataclass(frozen=True)
class Input:
    """One float32 input: its default shape, and either all shapes it admits or a range per axis."""

    name: str
    default: Shape
    enumerated: tuple[Shape, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()

    def _axes(self) -> object:
        if self.enumerated:
            return coremltools.EnumeratedShapes(shapes=list(self.enumerated), default=self.default)
        if self.ranges:
            return coremltools.Shape(
                tuple(
                    least if least == most else coremltools.RangeDim(least, most, default)
                    for (least, most), default in zip(self.ranges, self.default, strict=True)
                )
            )
        return self.default

    def tensor_type(self) -> object:
        """As coremltools wants it. The dtype is stated: half-precision packages otherwise get fp16 edges."""
        return coremltools.TensorType(self.name, shape=self._axes(), dtype=np.float32)


def write_package(
    net: nn.Module,
    inputs: tuple[Input, ...],
    output: str,
    path: Path,
    *,
    precision: Precision = "fp16",
    full_precision: Selector = nothing,
    description: str = "",
    license_name: str = "",
    author: str = "",
) -> None:
    """Trace `net` and write it as a Core ML package with float32 inputs and outputs.

    net: in evaluation mode; converted from a deep copy, since coremltools works in the module's own memory
        (with BatchNorm(affine=False) after a convolution it leaves the live running_mean negated).
    full_precision: tells the MIL operators that keep fp32 weights and results in a half-precision package.
    Needs macOS 14 to run natively: older operator sets have no half-precision LSTM.
    """
    example = tuple(torch.zeros(item.default) for item in inputs)
    twin = copy.deepcopy(net).eval()
    with _quiet(), contextlib.redirect_stderr(io.StringIO()), torch.inference_mode():
        traced = torch.jit.trace(twin, example, check_trace=False)
        package = coremltools.convert(
            traced,
            inputs=[item.tensor_type() for item in inputs],
            outputs=[coremltools.TensorType(output, dtype=np.float32)],
            convert_to="mlprogram",
            compute_precision=_compute_precision(precision, full_precision),
            minimum_deployment_target=coremltools.target.macOS14,
            skip_model_load=True,
        )
    package.short_description = description
    package.license = license_name
    package.author = author
    package.save(str(path))


def _compute_precision(precision: Precision, full_precision: Selector) -> object:
    if precision == "fp32":
        return coremltools.precision.FLOAT32
    return coremltools.transform.FP16ComputePrecision(
        op_selector=lambda operator: not full_precision(operator)
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Both libraries warn about each other's versions and deprecations on every conversion."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
