"""Opening models: which runtime, what is cached, and that nothing heavy is imported on the way."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from hocket.models import open as opening
from hocket.models import open_predictor
from hocket.models.errors import ModelError, PackageError, UnknownModel
from hocket.models.onnx import OnnxPredictor

_PACKAGE = Path(__file__).parents[2] / "fixtures" / "packages" / "quantized.mlpackage"
X = {"x": np.ones((4, 32), np.float32)}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(folder))
    return folder


def kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("*"))


def opened() -> np.ndarray:  # type: ignore[type-arg]
    return open_predictor(_PACKAGE, runtime="portable").predict(X)["y"]


def test_a_package_is_translated_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened()
    monkeypatch.setattr("hocket.models.translate.translate", None)
    np.testing.assert_array_equal(opened(), first)
    assert len(kept(cache)) == 1


def test_options_and_contents_have_files_of_their_own(cache: Path, tmp_path: Path) -> None:
    opened()
    open_predictor(_PACKAGE, runtime="portable", emulate_fp16=True)
    assert len(kept(cache)) == 2
    copy = tmp_path / "copy.mlpackage"
    shutil.copytree(_PACKAGE, copy)
    open_predictor(copy, runtime="portable")
    assert len(kept(cache)) == 2
    weights = copy / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    open_predictor(copy, runtime="portable")
    assert len(kept(cache)) == 3


def test_kept_files_are_plain_onnx(cache: Path) -> None:
    opened()
    (path,) = kept(cache)
    onnx.checker.check_model(str(path))
    assert path.suffix == ".onnx"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "swollen"])
def test_a_damaged_kept_file_is_noticed_and_made_again(
    damage: str, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = opened()
    (path,) = kept(cache)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "truncated": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "emptied": b"",
            "swollen": whole + b"\0",
        }[damage]
    )
    np.testing.assert_array_equal(opened(), first)
    assert "is damaged and will be made again" in caplog.text
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(blocked / "below"))
    assert opened().shape == (4, 16)
    assert blocked.read_bytes() == b""


def test_nothing_half_written_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert opened().shape == (4, 16)
    assert kept(cache) == []


def test_an_onnx_file_is_opened_as_it_is(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(opening.translated(_PACKAGE))
    np.testing.assert_array_equal(open_predictor(path).predict(X)["y"], opened())


def test_auto_is_portable_where_core_ml_cannot_run(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "native_available", lambda: False)
    assert isinstance(open_predictor(_PACKAGE), OnnxPredictor)


def test_auto_is_native_where_core_ml_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "native_available", lambda: True)
    monkeypatch.setattr(
        "hocket.models.coreml.CoreMLPredictor", lambda path, compute_units: (path, compute_units)
    )
    assert open_predictor(_PACKAGE, compute_units="cpu") == (_PACKAGE, "cpu")


def test_emulation_is_portable_even_where_core_ml_runs(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "native_available", lambda: True)
    assert isinstance(open_predictor(_PACKAGE, emulate_fp16=True), OnnxPredictor)
    with pytest.raises(ModelError, match="the native runtime cannot run emulated half precision"):
        open_predictor(_PACKAGE, runtime="native", emulate_fp16=True)


def test_a_path_to_nothing_is_an_unknown_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no model at"):
        open_predictor(tmp_path / "missing.mlpackage")


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.mlmodel"
    path.touch()
    with pytest.raises(ModelError, match=r"model\.mlmodel is a file"):
        open_predictor(path, runtime="portable")


def test_a_package_whose_weights_are_missing_says_so(tmp_path: Path, cache: Path) -> None:
    copy = tmp_path / "copy.mlpackage"
    shutil.copytree(_PACKAGE, copy)
    (copy / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").unlink()
    with pytest.raises(PackageError, match=r"cannot read the weight file .*weight\.bin"):
        open_predictor(copy, runtime="portable")


_GUARD = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ImportError(f"{{name}} must not be imported here")

sys.meta_path.insert(0, Refuse())
"""


def run_guarded(refused: set[str], code: str, cache: Path) -> None:
    """Run code in a fresh process where importing any of `refused` fails."""
    subprocess.run(
        [sys.executable, "-c", _GUARD.format(refused=refused) + code],
        check=True,
        env={"HOCKET_CACHE_DIR": str(cache), "PATH": ""},
    )


def test_importing_models_imports_no_runtime(cache: Path) -> None:
    refused = {"onnxruntime", "torch", "coremltools", "onnx", "google", "scipy", "platformdirs"}
    run_guarded(refused, "import hocket.models", cache)


def test_the_portable_path_needs_numpy_and_onnxruntime_only(cache: Path) -> None:
    code = f"""
from pathlib import Path
import numpy as np
from hocket.models import open_predictor
predictor = open_predictor(Path({str(_PACKAGE)!r}), runtime="portable")
predictor.predict({{"x": np.ones((4, 32), np.float32)}})
"""
    run_guarded({"torch", "coremltools", "onnx", "google", "scipy"}, code, cache)
