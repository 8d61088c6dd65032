"""What a model makes of a recording in every way of this machine: time by stage, and differences over time.

The whole role is run, front end and all, on consecutive stretches as long as it hears at once. What each way
gives is held against PyTorch's answers where there are any, else against the portable runtime in fp32.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .benchmark import Network
from .catalogue import DetectionCard, SegmentationCard
from .errors import ModelError, ModelRoleError
from .mlpackage import read_package
from .open import open_predictor
from .predictor import Array, Arrays, Predictor
from .selection import Chosen, Opening, choose, open_embedder, open_segmenter
from .subject import PORTABLE, Way, is_half, native_ways

Floats = NDArray[np.float32]
STRETCH = 2.0  # seconds given to an embedder that hears no more than its hop
AROUND = "front end, batching"
PYTORCH = "PyTorch"


@dataclass(frozen=True)
class Curve:
    """How far one way's output is from the reference's over time.

    output: "scores", "frames" or "vectors". times: seconds (n,). differences: (n,) largest of the frame over
    the reference's scale; for vectors 1 - cosine.
    """

    output: str
    way: str
    times: Floats
    differences: Floats


@dataclass(frozen=True)
class Recorded:
    """One model on one recording.

    reference: the way that the others are held against. stages: by way, milliseconds per stretch of each
    package, by its file name, and of what is around them. stretch: seconds. faults: ways that cannot be run.
    """

    model: str
    reference: str
    stretch: float
    stages: dict[str, dict[str, float]]
    curves: tuple[Curve, ...]
    faults: tuple[str, ...] = ()


def choose_any(wanted: str) -> Chosen:
    """The model of that name or folder, for segmentation or embedding, whichever it is for.

    Raises ModelRoleError for one that is for neither, and as `choose`.
    """
    try:
        return choose(wanted, "embedding")
    except ModelRoleError:
        return choose(wanted, "segmentation")


def check_recorded(
    model: Chosen,
    samples: Floats,
    *,
    threads: int = 1,
    networks: Mapping[str, Network] | None = None,
    progress: Callable[[str], object] = str,
) -> Recorded:
    """Run a model over (n,) samples at its rate in every way there is.

    networks: PyTorch's, by package name without its suffix; the reference where every package has one.
    progress: called with what is done next. Raises ModelError for a recording shorter than one stretch.
    """
    half = any(is_half(read_package(path)) for path in model.paths.values())
    ways = [PORTABLE, *([Way(emulate_fp16=True)] if half else []), *native_ways()]
    runs = [(str(way), _Timed(threads=threads, way=way)) for way in ways]
    if networks and all(path.stem in networks for path in model.paths.values()):
        runs.insert(0, (PYTORCH, _Timed(threads=threads, networks=networks)))
    stages: dict[str, dict[str, float]] = {}
    curves: list[Curve] = []
    faults = []
    reference: dict[str, tuple[Floats, Floats]] = {}
    for way, opening in runs:
        progress(f"{model.label}, {way}")
        try:
            found = _outputs(model, samples, opening)
        except ModelError as error:
            if not reference:
                raise
            faults.append(f"{model.label} cannot be run ({way}): {error}")
            continue
        stages[way] = opening.milliseconds
        if reference:
            curves += [
                Curve(name, way, times, _difference(name, values, reference[name][1]))
                for name, (times, values) in found.items()
            ]
        else:
            reference = found
    length = _stretch(model)[0] / model.card.numbers.spec.rate
    return Recorded(model.label, runs[0][0], length, stages, tuple(curves), tuple(faults))


@dataclass(frozen=True)
class _Timed(Opening):
    """Opens packages in one way, or PyTorch's networks in their place, and notes how long each runs."""

    way: Way = PORTABLE
    networks: Mapping[str, Network] | None = None
    milliseconds: dict[str, float] = field(default_factory=dict)

    def predictor(self, path: Path, *, free_batch: bool = False) -> Predictor:
        opened = open_predictor(
            path,
            runtime="native" if self.way.units else "portable",
            threads=self.threads,
            compute_units=self.way.units or self.compute_units,
            emulate_fp16=self.way.emulate_fp16,
            free_batch=free_batch,
        )
        if self.networks is not None:
            opened = _NetworkPredictor(opened, self.networks[path.stem], self.threads)
        return _TimedPredictor(opened, path.name, self.milliseconds)


class _NetworkPredictor:
    """PyTorch in a package's place: the same interface, its answers."""

    def __init__(self, package: Predictor, network: Network, threads: int) -> None:
        self.inputs, self.outputs = package.inputs, package.outputs
        self._network, self._threads = network, threads

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        return {self.outputs[0].name: np.asarray(self._network(inputs, self._threads))}


class _TimedPredictor:
    """Adds up the time of its calls under the package's name."""

    def __init__(self, package: Predictor, name: str, spent: dict[str, float]) -> None:
        self.inputs, self.outputs = package.inputs, package.outputs
        self._package, self._name, self._spent = package, name, spent

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        began = time.perf_counter()
        outputs = self._package.predict(inputs)
        taken = 1000 * (time.perf_counter() - began)
        self._spent[self._name] = self._spent.get(self._name, 0.0) + taken
        return outputs


def _stretch(model: Chosen) -> tuple[int, int]:
    """(samples heard at once, samples before them) of a model."""
    numbers = model.card.numbers
    if isinstance(numbers, SegmentationCard):
        return numbers.spec.lengths[-1], 0
    if isinstance(numbers, DetectionCard):
        raise ModelRoleError(f"{model.label} hears chunks in a row: only verify without a recording knows it")
    spec = numbers.spec
    hops = 1 + spec.lookback // spec.hop if spec.lookback else max(1, round(STRETCH * spec.rate) // spec.hop)
    return hops * spec.hop, spec.preroll


def _outputs(model: Chosen, samples: Floats, opening: _Timed) -> dict[str, tuple[Floats, Floats]]:
    """What a model gives, by name: (times in seconds, values (n, …)); what it took is left in `opening`."""
    length, preroll = _stretch(model)
    hear = _segmentation(model, opening) if model.card.role == "segmentation" else _embedding(model, opening)
    starts = range(0, len(samples) - length + 1, length)
    if not starts:
        raise ModelError(
            f"a recording of {len(samples)} samples, expected at least {length}: {model.label} hears so many "
            "at once"
        )
    padded = np.concatenate([np.zeros(preroll, np.float32), samples])
    hear(padded[np.newaxis, : preroll + length])  # the first call allocates what later ones use again
    opening.milliseconds.clear()
    began = time.perf_counter()
    heard = [hear(padded[np.newaxis, start : start + preroll + length]) for start in starts]
    total = 1000 * (time.perf_counter() - began)
    opening.milliseconds[AROUND] = total - sum(opening.milliseconds.values())
    for name in opening.milliseconds:
        opening.milliseconds[name] /= len(starts)
    rate = model.card.numbers.spec.rate
    return {
        name: (
            np.concatenate([(start + one[name][0]) / rate for start, one in zip(starts, heard, strict=True)]),
            np.concatenate([one[name][1] for one in heard]),
        )
        for name in heard[0]
    }


# (1, samples) to what comes out by name: the samples that rows stand for, and the rows.
_Hear = Callable[[Floats], dict[str, tuple[Floats, Floats]]]


def _segmentation(model: Chosen, opening: Opening) -> _Hear:
    segmenter = open_segmenter(model, opening)
    spec = segmenter.spec

    def hear(audio: Floats) -> dict[str, tuple[Floats, Floats]]:
        scores = segmenter.segment(audio)[0]
        places = spec.frame_offset + spec.frame_step * np.arange(len(scores), dtype=np.float32)
        return {"scores": (places, scores)}

    return hear


def _embedding(model: Chosen, opening: Opening) -> _Hear:
    embedder = open_embedder(model, opening)
    spec = embedder.spec

    def hear(audio: Floats) -> dict[str, tuple[Floats, Floats]]:
        frames = embedder.frames(audio)[0]
        vectors = embedder.embed([frames], [np.ones(len(frames), np.float32)])
        places = spec.frame_step * (np.arange(len(frames), dtype=np.float32) + 0.5)
        return {"frames": (places, frames), "vectors": (places[len(frames) // 2 :][:1], vectors)}

    return hear


def _difference(name: str, values: Floats, reference: Floats) -> Floats:
    """(n,) of (n, …): for vectors 1 - cosine, else the largest difference over the reference's scale."""
    if name == "vectors":
        return np.asarray(np.maximum(0, 1 - (values * reference).sum(axis=1)), np.float32)
    scale = max(float(np.abs(reference).max()), float(np.finfo(np.float32).tiny))
    return np.asarray(np.abs(values - reference).reshape(len(values), -1).max(axis=1) / scale, np.float32)
