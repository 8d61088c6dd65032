"""The two seeds' checkpoints, laid out as published, filled with random but seeded weights."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden_weights import golden_state
from tests.shared_data import shared


def wespeaker_state() -> dict[str, Any]:
    """Parameters under pyannote.audio's names."""
    import torch

    state = golden_state("wespeaker_resnet34")
    return {name: torch.from_numpy(np.asarray(value)) for name, value in state.items()}


def titanet_state() -> dict[str, Any]:
    """Parameters under NeMo's names, with NeMo's own filter bank and window."""
    import torch

    state = {name: torch.from_numpy(np.asarray(v)) for name, v in golden_state("titanet_large").items()}
    front_end = np.load(shared("parity/golden_nemo_mel.npz"))
    state["preprocessor.featurizer.fb"] = torch.from_numpy(front_end["filterbank"])[None]
    state["preprocessor.featurizer.window"] = torch.from_numpy(front_end["window"])
    return state


def write_checkpoint(model: str, folder: Path) -> Path:
    """The checkpoint of "wespeaker" or "titanet" in its published form."""
    import torch

    if model == "wespeaker":
        path = folder / "pytorch_model.bin"
        torch.save({"state_dict": wespeaker_state()}, path)
        return path
    buffer = io.BytesIO()
    torch.save({name: value.float() for name, value in titanet_state().items()}, buffer)
    path = folder / "titanet-l.nemo"
    with tarfile.open(path, "w") as tar:
        for name, content in (
            ("model_config.yaml", b"name: titanet\n"),
            ("model_weights.ckpt", buffer.getvalue()),
        ):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
