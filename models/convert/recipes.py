"""Which packages hocket makes of which checkpoint: networks, shapes, precisions, probes, tolerances."""

from functools import partial
from typing import Any

import numpy as np
import torch
from coremltools.converters.mil.mil.scope import ScopeSource

from ..errors import ModelError
from ..fbank import Fbank
from .campplus import CampPlus, Head, Trunk
from .checkpoint import StateDict
from .detector_recipe import detector_parts
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import RATE, conversation
from .pyannet import FRONT_CHANNELS, PyanNet
from .utterance_recipes import titanet_parts
from .wespeaker_recipes import wespeaker_parts

WINDOW = 10 * RATE
BATCHES = (1, 2, 4, 8, 16, 32)
MAX_POOLED = 1600  # frames of 20 ms: 32 s of one voice in one vector


def parts_of(name: str, state: StateDict) -> list[Part]:
    """The packages to make of a checkpoint, told apart by its parameter names.

    Raises ModelError for an architecture that has no recipe, or parameters that do not fit theirs exactly.
    """
    if "sincnet.wav_norm1d.weight" in state:
        return _segmentation(name, state)
    if "xvector.tdnn.linear.weight" in state:
        return _campplus(name, state)
    if "resnet.seg_1.weight" in state or "seg_1.weight" in state:
        return wespeaker_parts(name, state)
    if "decoder._pooling.attention_layer.0.conv_layer.weight" in state:
        return titanet_parts(name, state)
    if "model.stft.forward_basis_buffer" in state:
        return detector_parts(name, state)
    known = (
        "pyannote segmentation-3.0, 3D-Speaker CAM++, WeSpeaker ResNet34, NVIDIA TitaNet-Large, Silero VAD"
    )
    first = next(iter(state))
    raise ModelError(f"{name} is of an unknown architecture (first parameter {first!r}); known: {known}")


def _segmentation(name: str, state: StateDict) -> list[Part]:
    lengths = tuple((1, 1, seconds * RATE) for seconds in range(1, 11))
    batches = tuple((batch, 1, WINDOW) for batch in BATCHES[1:])
    return [
        Part(
            name="pyannote-segmentation-3.0",
            net=load_strictly(PyanNet(), name, state),
            inputs=(Input("audio", (1, 1, WINDOW), enumerated=lengths + batches),),
            output="logits",
            probe=lambda: {"audio": conversation(4 * RATE)[None, None]},
            description="Who of up to three local speakers is active: raw scores of 7 powerset classes every "
            "270 samples (16.875 ms) of 16 kHz mono audio.",
            author="Hervé Bredin, Alexis Plaquet (CNRS); converted by hocket",
            license_name="MIT, Copyright (c) 2020 CNRS",
            full_precision=lambda operator: sinc_or_norm(operator) or _first_recurrent(operator),
            max_error_fp16=0.005,
        )
    ]


def sinc_or_norm(operator: Any) -> bool:
    """The first convolution and the instance norms.

    Rounding the band-pass kernels (80 kB) alone makes 95 % of what fp16 weights cost: their stop bands rise,
    and low frequencies leak into every band. The norms sum over 160,000 squares.
    """
    if operator.op_type == "conv":
        return bool(operator.inputs["x"].shape[1] == 1)
    return bool(operator.op_type == "instance_norm")


def _first_recurrent(operator: Any) -> bool:
    """The LSTM that reads the convolutions: rounding its 0.8 MB costs twice what the other three cost."""
    return bool(operator.op_type == "lstm" and operator.inputs["x"].shape[-1] == FRONT_CHANNELS)


def _campplus(name: str, state: StateDict) -> list[Part]:
    # At most 200 feature frames: one context segment, so the masks need none of its machinery.
    net = load_strictly(CampPlus(short=True), name, state)
    part = partial(
        Part,
        author="Hui Wang et al. (3D-Speaker, Alibaba); converted by hocket",
        license_name="Apache-2.0",
    )
    shapes = ((1, 50, 80), (1, 100, 80), *((batch, 150, 80) for batch in BATCHES))
    return [
        part(
            name="campplus-zh-en.trunk",
            net=Trunk(net),
            inputs=(Input("features", (1, 150, 80), enumerated=shapes),),
            output="frames",
            probe=_features,
            full_precision=_early,
            max_error_fp16=5e-3,
            description="Speaker features, 512 every 20 ms, from mean-subtracted Kaldi filter banks.",
        ),
        part(
            name="campplus-zh-en.head",
            net=Head(net),
            inputs=(
                Input("frames", (1, 50, 512), ranges=((1, 16), (1, MAX_POOLED), (512, 512))),
                Input("weights", (1, 50), ranges=((1, 16), (1, MAX_POOLED))),
            ),
            output="embedding",
            probe=lambda: _weighted_frames(net),
            description="One voice vector (192, not normalised) from weighted speaker features.",
            precision="fp32",  # statistics of few frames; half a megabyte is no reason to round them
        ),
    ]


def _early(operator: Any) -> bool:
    """All before the second dense block, told by the module that an operator was traced in.

    Features and the first channels lie several of their deviations off zero, where half precision is as
    many times coarser, and every later layer hears it: 1.3 % of the frames' scale at worst, 0.2 % without,
    for 1.3 MB of weights.
    """
    scopes = operator.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_NAME, [""])
    return scopes[0] not in {"block2", "transit2", "block3", "transit3", "out_nonlinear"}


def _features() -> Probe:
    audio = conversation(4 * RATE).reshape(-1, 32000)[:, : 240 + 24000]
    features = Fbank()(audio)
    return {"features": features - features.mean(1, keepdims=True)}


def _weighted_frames(net: CampPlus) -> Probe:
    """The trunk's own output on the probe; one row with soft weights, one with padding."""
    with torch.inference_mode():
        frames = Trunk(net)(torch.from_numpy(_features()["features"])).numpy()
    weights = np.ones(frames.shape[:2], np.float32)
    weights[0] = np.linspace(0, 1, frames.shape[1])
    weights[1, 40:] = 0
    return {"frames": np.ascontiguousarray(frames), "weights": weights}
