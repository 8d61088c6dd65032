"""Packages of embedding networks that hear a whole utterance at once: WeSpeaker ResNet34, TitaNet-Large."""

from typing import Any

import numpy as np

from ..errors import ModelError
from ..fbank import Fbank
from ..nemo_mel import NemoMel
from .checkpoint import StateDict
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import RATE, conversation
from .titanet import NUM_CLASSES, TitaNetLarge
from .wespeaker import FRAMES_PER_WEIGHT, WeSpeakerResNet34

MIN_FRAMES, DEFAULT_FRAMES, MAX_FRAMES = 10, 200, 3200  # of 10 ms
MAX_BATCH = 16
FRONT_END_TOLERANCE = 1e-5  # of a filter bank that reaches 0.03; rounding gives 1e-8


def wespeaker_parts(name: str, state: StateDict) -> list[Part]:
    """WeSpeaker ResNet34 from pyannote.audio's checkpoint or WeSpeaker's own."""
    state = wespeaker_state(state)
    features = (1, DEFAULT_FRAMES, 80)
    weights = (1, _num_weights(DEFAULT_FRAMES))
    return [
        Part(
            name="wespeaker-voxceleb-resnet34-lm",
            net=load_strictly(WeSpeakerResNet34(), name, state),
            inputs=(
                Input("features", features, ranges=((1, MAX_BATCH), (MIN_FRAMES, MAX_FRAMES), (80, 80))),
                Input(
                    "weights",
                    weights,
                    ranges=((1, MAX_BATCH), (_num_weights(MIN_FRAMES), _num_weights(MAX_FRAMES))),
                ),
            ),
            output="embedding",
            probe=_wespeaker_probe,
            description="One voice vector (256, not normalised) from mean-subtracted Kaldi filter banks on "
            "the 16-bit scale and a weight for every 8 frames of them.",
            author="WeSpeaker; converted by hocket",
            license_name="CC-BY-4.0",
            full_precision=statistics,
            max_error_fp16=5e-3,
            max_error_fp32=1e-5,
        )
    ]


def wespeaker_state(state: StateDict) -> StateDict:
    """The parameters under pyannote.audio's names, without the training head."""
    return {
        key if key.startswith("resnet.") else f"resnet.{key}": value
        for key, value in state.items()
        if not key.startswith("projection.")
    }


def titanet_parts(name: str, state: StateDict) -> list[Part]:
    """TitaNet-Large from a NeMo archive. Raises ModelError where that has another front end than hocket's."""
    _check_front_end(name, state)
    state = {key: value for key, value in state.items() if not key.startswith("preprocessor.")}
    num_classes = len(state.get("decoder.final.weight", range(NUM_CLASSES)))
    features = (1, DEFAULT_FRAMES, 80)
    return [
        Part(
            name="titanet-large",
            net=load_strictly(TitaNetLarge(num_classes), name, state),
            inputs=(
                Input("features", features, ranges=((1, MAX_BATCH), (MIN_FRAMES, MAX_FRAMES), (80, 80))),
            ),
            output="embedding",
            probe=_titanet_probe,
            description="One voice vector (192, not normalised) from NeMo mel features, normalised per bin.",
            author="NVIDIA; converted by hocket",
            license_name="CC-BY-4.0",
            full_precision=statistics,
            max_error_fp16=5e-3,
            max_error_fp32=1e-5,
        )
    ]


def _num_weights(num_frames: int) -> int:
    return -(-num_frames // FRAMES_PER_WEIGHT)


def statistics(operator: Any) -> bool:
    """What pools over time: its sums are long and its epsilons vanish in half precision."""
    if operator.op_type == "add":
        return any(operator.inputs[side].val is not None for side in ("x", "y"))
    return operator.op_type in {
        "clip", "matmul", "maximum", "real_div", "reduce_mean", "reduce_sum", "softmax", "sqrt", "square",
        "sub",
    }  # fmt: skip


def _wespeaker_probe() -> Probe:
    front_end = Fbank(window="hamming", scale=32768)
    features = np.stack([front_end.normalised(rows) for rows in front_end(_stretches(240))])
    weights = np.ones((len(features), _num_weights(features.shape[1])), np.float32)
    weights[0] = np.linspace(0, 1, weights.shape[1])
    weights[1, 10:] = 0
    return {"features": features, "weights": weights}


def _titanet_probe() -> Probe:
    front_end = NemoMel()
    return {"features": np.stack([front_end.normalised(rows) for rows in front_end(_stretches(241))])}


def _stretches(preroll: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(2, preroll + 1.5 s): two voices in turn."""
    return conversation(4 * RATE).reshape(2, -1)[:, : preroll + RATE * 3 // 2]


def _check_front_end(name: str, state: StateDict) -> None:
    """NeMo archives carry their filter bank: it must be the one that hocket computes."""
    if (stored := state.get("preprocessor.featurizer.fb")) is None:
        return
    bank = NemoMel().bank.T[np.newaxis]
    if stored.shape != bank.shape or np.abs(stored.float().numpy() - bank).max() > FRONT_END_TOLERANCE:
        raise ModelError(
            f"{name} was trained on other features (filter bank {tuple(stored.shape)}), "
            f"expected NeMo's {bank.shape} from 0 Hz to 8 kHz at 16 kHz"
        )
