"""A package's fixed batch set free, where trying shows that its program treats every row alone.

Many packages are traced with one batch (FluidInference's segmentation with 1, wespeaker_v2 with 3), although
nothing in their program needs it. Freed, one row costs one row, and windows of many sessions share a call.
"""

from dataclasses import replace

import numpy as np

from .errors import ModelError
from .mlpackage import Program
from .onnx import OnnxPredictor
from .predictor import Array, TensorSpec
from .translate import translate

ANY = (1, -1)
TOLERANCE = 1e-5  # of an output's scale: another batch may add up in another order
_TRIED = (1, 2)  # rows; a program that needs its batch, or mixes rows, fails at one of them


def translate_freed(program: Program, *, emulate_fp16: bool = False) -> bytes:
    """The program as an ONNX file whose batch is free; with its own batch where that would change a result.

    Both are run on noise to find out, once: the outcome is kept with other translations.
    Raises as translate and OnnxPredictor do.
    """
    fixed = translate(program, emulate_fp16=emulate_fp16)
    freed_program = _freed(program)
    if freed_program is None:
        return fixed
    freed = translate(freed_program, emulate_fp16=emulate_fp16)
    return freed if _rows_are_alone(program, fixed, freed) else fixed


def _freed(program: Program) -> Program | None:
    """The program with a free first axis; None where shapes vary already, or inputs disagree about the batch.

    Outputs without that axis stay as they are.
    """
    if any(spec.allowed or spec.ranges or not spec.shape for spec in program.inputs):
        return None
    batches = {spec.shape[0] for spec in program.inputs}
    if len(batches) != 1:
        return None
    (batch,) = batches
    return replace(
        program,
        inputs=tuple(_with_free_axis(spec, ANY, spec.shape) for spec in program.inputs),
        outputs=tuple(
            _with_free_axis(spec, (0, -1), (-1, *spec.shape[1:])) if spec.shape[:1] == (batch,) else spec
            for spec in program.outputs
        ),
    )


def _with_free_axis(spec: TensorSpec, bounds: tuple[int, int], shape: tuple[int, ...]) -> TensorSpec:
    return replace(spec, shape=shape, ranges=(bounds, *((size, size) for size in spec.shape[1:])))


def _rows_are_alone(program: Program, fixed: bytes, freed: bytes) -> bool:
    """Whether the freed file gives for single rows and pairs what the fixed one gives for whole batches."""
    batch = program.inputs[0].shape[0]
    num_rows = -(-max(_TRIED) // batch) * batch
    rng = np.random.default_rng(0)
    # Positive, so that it will do for weights as well as for audio.
    rows = {
        spec.name: rng.uniform(0, 0.3, (num_rows, *spec.shape[1:])).astype(spec.dtype)
        for spec in program.inputs
    }
    expected = [
        OnnxPredictor(fixed).predict({name: array[start : start + batch] for name, array in rows.items()})
        for start in range(0, num_rows, batch)
    ]
    try:
        predictor = OnnxPredictor(freed)
        for count in _TRIED:
            found = predictor.predict({name: array[:count] for name, array in rows.items()})
            for spec in program.outputs:
                values = [outputs[spec.name] for outputs in expected]
                has_rows = spec.shape[:1] == (batch,)
                if not _equal(found[spec.name], np.concatenate(values)[:count] if has_rows else values[0]):
                    return False
    except ModelError:  # a shape inside the program holds the batch
        return False
    return True


def _equal(found: Array, expected: Array) -> bool:
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=TOLERANCE * scale)
