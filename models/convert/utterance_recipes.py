"""The package of TitaNet-Large, which hears a whole utterance at once."""

from typing import Any

import numpy as np

from ..errors import ModelError
from ..nemo_mel import NemoMel
from .checkpoint import StateDict
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import RATE, conversation
from .titanet import NUM_CLASSES, TitaNetLarge

MIN_FRAMES, DEFAULT_FRAMES, MAX_FRAMES = 10, 200, 3200  # of 10 ms
MAX_BATCH = 16
FRONT_END_TOLERANCE = 1e-5  # of a filter bank that reaches 0.03; rounding gives 1e-8


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
            probe=_probe,
            description="One voice vector (192, not normalised) from NeMo mel features, normalised per bin.",
            author="NVIDIA; converted by hocket",
            license_name="CC-BY-4.0",
            full_precision=statistics,
            max_error_fp16=5e-3,
            max_error_fp32=1e-5,
        )
    ]


def statistics(operator: Any) -> bool:
    """What pools over time: its sums are long and its epsilons vanish in half precision."""
    if operator.op_type == "add":
        return any(operator.inputs[side].val is not None for side in ("x", "y"))
    return operator.op_type in {
        "clip", "matmul", "maximum", "real_div", "reduce_mean", "reduce_sum", "softmax", "sqrt", "square",
        "sub",
    }  # fmt: skip


def _probe() -> Probe:
    """(2, 151, 80): two voices in turn."""
    front_end = NemoMel()
    audio = conversation(4 * RATE).reshape(2, -1)[:, : 241 + RATE * 3 // 2]
    return {"features": np.stack([front_end.normalised(rows) for rows in front_end(audio)])}


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
