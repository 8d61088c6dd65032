"""The packages of WeSpeaker ResNet34: a trunk over short stretches, a head over one voice's frames."""

from functools import partial

import numpy as np
import torch

from ..fbank import Fbank
from .checkpoint import StateDict
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import RATE, conversation
from .utterance_recipes import statistics
from .wespeaker import NUM_CHANNELS, Head, Trunk, WeSpeakerResNet34

STRETCH = 120  # feature frames of 10 ms in a call: 0.8 s that was heard before, 0.4 s of new audio
BATCHES = (1, 2, 4, 8, 16, 32)
MAX_POOLED = 400  # frames of 80 ms: 32 s of one voice in one vector


def wespeaker_parts(name: str, state: StateDict) -> list[Part]:
    """WeSpeaker ResNet34 from pyannote.audio's checkpoint or WeSpeaker's own."""
    net = load_strictly(WeSpeakerResNet34(), name, wespeaker_state(state))
    part = partial(
        Part, author="WeSpeaker; converted by hocket", license_name="CC-BY-4.0", max_error_fp16=5e-3
    )
    shapes = ((1, 40, 80), (1, 80, 80), *((batch, STRETCH, 80) for batch in BATCHES))
    return [
        part(
            name="wespeaker-voxceleb-resnet34-lm.trunk",
            net=Trunk(net),
            inputs=(Input("features", (1, STRETCH, 80), enumerated=shapes),),
            output="frames",
            probe=_features,
            description="Speaker features, 2560 every 80 ms, from mean-subtracted Kaldi filter banks on the "
            "16-bit scale.",
        ),
        part(
            name="wespeaker-voxceleb-resnet34-lm.head",
            net=Head(net),
            inputs=(
                Input(
                    "frames", (1, 25, NUM_CHANNELS), ranges=((1, 16), (1, MAX_POOLED), (NUM_CHANNELS,) * 2)
                ),
                Input("weights", (1, 25), ranges=((1, 16), (1, MAX_POOLED))),
            ),
            output="embedding",
            probe=lambda: _weighted_frames(net),
            description="One voice vector (256, not normalised) from weighted speaker features.",
            full_precision=statistics,
        ),
    ]


def wespeaker_state(state: StateDict) -> StateDict:
    """The parameters under pyannote.audio's names, without the training head."""
    return {
        key if key.startswith("resnet.") else f"resnet.{key}": value
        for key, value in state.items()
        if not key.startswith("projection.")
    }


def _features() -> Probe:
    """(2, 120, 80): two voices in turn."""
    front_end = Fbank(window="hamming", scale=32768)
    audio = conversation(4 * RATE).reshape(2, -1)[:, : 240 + STRETCH * RATE // 100]
    return {"features": np.stack([front_end.normalised(rows) for rows in front_end(audio)])}


def _weighted_frames(net: WeSpeakerResNet34) -> Probe:
    """The trunk's own output on the probe; one row with soft weights, one with padding."""
    with torch.inference_mode():
        frames = Trunk(net)(torch.from_numpy(_features()["features"])).numpy()
    weights = np.ones(frames.shape[:2], np.float32)
    weights[0] = np.linspace(0, 1, frames.shape[1])
    weights[1, 10:] = 0
    return {"frames": np.ascontiguousarray(frames), "weights": weights}
