"""Weight files: what fits is read, what does not is refused with its place."""

import struct
from pathlib import Path

import numpy as np
import pytest

from hocket.models.errors import PackageError
from hocket.models.mlpackage.blob import Weights

FILE = "@model_path/weights/weight.bin"
FLOAT16, FLOAT32, INT4, UINT3 = 1, 2, 8, 12


def record(
    code: int, data: bytes, *, at: int = 64, magic: int = 0xDEADBEEF, size: int | None = None
) -> bytes:
    """A record whose data follows its 64 bytes."""
    size = len(data) if size is None else size
    return struct.pack("<IIQQQ", magic, code, size, at + 64, 0).ljust(64, b"\0") + data


def weights(folder: Path, records: bytes, *, version: int = 2) -> Weights:
    (folder / "weights").mkdir()
    path = folder / "weights" / "weight.bin"
    path.write_bytes(struct.pack("<II", 1, version).ljust(64, b"\0") + records)
    return Weights(folder)


def test_numbers_come_back_as_a_view(tmp_path: Path) -> None:
    data = np.arange(6, dtype=np.float16)
    constant = weights(tmp_path, record(FLOAT16, data.tobytes())).read(FILE, 64, "float16", (2, 3))
    np.testing.assert_array_equal(constant.value, data.reshape(2, 3))
    assert isinstance(constant.value, np.ndarray)
    assert not constant.value.flags.owndata


def test_numbers_narrower_than_a_byte_are_unpacked(tmp_path: Path) -> None:
    # Least bits first: 1, -1, 7, -8 as four bits each.
    constant = weights(tmp_path, record(INT4, b"\xf1\x87")).read(FILE, 64, "int4", (4,))
    np.testing.assert_array_equal(constant.value, [1, -1, 7, -8])


def test_three_bit_numbers_cross_bytes(tmp_path: Path) -> None:
    # 5, 2, 7 are the bits 101 010 111, read from the least: 111 010 101 -> 0b1_11010101.
    constant = weights(tmp_path, record(UINT3, b"\xd5\x01")).read(FILE, 64, "uint3", (3,))
    np.testing.assert_array_equal(constant.value, [5, 2, 7])


@pytest.mark.parametrize(
    ("records", "offset", "dtype", "shape", "message"),
    [
        (record(FLOAT32, b"\0" * 8), 65, "float32", (2,), "no record there"),
        (record(FLOAT32, b"\0" * 8), 1 << 40, "float32", (2,), "outside the file of 136 bytes"),
        (record(FLOAT32, b"\0" * 8), -1, "float32", (2,), "outside the file"),
        (record(FLOAT32, b"\0" * 8, magic=1), 64, "float32", (2,), "magic 0x00000001, expected 0xdeadbeef"),
        (record(FLOAT32, b"\0" * 8), 64, "float16", (2,), "holds float32, the program says float16"),
        (record(99, b"\0" * 8), 64, "float32", (2,), "holds unknown type 99"),
        (record(FLOAT32, b"\0" * 8, size=9999), 64, "float32", (2,), "9999 bytes at 128 run past"),
        (record(FLOAT32, b"\0" * 8, at=1 << 60), 64, "float32", (2,), "run past the file's 136"),
        (record(FLOAT32, b"\0" * 8), 64, "float32", (3,), r"2 values for shape \[3\]"),
        (record(FLOAT32, b"\0" * 8), 64, "float32", (None,), r"2 values for shape \[\?\]"),
        (record(FLOAT32, b"\0" * 7), 64, "float32", (2,), "7 bytes are no whole number of float32"),
        (record(INT4, b"\0"), 64, "int4", (1 << 40,), "1 bytes for int4"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, records: bytes, offset: int, dtype: str, shape: tuple[int | None, ...], message: str
) -> None:
    with pytest.raises(PackageError, match=message):
        weights(tmp_path, records).read(FILE, offset, dtype, shape)


def test_an_unknown_storage_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"weight.bin has storage version 1, expected 2"):
        weights(tmp_path, b"", version=1).read(FILE, 64, "float32", (1,))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "weight.bin").touch()
    with pytest.raises(PackageError, match="too short to be a weight file"):
        Weights(tmp_path).read(FILE, 64, "float32", (1,))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot read the weight file"):
        Weights(tmp_path).read(FILE, 64, "float32", (1,))


@pytest.mark.parametrize(
    "file",
    [
        "@model_path/../secret",
        "/etc/passwd",
        "@model_path/weights/../../secret",
        "weights/weight.bin",
        "@model_path/x",
    ],
)
def test_no_path_leaves_the_weights_folder(tmp_path: Path, file: str) -> None:
    with pytest.raises(PackageError, match="does not lie in @model_path/weights"):
        Weights(tmp_path).read(file, 64, "float32", (1,))


def test_no_link_leaves_the_package(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    package = tmp_path / "package"
    package.mkdir()
    (package / "weights").symlink_to(outside, target_is_directory=True)
    with pytest.raises(PackageError, match="leads out of the package"):
        Weights(package).read(FILE, 64, "float32", (1,))
