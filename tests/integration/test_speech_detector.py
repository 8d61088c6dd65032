"""Silero VAD: the package that ships against the published network, and what its conversion refuses."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models import open_models
from hocket.models.catalogue import find_card
from hocket.models.errors import ModelError
from hocket.models.roles import DetectingSegmenter
from tests.silero import silero_wheel

_CHUNK, _LOOKBACK = 512, 64


def _published() -> bytes:
    source = find_card("silero-vad").source
    assert source is not None
    with zipfile.ZipFile(silero_wheel()) as wheel:
        [name] = [name for name in wheel.namelist() if Path(name).name == source.checkpoint]
        content = wheel.read(name)
    assert hashlib.sha256(content).hexdigest() == source.files[0].sha256
    return content


def _swelling_noise() -> NDArray[np.float32]:
    """3 s of noise that swells and fades, with a hum in it: speech enough for the network to waver."""
    time = np.arange(48_000) / 16_000
    hum = sum(np.sin(2 * np.pi * 120 * harmonic * time) / harmonic for harmonic in range(1, 20))
    noise = np.random.default_rng(0).standard_normal(len(time))
    return ((0.1 * hum + 0.03 * noise) * np.sin(2 * np.pi * 1.5 * time) ** 2).astype(np.float32)


def test_the_package_says_what_the_published_network_says_chunk_by_chunk() -> None:
    import onnxruntime

    published = onnxruntime.InferenceSession(_published(), providers=["CPUExecutionProvider"])
    samples = np.pad(_swelling_noise(), (_LOOKBACK, 0))
    views = np.lib.stride_tricks.sliding_window_view(samples, _LOOKBACK + _CHUNK)[::_CHUNK]
    state, expected = np.zeros((2, 1, 128), np.float32), []
    for view in views:
        inputs = {"input": view[None], "state": state, "sr": np.array(16_000)}
        probability, state = published.run(None, inputs)
        expected.append(probability[0, 0])
    segmenter = open_models(runtime="portable").segmenter
    assert isinstance(segmenter, DetectingSegmenter)
    memory, heard = np.zeros((1, 256), np.float32), []
    for start in range(0, len(views), 16):
        chunks = views[start : start + 16]
        answer = segmenter.detect(chunks[None].copy(), memory)[0]
        heard.append(answer[: len(chunks)])
        memory = answer[None, len(chunks) :]
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(np.concatenate(heard), expected, atol=1e-4)
    np.testing.assert_allclose(memory[0], state.reshape(-1), atol=1e-3)


@pytest.mark.convert
def test_the_wheel_becomes_the_package_that_ships(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("coremltools")
    from hocket.models.catalogue import weights_folder
    from hocket.models.convert import convert

    [converted] = convert(silero_wheel(), tmp_path)
    assert converted.path.name == "silero-vad.mlpackage"
    assert converted.precision == "fp32"
    assert converted.parity.error < 1e-4
    weights = "Data/com.apple.CoreML/weights/weight.bin"
    shipped = weights_folder() / converted.path.name / weights
    assert (converted.path / weights).read_bytes() == shipped.read_bytes()


@pytest.mark.convert
@pytest.mark.parametrize(("content", "reason"), [(b"not a graph", "is not an ONNX file"), (b"", "no param")])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("coremltools")
    from hocket.models.convert import convert

    path = tmp_path / "silero_vad_16k_op15.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"silero_vad_16k_op15.onnx.* {reason}"):
        list(convert(path, tmp_path / "out"))
