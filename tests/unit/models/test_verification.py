"""A sound model passes in every way there is here; whatever is off is found and named."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hocket.models import catalogue, coreml, subject
from hocket.models.catalogue import find_card, weights_folder
from hocket.models.errors import ModelError, UnknownModel
from hocket.models.open import open_predictor
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.subject import PORTABLE, Way, find_subject, noise
from hocket.models.verification import Verification, verify
from hocket.models.verification_plot import check_plot, plot_verification

PACKAGES = Path(__file__).parents[2] / "fixtures" / "packages"
SHIPPED = "pyannote-segmentation-3.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one small package and, beside it, what it gives."""
    package = tmp_path / "recurrent.mlpackage"
    shutil.copytree(PACKAGES / "recurrent.mlpackage", package)
    predictor = open_predictor(package, runtime="portable")
    inputs = noise(predictor.inputs)
    np.savez(package.with_suffix(".golden.npz"), **inputs, **predictor.predict(inputs))  # type: ignore[arg-type]
    return tmp_path


def _change_golden(folder: Path, **changed: object) -> None:
    path = folder / "recurrent.golden.npz"
    with np.load(path) as arrays:
        content = {name: arrays[name] for name in arrays}
    np.savez(path, **(content | changed))  # type: ignore[arg-type]


def _inputs(folder: Path) -> tuple[TensorSpec, ...]:
    return open_predictor(folder / "recurrent.mlpackage", runtime="portable").inputs


def _output(folder: Path) -> str:
    return open_predictor(folder / "recurrent.mlpackage", runtime="portable").outputs[0].name


def _check(folder: Path) -> Verification:
    return verify(find_subject(str(folder)))


def test_a_shipped_model_passes_on_every_portable_way() -> None:
    steps: list[str] = []
    found = verify(find_subject(SHIPPED), progress=steps.append)
    assert found.faults == ()
    assert len(found.files) == 4
    portable = [check for check in found.outputs if check.way.startswith("portable")]
    assert [check.way for check in portable] == ["portable, fp32", "portable, fp16 emulated"]
    assert all(check.reference == "golden" and check.milliseconds for check in portable)
    assert steps[0] == "files"
    assert found.traces[0].differences.shape == (234,)
    assert found.traces[0].differences.max() == pytest.approx(portable[0].error)


def test_a_package_with_its_golden_output_passes(folder: Path) -> None:
    found = _check(folder)
    assert found.faults == ()
    assert found.files == ()
    assert found.outputs[0].error == 0


def test_a_package_that_gives_something_else_is_off(folder: Path) -> None:
    name = _output(folder)
    with np.load(folder / "recurrent.golden.npz") as arrays:
        wrong = arrays[name].copy()
    wrong[0, 0, 0] += 0.5 * np.abs(wrong).max()
    _change_golden(folder, **{name: wrong})
    (fault,) = _check(folder).faults[:1]
    assert fault.startswith(f"recurrent.mlpackage (portable, fp32) gives another {name}: error ")
    assert "of scale, expected at most" in fault


def test_outputs_of_another_shape_are_off(folder: Path) -> None:
    _change_golden(folder, **{_output(folder): np.zeros((1, 2), np.float32)})
    assert "expected (1, 2)" in _check(folder).faults[0]


def test_golden_inputs_that_the_package_refuses_are_off(folder: Path) -> None:
    (spec,) = _inputs(folder)
    _change_golden(folder, **{spec.name: np.zeros(3, np.float32)})
    assert "recurrent.mlpackage cannot be run (portable, fp32): input" in _check(folder).faults[0]


def test_a_golden_file_without_an_output_is_off(folder: Path) -> None:
    name = _output(folder)
    np.savez(folder / "recurrent.golden.npz", **noise(_inputs(folder)))  # type: ignore[arg-type]
    assert f"not {name}: it is of another package" in _check(folder).faults[0]


def test_a_damaged_golden_file_is_off(folder: Path) -> None:
    path = folder / "recurrent.golden.npz"
    with np.load(path) as arrays:
        np.savez_compressed(path, **{name: arrays[name] for name in arrays})  # type: ignore[arg-type]
    sound = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04 no archive", sound[:-30], sound.replace(sound[60:64], b"\xff" * 4, 1)):
        path.write_bytes(damaged)
        assert "recurrent.golden.npz is damaged" in _check(folder).faults[0]


def test_a_damaged_package_is_off(folder: Path) -> None:
    program = folder / "recurrent.mlpackage" / "Data" / "com.apple.CoreML" / "model.mlmodel"
    program.write_bytes(program.read_bytes()[:100])
    found = _check(folder)
    assert len(found.faults) == 1
    assert found.outputs[0].error is None


def test_a_package_without_golden_output_is_held_against_the_portable_runtime(folder: Path) -> None:
    (folder / "recurrent.golden.npz").unlink()
    found = _check(folder)
    assert found.faults == ()
    assert {check.reference for check in found.outputs} == {"portable"}


def test_numbers_that_are_not_finite_are_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_predictor(folder / "recurrent.mlpackage", runtime="portable")

    def broken(inputs: Arrays) -> dict[str, Array]:
        return {name: np.full_like(values, np.nan) for name, values in whole.predict(inputs).items()}

    monkeypatch.setattr(Way, "open", lambda *_: FakePredictor(whole.inputs, whole.outputs, broken))
    found = _check(folder)
    assert f"gives {_output(folder)} with numbers that are not finite" in found.faults[0]
    assert found.outputs[0].error is None


def test_native_units_are_tried_where_there_are_any(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "native_available", lambda: True)
    found = _check(folder)
    assert [check.way for check in found.outputs if check.way.startswith("native")] == [
        f"native, {units}" for units in coreml.COMPUTE_UNITS
    ]


def test_a_way_tells_itself() -> None:
    assert str(PORTABLE) == "portable, fp32"
    assert str(Way("cpu-and-ne")) == "native, cpu-and-ne"
    with pytest.raises(UnknownModel):
        Way(emulate_fp16=True).open(Path("absent.mlpackage"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights folder of an installation that may be damaged."""
    for package in find_card(SHIPPED).packages:
        for file in package.files:
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((weights_folder() / file.path).read_bytes())
    monkeypatch.setattr(catalogue, "weights_folder", lambda: tmp_path)
    return tmp_path


def test_a_changed_bit_in_a_shipped_file_is_named(copied: Path) -> None:
    weights = copied / f"{SHIPPED}.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
    content = bytearray(weights.read_bytes())
    content[100_000] ^= 1
    weights.write_bytes(content)
    found = verify(find_subject(SHIPPED))
    assert f"{weights} ({len(content)} bytes) has sha256" in found.faults[0]
    assert found.faults[0].endswith("install hocket again")


def test_missing_shipped_files_are_named(copied: Path) -> None:
    shutil.rmtree(copied / f"{SHIPPED}.mlpackage")
    faults = verify(find_subject(SHIPPED)).faults
    assert len(faults) == 4  # three files, and the package that cannot be opened
    assert "weight.bin cannot be read (No such file or directory): the installation is damaged" in faults[1]


def test_a_model_that_is_not_here_cannot_be_checked_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path))
    with pytest.raises(UnknownModel, match=r"is not on this machine: hocket models pull fluidinference-segm"):
        find_subject("fluidinference-segmentation")
    with pytest.raises(UnknownModel, match="did you mean"):
        find_subject("pyannote-segmentation-3")


def test_the_picture_shows_times_and_differences(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "checks.svg"
    plot_verification(path, [_check(folder)])
    first = path.read_text()
    assert first.startswith("<?xml")
    with pytest.raises(ModelError, match=r"expected a name that ends in \.svg, \.png, \.pdf"):
        check_plot(Path("checks.txt"))
