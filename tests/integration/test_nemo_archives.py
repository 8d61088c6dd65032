"""Reading NeMo archives: a tar file of a configuration and a checkpoint."""

import io
import tarfile
from pathlib import Path

import pytest

from hocket.models.errors import ModelError

torch = pytest.importorskip("torch")

from hocket.models.convert.checkpoint import find_checkpoints  # noqa: E402  (needs the extra)

pytestmark = pytest.mark.convert


def _archive(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def _checkpoint() -> bytes:
    buffer = io.BytesIO()
    torch.save({"encoder.weight": torch.ones(2)}, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_the_checkpoint_is_found_however_the_archive_was_packed(
    tmp_path: Path, mode: str, prefix: str
) -> None:
    members = {f"{prefix}model_config.yaml": b"name: x\n", f"{prefix}model_weights.ckpt": _checkpoint()}
    path = _archive(tmp_path / "titanet-l.nemo", members, mode)
    ((name, state),) = find_checkpoints(path)
    assert name == f"{path}:{prefix}model_weights.ckpt"
    assert list(state) == ["encoder.weight"]


def test_archives_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    _archive(tmp_path / "models" / "titanet-l.nemo", {"model_weights.ckpt": _checkpoint()})
    assert [list(state) for _, state in find_checkpoints(tmp_path)] == [["encoder.weight"]]


def test_an_archive_without_weights_is_named(tmp_path: Path) -> None:
    path = _archive(tmp_path / "empty.nemo", {"model_config.yaml": b"name: x\n"})
    with pytest.raises(ModelError, match=r"empty\.nemo holds no model_weights\.ckpt"):
        list(find_checkpoints(path))


@pytest.mark.parametrize("keep", [0, 100, 700])
def test_a_damaged_archive_is_named(tmp_path: Path, keep: int) -> None:
    path = _archive(tmp_path / "damaged.nemo", {"model_weights.ckpt": _checkpoint()})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"damaged\.nemo"):
        list(find_checkpoints(path))
