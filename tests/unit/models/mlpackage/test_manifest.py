"""Finding a package's files, and never others."""

import json
from pathlib import Path

import pytest

from hocket.models.errors import PackageError, UnknownModel
from hocket.models.mlpackage import locate


def package(folder: Path, item: object) -> Path:
    (folder / "Data").mkdir()
    manifest = {"rootModelIdentifier": "A", "itemInfoEntries": {"A": {"path": item}}}
    (folder / "Manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_manifest_names_the_program(tmp_path: Path) -> None:
    package(tmp_path, "com.apple.CoreML/model.mlmodel")
    program = tmp_path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    program.parent.mkdir()
    program.write_bytes(b"")
    files = locate(tmp_path)
    assert files.program.samefile(program)
    assert files.root.samefile(program.parent)


def test_program_text_is_looked_for_before_the_manifest(tmp_path: Path) -> None:
    package(tmp_path, "model.mil")
    (tmp_path / "model.mil").write_text("program(1.0){}")
    assert locate(tmp_path).is_text


def test_a_missing_folder_is_an_unknown_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no model folder at"):
        locate(tmp_path / "nowhere")


def test_a_folder_of_something_else_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"neither an .mlpackage .* nor a compiled ML Program"):
        locate(tmp_path)


@pytest.mark.parametrize("item", ["../../secret", "/etc/passwd", "a/../../../b", 5, None, "a\0b"])
def test_the_manifest_cannot_lead_out_of_the_package(tmp_path: Path, item: object) -> None:
    with pytest.raises(PackageError, match=r"Manifest\.json points out of the package"):
        locate(package(tmp_path, item))


def test_a_link_cannot_lead_out_of_the_package(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    package(inner, "link/model.mlmodel")
    (tmp_path / "model.mlmodel").touch()
    (inner / "Data" / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(PackageError, match="points out of the package"):
        locate(inner)


def test_a_named_program_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="which is missing"):
        locate(package(tmp_path, "model.mlmodel"))


@pytest.mark.parametrize("text", ["{", "[]", '{"rootModelIdentifier": "A"}', "[" * 100_000, "\xff"])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "Manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(PackageError, match=r"Manifest\.json"):
        locate(tmp_path)


def test_the_fingerprint_covers_program_and_weights(tmp_path: Path) -> None:
    (tmp_path / "model.mil").write_text("program(1.0){}")
    (tmp_path / "weights").mkdir()
    weight = tmp_path / "weights" / "weight.bin"
    weight.write_bytes(b"1")
    prints = [locate(tmp_path).fingerprint()]
    weight.write_bytes(b"2")
    prints.append(locate(tmp_path).fingerprint())
    (tmp_path / "model.mil").write_text("program(1.0){ }")
    prints.append(locate(tmp_path).fingerprint())
    (tmp_path / "metadata.json").write_text("[]")
    prints.append(locate(tmp_path).fingerprint())
    assert len(set(prints)) == 4


def test_an_implausibly_large_program_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "model.mil").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(PackageError, match="more than the"):
        locate(tmp_path).read_program()
