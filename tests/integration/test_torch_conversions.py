"""Small PyTorch modules through coremltools' converter and back: the translation gives what PyTorch gives.

Where the operators' own tests pin definitions, these pin what the converter really writes.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hocket.models.errors import UnsupportedOperator
from hocket.models.mlpackage import read_package
from hocket.models.onnx import OnnxPredictor
from hocket.models.translate import translate

torch = pytest.importorskip("torch", reason="needs the extra 'convert'")
pytest.importorskip("coremltools", reason="needs the extra 'convert'")

pytestmark = [pytest.mark.convert, pytest.mark.filterwarnings("ignore")]

nn, F = torch.nn, torch.nn.functional
Example = tuple[int, ...]


class Function(nn.Module):  # type: ignore[misc,name-defined]
    """A plain function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class First(nn.Module):  # type: ignore[misc,name-defined]
    """The first result of a recurrent layer."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x)[0]


def convert(net: Any, example: Example, folder: Path, **options: Any) -> Path:
    """The module as a package. A copy is converted: coremltools writes into live modules."""
    import coremltools as ct

    traced = torch.jit.trace(copy.deepcopy(net).eval(), torch.randn(*example), check_trace=False)
    shape = options.pop("shape", example)
    model = ct.convert(
        traced,
        inputs=[ct.TensorType("x", shape, np.float32)],
        outputs=[ct.TensorType("y", dtype=np.float32)],
        convert_to="mlprogram",
        compute_precision=options.get("precision", ct.precision.FLOAT32),
        minimum_deployment_target=options.get("target", ct.target.macOS14),
        skip_model_load=True,
    )
    path = folder / "model.mlpackage"
    model.save(str(path))
    return path


def check(net: Any, path: Path, *shapes: Example, tolerance: float = 1e-5) -> None:
    """The translated package against the module, relative to the output's scale."""
    predictor = OnnxPredictor(translate(read_package(path)))
    for shape in shapes:
        x = torch.randn(*shape)
        with torch.inference_mode():
            expected = net.eval()(x).numpy().astype(np.float32)
        found = predictor.predict({"x": x.numpy()})["y"]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max(), rtol=0)


def residual(x: Any) -> Any:
    return torch.cat([x[:, 1:3], x[:, :2] * 2], dim=1) + x[..., -1:].expand(-1, 4, -1)


MODULES: dict[str, tuple[Callable[[], Any], Example]] = {
    "conv1d": (lambda: nn.Conv1d(4, 6, 5, stride=2, padding=3, dilation=2), (2, 4, 30)),
    "grouped conv2d": (lambda: nn.Conv2d(4, 8, 3, padding=1, groups=2), (1, 4, 9, 7)),
    "transposed conv": (lambda: nn.ConvTranspose1d(4, 3, 4, stride=2, padding=1), (1, 4, 9)),
    "transposed conv, longer": (
        lambda: nn.ConvTranspose1d(4, 3, 4, stride=3, padding=1, output_padding=1),
        (1, 4, 9),
    ),
    "max pool, rounding up": (lambda: nn.MaxPool1d(3, 2, ceil_mode=True), (1, 4, 10)),
    "average pool": (lambda: nn.AvgPool2d(3, 2, padding=1), (1, 4, 9, 9)),
    "average pool, without padding": (
        lambda: nn.AvgPool1d(3, 2, padding=1, count_include_pad=False),
        (1, 4, 10),
    ),
    "adaptive pool": (lambda: nn.AdaptiveAvgPool1d(1), (2, 4, 10)),
    "batch norm": (lambda: nn.BatchNorm1d(4), (2, 4, 10)),
    "instance norm": (lambda: nn.InstanceNorm1d(4, affine=True), (2, 4, 10)),
    "layer norm": (lambda: nn.LayerNorm((4, 10)), (2, 4, 10)),
    "group norm": (lambda: nn.GroupNorm(2, 4), (2, 4, 10)),
    "lstm": (lambda: First(nn.LSTM(5, 3, 2, batch_first=True, bidirectional=True)), (2, 7, 5)),
    "rnn": (lambda: First(nn.RNN(5, 3, batch_first=True)), (2, 7, 5)),
    "gelu": (lambda: nn.GELU(), (3, 5)),
    "gelu, tanh": (lambda: nn.GELU("tanh"), (3, 5)),
    "prelu": (lambda: nn.PReLU(4), (2, 4, 5)),
    "mish": (lambda: nn.Mish(), (3, 5)),
    "hard swish": (lambda: nn.Hardswish(), (3, 5)),
    "log softmax": (lambda: nn.LogSoftmax(-1), (3, 5)),
    "pixel shuffle": (lambda: nn.PixelShuffle(2), (1, 8, 3, 3)),
    "upsampling": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 2, 4, 5)),
    "standard deviation": (lambda: Function(lambda x: x.std(-1)), (2, 3, 9)),
    "norm": (lambda: Function(lambda x: F.normalize(x, dim=1)), (2, 6)),
    "log sum exp": (lambda: Function(lambda x: torch.logsumexp(x, 1)), (2, 6)),
    "top values": (lambda: Function(lambda x: x.topk(3, dim=1)[0]), (2, 6)),
    "running sum": (lambda: Function(lambda x: x.cumsum(1)), (2, 6)),
    "slices": (lambda: Function(residual), (2, 4, 5)),
    "masking": (lambda: Function(lambda x: x.masked_fill(x < 0, -1.0)), (2, 6)),
    "reflecting pad": (lambda: nn.ReflectionPad1d((2, 1)), (1, 3, 6)),
    "chunks": (lambda: Function(lambda x: torch.stack(x.chunk(2, 1), 0)), (2, 6)),
    "einsum": (lambda: Function(lambda x: torch.einsum("bij,bkj->bik", x, x)), (2, 3, 4)),
    "gathering": (lambda: Function(lambda x: x[:, torch.tensor([2, 0, 2])]), (2, 4, 3)),
    "triangle": (lambda: Function(lambda x: x.tril(1)), (5, 5)),
    "flip": (lambda: Function(lambda x: x.flip(1)), (2, 5)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module_survives_the_way_through_core_ml(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    build, example = MODULES[name]
    net = build()
    check(net, convert(net, example, tmp_path), example)


def test_lengths_and_batches_may_be_free(tmp_path: Path) -> None:
    import coremltools as ct

    net = nn.Sequential(
        nn.Conv1d(3, 8, 3),
        nn.ReLU(),
        Function(lambda x: x.transpose(1, 2)),
        First(nn.LSTM(8, 4, batch_first=True)),
    )
    shape = (ct.RangeDim(1, 8, 2), 3, ct.RangeDim(5, 100, 20))
    check(net, convert(net, (2, 3, 20), tmp_path, shape=shape), (2, 3, 20), (1, 3, 5), (8, 3, 99))


@pytest.mark.parametrize("target", ["macOS12", "macOS13", "macOS14", "macOS15"])
def test_every_generation_of_operators_is_read(target: str, tmp_path: Path) -> None:
    import coremltools as ct

    net = nn.Sequential(nn.Conv1d(3, 8, 3), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(18, 4), nn.LayerNorm(4))
    path = convert(net, (2, 3, 20), tmp_path, target=getattr(ct.target, target))
    check(net, path, (2, 3, 20))


def test_half_precision_is_exact_to_its_rounding(tmp_path: Path) -> None:
    import coremltools as ct

    net = nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Linear(18, 4))
    path = convert(net, (2, 3, 20), tmp_path, precision=ct.precision.FLOAT16)
    check(net, path, (2, 3, 20), tolerance=5e-3)


def test_what_becomes_a_loop_is_refused_by_name(tmp_path: Path) -> None:
    net = First(nn.GRU(5, 3, batch_first=True))
    path = convert(net, (2, 7, 5), tmp_path)
    with pytest.raises(UnsupportedOperator, match=r"have no translation: .*while_loop \(×1\)"):
        translate(read_package(path))
