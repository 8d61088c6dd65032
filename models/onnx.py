"""The portable runtime: ONNX files on onnxruntime, on any system."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import MissingDependency, ModelError
from .predictor import Array, Arrays, TensorSpec, check_inputs
from .specs import INTERFACE_KEY, Specs, decode_specs

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
# onnxruntime's numbers for "fatal errors only": what goes wrong is raised, not printed.
_LOG_FATAL = 4


class OnnxPredictor:
    """A Predictor on onnxruntime.

    model: a file, or the bytes of one. Its interface is what a translated package declared, else the
    graph's own, whose free axes admit any size.
    threads: how many cores one call may use. Several sessions scale better than several threads.
    providers: onnxruntime's execution providers in order of preference ("CUDAExecutionProvider"); the CPU
    when None.
    Raises MissingDependency without onnxruntime, ModelError for a damaged file or an absent provider.
    """

    def __init__(
        self, model: bytes | Path, *, threads: int = 1, providers: Sequence[str] | None = None
    ) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_FATAL
        wanted = list(providers or ("CPUExecutionProvider",))
        available = runtime.get_available_providers()
        if absent := [name for name in wanted if name not in available]:
            raise ModelError(f"onnxruntime has no {', '.join(absent)} here; it has {', '.join(available)}")
        source = model if isinstance(model, bytes) else str(model)
        name = "the translated model" if isinstance(model, bytes) else str(model)
        try:
            self._session = runtime.InferenceSession(source, options, providers=wanted)
        except Exception as error:  # onnxruntime's own classes have no common base below Exception
            raise ModelError(f"onnxruntime cannot load {name}: {error}") from error
        self.inputs, self.outputs = _interface(self._session)
        self._output_names = [spec.name for spec in self.outputs]

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Every declared output by name. Raises ShapeError for ill-shaped inputs, ModelError on failure."""
        check_inputs(self.inputs, inputs)
        try:
            outputs = self._session.run(self._output_names, dict(inputs))
        except Exception as error:  # as above
            raise ModelError(f"onnxruntime failed: {error}") from error
        return dict(zip(self._output_names, outputs, strict=True))


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("the portable runtime needs onnxruntime: pip install onnxruntime") from error
    return onnxruntime


def _interface(session: Any) -> tuple[Specs, Specs]:
    text = session.get_modelmeta().custom_metadata_map.get(INTERFACE_KEY)
    if text is not None:
        return decode_specs(text)
    return (
        tuple(_graph_spec(node, least=1) for node in session.get_inputs()),
        tuple(_graph_spec(node, least=0) for node in session.get_outputs()),
    )


def _graph_spec(node: Any, least: int) -> TensorSpec:
    if node.type not in _DTYPES:
        raise ModelError(f"tensor {node.name!r} is of type {node.type}, expected one of {sorted(_DTYPES)}")
    sizes = [size if isinstance(size, int) else None for size in node.shape]
    ranges = tuple((least, -1) if size is None else (size, size) for size in sizes)
    shape = tuple((1 if least else -1) if size is None else size for size in sizes)
    return TensorSpec(node.name, shape, _DTYPES[node.type], ranges=ranges if None in sizes else ())
