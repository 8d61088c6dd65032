"""Is a translated package as fast as PyTorch's own export of the same network?

    python -m hocket.models.convert.benchmark SOURCE [PACKAGES]

SOURCE: where the published checkpoints are. PACKAGES: the folder of what they were converted to; by default
what ships. Needs the extra `convert`. Both files run on onnxruntime, one thread, in alternating order, so
that a busy machine slows both alike; the ratio is the median over rounds.
"""

import io
import statistics
import sys
import time
from pathlib import Path

import torch

from ..catalogue import weights_folder
from ..onnx import OnnxPredictor
from ..open import translated
from ..predictor import Array, Predictor
from ..subject import noise
from .checkpoint import find_checkpoints
from .part import Part
from .recipes import parts_of

_ROUNDS = 60


def main(source: Path, packages: Path) -> None:
    """Print a table in Markdown: a call in each package's default shape."""
    torch.set_num_threads(1)
    _print("| package | translated ms | exported ms | ratio |\n|---|---|---|---|")
    for name, state in find_checkpoints(source):
        for part in parts_of(name, state):
            ours = OnnxPredictor(translated(packages / f"{part.name}.mlpackage"))
            inputs = noise(ours.inputs)
            theirs = OnnxPredictor(_exported(part, [inputs[item.name] for item in part.inputs]))
            _print(f"| {part.name} | {_compared(ours, theirs, inputs)} |")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _exported(part: Part, arrays: list[Array]) -> bytes:
    file = io.BytesIO()
    torch.onnx.export(
        part.net,
        tuple(torch.from_numpy(array) for array in arrays),
        file,
        input_names=[item.name for item in part.inputs],
        output_names=[part.output],
        opset_version=17,
        dynamo=False,
    )
    return file.getvalue()


def _compared(ours: Predictor, theirs: Predictor, inputs: dict[str, Array]) -> str:
    times: list[tuple[float, float]] = []
    for round_number in range(_ROUNDS + 2):
        in_order = round_number % 2 == 0
        first = _seconds(ours if in_order else theirs, inputs)
        second = _seconds(theirs if in_order else ours, inputs)
        times.append((first, second) if in_order else (second, first))
    # The first rounds allocate what later ones use again.
    warm = times[2:]
    ratio = statistics.median(our / their for our, their in warm)
    best = [1000 * min(column) for column in zip(*warm, strict=True)]
    return f"{best[0]:.2f} | {best[1]:.2f} | {ratio:.3f}"


def _seconds(predictor: Predictor, inputs: dict[str, Array]) -> float:
    start = time.perf_counter()
    predictor.predict(inputs)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else weights_folder())
