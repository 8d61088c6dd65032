"""Stored packages give what PyTorch gave, from folder to numbers, without torch or coremltools."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hocket.models import open_predictor
from hocket.models.mlpackage import read_package

_FOLDER = Path(__file__).parent.parent / "fixtures" / "packages"
# Relative to the output's scale: rounding of float32 sums; of weights and results to float16; and for
# compressed weights float16 scales and tables.
_TOLERANCES = {
    "recurrent": 2e-6,
    "convolutional": 2e-6,
    "attentive": 2e-3,
    "palette": 2e-3,
    "quantized": 2e-3,
    "sparse": 2e-3,
    "grouped_palette": 2e-3,
    "blockwise": 2e-3,
    "sparse_palette": 2e-3,
    "sparse_quantized": 2e-3,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("emulate_fp16", [False, True])
@pytest.mark.parametrize("name", _TOLERANCES)
def test_package_gives_what_pytorch_gave(name: str, emulate_fp16: bool) -> None:
    predictor = open_predictor(_FOLDER / f"{name}.mlpackage", runtime="portable", emulate_fp16=emulate_fp16)
    stored = np.load(_FOLDER / f"{name}.npz")
    for index in {key.partition(".")[0] for key in stored}:
        outputs = predictor.predict({"x": stored[f"{index}.x"]})
        for key, found in outputs.items():
            expected = stored[f"{index}.{key}"]
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found, expected, atol=_TOLERANCES[name] * scale, rtol=0)


def test_every_stored_package_is_tested() -> None:
    assert {folder.stem for folder in _FOLDER.glob("*.mlpackage")} == set(_TOLERANCES)


def test_every_encoding_of_constants_is_among_the_stored_packages() -> None:
    kinds: Counter[str] = Counter()
    for folder in _FOLDER.glob("*.mlpackage"):
        kinds.update(operation.kind for operation in read_package(folder).operations)
    assert {kind for kind in kinds if kind.startswith("constexpr_")} == {
        "constexpr_affine_dequantize",
        "constexpr_blockwise_shift_scale",
        "constexpr_lut_to_dense",
        "constexpr_lut_to_sparse",
        "constexpr_sparse_blockwise_shift_scale",
        "constexpr_sparse_to_dense",
    }


def test_ranges_and_enumerated_shapes_are_read() -> None:
    (ranged,) = read_package(_FOLDER / "recurrent.mlpackage").inputs
    assert ranged.ranges == ((1, 8), (1, 50), (4, 4))
    assert ranged.shape == (2, 7, 4)
    (enumerated,) = read_package(_FOLDER / "attentive.mlpackage").inputs
    assert set(enumerated.allowed) == {(1, 5, 8), (1, 9, 8), (4, 5, 8)}
    assert enumerated.shape == (1, 5, 8)
