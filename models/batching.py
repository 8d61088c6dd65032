"""Any batch in the batch sizes that a package admits."""

from collections.abc import Iterator

import numpy as np

from .errors import ShapeError
from .predictor import Array, Predictor, TensorSpec

RANGED_SIZES = (64, 32, 16, 8, 4, 2, 1)


def batch_sizes(spec: TensorSpec, row: tuple[int, ...]) -> tuple[int, ...]:
    """The batch sizes, largest first, in which `spec` admits rows of this shape (without the batch axis).

    Raises ShapeError when there is none.
    """
    candidates = RANGED_SIZES if spec.ranges else {shape[0] for shape in (*spec.allowed, spec.shape)}
    sizes = sorted((size for size in candidates if spec.admits((size, *row))), reverse=True)
    if not sizes:
        raise ShapeError(f"input {spec.name!r} wants {spec.describe()}, got rows of {row}")
    return tuple(sizes)


def plan(num_rows: int, sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """(rows, batch size) of each call that together cover `num_rows`, largest batches first.

    rows is less than the batch size only where even the smallest admitted batch is too large.
    """
    while num_rows > 0:
        size = next((size for size in sizes if size <= num_rows), sizes[-1])
        yield min(size, num_rows), size
        num_rows -= size


def run_rows(predictor: Predictor, output: str, *arrays: Array) -> Array:
    """One output for any number of rows, in as few calls as the package admits.

    arrays: one per declared input, in order, each with the rows first. Rows of zeros fill a package's
    fixed batch; their results are dropped. Raises ShapeError for rows the package does not admit.
    """
    specs = predictor.inputs
    num_rows = len(arrays[0])
    sizes = batch_sizes(specs[0], arrays[0].shape[1:])
    results, start = [], 0
    for rows, size in plan(num_rows, sizes):
        batch = {
            spec.name: _filled(array[start : start + rows], size)
            for spec, array in zip(specs, arrays, strict=True)
        }
        results.append(predictor.predict(batch)[output][:rows])
        start += rows
    return results[0] if len(results) == 1 else np.concatenate(results)


def _filled(rows: Array, size: int) -> Array:
    if len(rows) == size:
        return rows
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])
