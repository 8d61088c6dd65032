"""`python -m hocket.models.convert.measure SOURCE AUDIO…`: the tables of docs/models.md.

SOURCE: where the published checkpoints are. AUDIO: 16 kHz recordings of at least 10 s.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from ..catalogue import EmbeddingCard, find_card, weights_folder
from ..open import open_predictor
from ..predictor import Arrays, Predictor
from .checkpoint import find_checkpoints
from .parity import Parity
from .part import Part
from .probe import RATE
from .recipes import WINDOW, parts_of

ROUNDS = 30


def main(source: Path, recordings: list[Path]) -> None:
    """Print both tables as Markdown."""
    torch.set_num_threads(1)
    parts = {part.name: part for name, state in find_checkpoints(source) for part in parts_of(name, state)}
    audio = np.concatenate([_windows(path) for path in recordings])
    _print(f"{len(audio)} windows of 10 s; stretches of 1.5 s from each\n")
    _print(
        "| package | arithmetic | largest error / scale | same class | least cosine |\n|---|---|---|---|---|"
    )
    for row in _parity_rows(parts, audio):
        _print(row)
    _print("\n| call | ms |\n|---|---|")
    for row in _time_rows(parts):
        _print(row)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _windows(path: Path) -> NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != RATE:
        raise SystemExit(f"error: {path} is at {rate} Hz, expected {RATE}")
    count = len(samples) // WINDOW
    windows: NDArray[np.float32] = samples[: count * WINDOW, 0].reshape(count, WINDOW)
    return windows


def _parity_rows(parts: dict[str, Part], audio: NDArray[np.float32]) -> Iterator[str]:
    card = find_card("campplus-zh-en").numbers
    assert isinstance(card, EmbeddingCard)
    features = card.front_end(np.ascontiguousarray(audio[:, : 240 + 24000]))
    features -= features.mean(1, keepdims=True)
    trunk = parts["campplus-zh-en.trunk"]
    frames = np.ascontiguousarray(trunk.reference({"features": features}))
    inputs: dict[str, Arrays] = {
        "pyannote-segmentation-3.0": {"audio": audio[:, np.newaxis]},
        "campplus-zh-en.trunk": {"features": features},
        "campplus-zh-en.head": {"frames": frames, "weights": np.ones(frames.shape[:2], np.float32)},
    }
    for name, rows in inputs.items():
        part = parts[name]
        reference = part.reference(dict(rows))
        for emulate_fp16 in (False, True):
            path = weights_folder() / f"{name}.mlpackage"
            predictor = open_predictor(path, runtime="portable", emulate_fp16=emulate_fp16)
            parity = Parity.between(_one_by_one(predictor, rows, part.output), reference)
            same = f"{parity.same_class:.2%}" if part.output == "logits" else ""
            kind = "fp16, emulated" if emulate_fp16 else "fp32"
            yield f"| {name} | {kind} | {parity.error:.1e} | {same} | {parity.cosine:.6f} |"


def _one_by_one(predictor: Predictor, rows: Arrays, output: str) -> NDArray[np.float32]:
    count = len(next(iter(rows.values())))
    calls = ({name: array[k : k + 1] for name, array in rows.items()} for k in range(count))
    return np.concatenate([predictor.predict(call)[output] for call in calls])


def _time_rows(parts: dict[str, Part]) -> Iterator[str]:
    """Best of many rounds, one thread, on the portable runtime."""
    calls: dict[str, tuple[tuple[int, ...], ...]] = {
        "pyannote-segmentation-3.0": ((1, 1, WINDOW), (1, 1, WINDOW // 2), (4, 1, WINDOW)),
        "campplus-zh-en.trunk": ((1, 150, 80), (1, 100, 80), (1, 50, 80), (4, 150, 80)),
        "campplus-zh-en.head": ((1, 25, 512), (1, 100, 512), (4, 50, 512)),
    }
    rng = np.random.default_rng(0)
    for name, shapes in calls.items():
        predictor = open_predictor(weights_folder() / f"{name}.mlpackage", runtime="portable")
        for shape in shapes:
            first, *rest = parts[name].inputs
            inputs = {first.name: rng.normal(0, 0.1, shape).astype(np.float32)}
            inputs |= {item.name: np.ones(shape[:2], np.float32) for item in rest}
            best = min(_seconds(lambda: predictor.predict(inputs)) for _ in range(ROUNDS))  # noqa: B023
            yield f"| {name} {shape} | {1000 * best:.2f} |"


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
