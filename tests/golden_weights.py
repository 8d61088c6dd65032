"""Random but reproducible weights by parameter name, under which the golden vectors were made.

Real weights of these models cannot be had here. The recipe is the golden vectors': every tensor is drawn from
numpy's legacy generator, seeded by its name.
"""

import json
import zlib

import numpy as np
from numpy.typing import NDArray

from tests.shared_data import shared

SEED = 20240601
GAINS = {"wespeaker_resnet34": 1.0, "titanet_large": 1.4}


def golden_state(model: str) -> dict[str, NDArray[np.float64 | np.int64]]:
    """Every published parameter of a model by name; skips the test where the lists of names are absent."""
    shapes = json.loads(shared(f"parity/{model}.keys.json").read_text(encoding="utf-8"))["tensors"]
    return {name: _tensor(name, tuple(shape), GAINS[model]) for name, shape in shapes.items()}


def voice(name: str) -> NDArray[np.float32]:
    """(n,) one of the golden vectors' synthetic voices at 16 kHz."""
    samples: NDArray[np.float32] = np.load(shared("parity/inputs.npz"))[name].astype(np.float32) / 32768
    return samples


def _tensor(name: str, shape: tuple[int, ...], gain: float) -> NDArray[np.float64 | np.int64]:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    draw = np.random.RandomState((zlib.crc32(name.encode()) + SEED) % 2**32).standard_normal(shape)
    if name.endswith("running_var"):
        return np.asarray(np.exp(0.2 * draw))
    if name.endswith(("running_mean", "bias")):
        return 0.1 * draw
    if len(shape) == 1:
        return 1 + 0.1 * draw
    return np.asarray(gain * draw / np.sqrt(np.prod(shape[1:])))
