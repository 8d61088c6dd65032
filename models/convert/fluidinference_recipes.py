"""FluidInference's packages, made of the original checkpoints: their names, inputs, outputs and shapes."""

from functools import partial
from typing import Any

import numpy as np

from ..errors import ModelError
from ..plda import Plda
from .checkpoint import StateDict
from .fluidinference import (
    ADDED,
    MASK_FRAMES,
    WINDOW,
    FilterBanks,
    LogProbabilities,
    MaskedEmbedding,
    PldaRho,
    WaveformEmbedding,
)
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import conversation
from .pyannet import PyanNet
from .recipes import sinc_or_norm
from .utterance_recipes import statistics
from .wespeaker import WeSpeakerResNet34
from .wespeaker_recipes import wespeaker_state

MAX_BATCH = 32
SLOTS = 3  # of wespeaker_v2, one for each local speaker
_BATCHES = range(1, MAX_BATCH + 1)
_part = partial(Part, author="Converted by hocket, with FluidInference's interface", license_name="CC-BY-4.0")


def fluidinference_parts_of(name: str, state: StateDict) -> list[Part]:
    """The packages to make of a checkpoint, told apart by its parameter names.

    Raises ModelError for an architecture of which FluidInference publish none, or parameters that do not fit.
    """
    if "sincnet.wav_norm1d.weight" in state:
        return _segmentation(load_strictly(PyanNet(), name, state))
    if "resnet.seg_1.weight" in state or "seg_1.weight" in state:
        return _embedding(load_strictly(WeSpeakerResNet34(), name, wespeaker_state(state)))
    first = next(iter(state))
    raise ModelError(
        f"{name} is of another architecture (first parameter {first!r}) than FluidInference's packages: "
        "pyannote segmentation, WeSpeaker ResNet34"
    )


def plda_part(plda: Plda) -> Part:
    """`PldaRho`. Raises ModelError for parameters of other sizes than community-1's."""
    if plda.lda.shape != (256, 128):
        raise ModelError(f"PldaRho maps 256 numbers to 128, this PLDA maps {plda.lda.shape}")
    return _part(
        name="PldaRho",
        net=PldaRho(plda),
        inputs=(Input("embeddings", (MAX_BATCH, 256), enumerated=tuple((batch, 256) for batch in _BATCHES)),),
        output="rho",
        probe=lambda: {"embeddings": np.random.default_rng(0).normal(0, 0.1, (3, 256)).astype(np.float32)},
        description="PLDA features of embeddings, scaled by the square root of phi.",
        precision="fp32",
        max_error_fp32=1e-5,
    )


def _segmentation(net: PyanNet) -> list[Part]:
    windows = tuple((batch, 1, WINDOW) for batch in _BATCHES)
    part = partial(
        _part,
        net=LogProbabilities(net).eval(),
        probe=lambda: {"audio": conversation(WINDOW)[None, None]},
        description="Log-probabilities of 7 powerset classes, every 270 samples of 10 s.",
        full_precision=_sinc_norm_or_log,
        max_error_fp16=0.01,
    )
    return [
        part(
            name="Segmentation",
            inputs=(Input("audio", (MAX_BATCH, 1, WINDOW), enumerated=windows),),
            output="log_probs",
        ),
        part(name="pyannote_segmentation", inputs=(Input("audio", (1, 1, WINDOW)),), output="segments"),
    ]


def _embedding(net: WeSpeakerResNet34) -> list[Part]:
    windows = tuple((batch, 1, WINDOW) for batch in _BATCHES)
    features = (1, 1, 80, 998)
    return [
        _part(
            name="FBank",
            net=FilterBanks(ADDED),
            inputs=(Input("audio", windows[0], enumerated=windows),),
            output="fbank_features",
            probe=lambda: {"audio": conversation(WINDOW)[None, None]},
            description="80 x 998 Kaldi filter banks of 10 s, less their mean.",
            precision="fp32",  # energies on the 16-bit scale pass 1e12
        ),
        _part(
            name="Embedding",
            net=MaskedEmbedding(net.resnet).eval(),
            inputs=(
                Input("fbank_features", features, ranges=((1, MAX_BATCH), *((n, n) for n in features[1:]))),
                Input("weights", (1, MASK_FRAMES), ranges=((1, MAX_BATCH), (MASK_FRAMES, MASK_FRAMES))),
            ),
            output="embedding",
            probe=_embedding_probe,
            description="One voice vector (256, of unit length) of the filter banks that the weights keep.",
            full_precision=lambda operator: operator.op_type == "rsqrt" or statistics(operator),
            max_error_fp16=5e-3,
            max_error_fp32=1e-5,
        ),
        _part(
            name="wespeaker_v2",
            net=WaveformEmbedding(net.resnet).eval(),
            inputs=(Input("waveform", (SLOTS, WINDOW)), Input("mask", (SLOTS, MASK_FRAMES))),
            output="embedding",
            probe=lambda: {"waveform": _turns(SLOTS), "mask": _masks(SLOTS)},
            description="One voice vector (256, not normalised) of what the mask keeps, in each of 3 slots.",
            precision="fp32",
            max_error_fp32=1e-5,
        ),
    ]


def _sinc_norm_or_log(operator: Any) -> bool:
    return sinc_or_norm(operator) or operator.op_type in {"log", "reduce_log_sum_exp", "softmax", "sub"}


def _embedding_probe() -> Probe:
    import torch

    with torch.inference_mode():
        features = FilterBanks(ADDED)(torch.from_numpy(_turns(1)[:, None]))
    return {"fbank_features": features.numpy(), "weights": _masks(1)}


def _turns(count: int) -> Any:
    """(count, 10 s): a synthetic conversation, each row elsewhere in it."""
    audio = conversation(WINDOW)
    return np.stack([np.roll(audio, row * 20000) for row in range(count)])


def _masks(count: int) -> Any:
    """(count, 589) of 0 and 1: stretches of a few seconds."""
    masks = np.zeros((count, MASK_FRAMES), np.float32)
    for row in range(count):
        masks[row, 40 + 100 * row : 190 + 150 * row] = 1
    return masks
