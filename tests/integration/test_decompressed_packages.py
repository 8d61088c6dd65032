"""Compressed weights are what coremltools makes of them: a package and its decompressed copy answer alike."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hocket.models import open_predictor
from hocket.models.mlpackage import read_package

coremltools = pytest.importorskip("coremltools")

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # coremltools leaves folders of its models to be cleaned up
]

FOLDER = Path(__file__).parent.parent / "fixtures" / "packages"


def is_compressed(package: Path) -> bool:
    return any(operation.kind.startswith("constexpr_") for operation in read_package(package).operations)


COMPRESSED = [package for package in sorted(FOLDER.glob("*.mlpackage")) if is_compressed(package)]


@pytest.mark.parametrize("package", COMPRESSED, ids=lambda package: package.stem)
def test_a_compressed_package_gives_bit_for_bit_what_its_decompressed_copy_gives(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(tmp_path / "cache"))
    opened, copy = tmp_path / package.name, tmp_path / "decompressed.mlpackage"
    shutil.copytree(package, opened)  # coremltools rewrites the manifest of what it opens
    model = coremltools.models.MLModel(str(opened), skip_model_load=True)
    coremltools.optimize.coreml.decompress_weights(model).save(str(copy))
    assert not is_compressed(copy)

    compressed, plain = (open_predictor(path, runtime="portable") for path in (package, copy))
    rng = np.random.default_rng(0)
    probe = {spec.name: rng.normal(size=spec.shape).astype(spec.dtype) for spec in compressed.inputs}
    expected = plain.predict(probe)
    for name, found in compressed.predict(probe).items():
        np.testing.assert_array_equal(found, expected[name])
