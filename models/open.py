"""From a folder on disk to a loaded model: which runtime, and what is cached."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Literal

from .errors import ModelError, UnknownModel
from .predictor import Predictor

Runtime = Literal["auto", "native", "portable"]


def open_predictor(
    path: Path,
    *,
    runtime: Runtime = "auto",
    threads: int = 1,
    compute_units: str = "all",
    providers: Sequence[str] | None = None,
    emulate_fp16: bool = False,
    free_batch: bool = False,
) -> Predictor:
    """The model at `path`, an .mlpackage or .mlmodelc folder or an .onnx file, ready to predict.

    runtime: "native" is Core ML (macOS), "portable" onnxruntime; "auto" prefers the native one.
    threads, providers: of the portable runtime, see OnnxPredictor.
    compute_units: of the native runtime, see CoreMLPredictor.
    emulate_fp16: round every half-precision result as hardware of that precision would; portable only.
    free_batch: take any number of rows where the package declares one and its program gives the same for
        every row alone; portable only, natively a package keeps its batch.
    Raises UnknownModel when nothing is there, PackageError when it is damaged, UnsupportedOperator when the
    portable runtime lacks something, MissingDependency, ModelError for all else.
    """
    if not path.exists():
        raise UnknownModel(f"no model at {path}")
    is_onnx = path.suffix == ".onnx"
    if runtime == "native" and (is_onnx or emulate_fp16):
        what = "an .onnx file" if is_onnx else "emulated half precision"
        raise ModelError(f"the native runtime cannot run {what}: use the portable runtime")
    if runtime == "native" or (runtime == "auto" and not (is_onnx or emulate_fp16) and native_available()):
        from .coreml import CoreMLPredictor

        return CoreMLPredictor(path, compute_units=compute_units)
    from .onnx import OnnxPredictor

    model = path if is_onnx else translated(path, emulate_fp16=emulate_fp16, free_batch=free_batch)
    return OnnxPredictor(model, threads=threads, providers=providers)


def native_available() -> bool:
    """Whether Core ML can run models here."""
    return sys.platform == "darwin" and find_spec("coremltools") is not None


def translated(path: Path, *, emulate_fp16: bool = False, free_batch: bool = False) -> bytes:
    """The package at `path` as an ONNX file, from the cache where it has been translated before."""
    from .cache import cached
    from .mlpackage import locate, read_package

    def make() -> bytes:
        from .free_batch import translate_freed
        from .translate import translate

        make_file = translate_freed if free_batch else translate
        return make_file(read_package(path), emulate_fp16=emulate_fp16)

    return cached(_key(locate(path).fingerprint(), emulate_fp16, free_batch), make)


def forget_translations(path: Path) -> int:
    """Remove what is kept of the package at `path`; the number of bytes that this frees.

    Raises PackageError where the package cannot be read.
    """
    from .cache import forget
    from .mlpackage import locate

    fingerprint = locate(path).fingerprint()
    return sum(forget(_key(fingerprint, *options)) for options in product((False, True), repeat=2))


def _key(fingerprint: str, emulate_fp16: bool, free_batch: bool) -> str:
    return f"{fingerprint} emulate_fp16={emulate_fp16} free_batch={free_batch}"
