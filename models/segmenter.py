"""A segmentation package in the role of Segmenter."""

from typing import Literal

import numpy as np

from .batching import run_rows
from .errors import ModelError, ModelRoleError, ShapeError
from .predictor import Predictor
from .roles import Audio, Logits, SegmenterSpec

# What a package gives: raw class scores, or logarithms of probabilities.
ScoreKind = Literal["logits", "log-probabilities"]

# Half-precision engines turn log(p) into -inf below p = 6e-8; e^-16 is as good as zero for every reader.
LEAST_LOG_PROBABILITY = np.float32(-16.0)


class PackageSegmenter:
    """Segmenter over a package with one input (batch, 1, samples) and one output (batch, frames, classes).

    Batches of any size are cut into those the package admits; windows are never padded in time. Raises
    ModelRoleError for a package with another interface.
    """

    def __init__(self, predictor: Predictor, spec: SegmenterSpec, *, scores: ScoreKind = "logits") -> None:
        if len(predictor.inputs) != 1 or len(predictor.outputs) != 1 or len(predictor.inputs[0].shape) != 3:
            inputs = ", ".join(f"{item.name} {item.describe()}" for item in predictor.inputs)
            raise ModelRoleError(
                "a segmentation package takes one input (batch, 1, samples) and gives one output; "
                f"this takes {inputs}"
            )
        self.spec = spec
        self._predictor = predictor
        self._output = predictor.outputs[0].name
        self._scores = scores

    def segment(self, audio: Audio) -> Logits:
        """Class scores of each window; see Segmenter.

        Raises ShapeError for a length that is not in spec.lengths, ModelError for scores that are not finite.
        """
        if audio.ndim != 2 or audio.shape[1] not in self.spec.lengths:
            lengths = ", ".join(map(str, self.spec.lengths))
            raise ShapeError(f"segmentation wants (batch, n) with n one of {lengths}, got {audio.shape}")
        scores: Logits = run_rows(self._predictor, self._output, audio[:, np.newaxis])
        if self._scores == "log-probabilities":
            scores = np.maximum(scores, LEAST_LOG_PROBABILITY)
        if not np.isfinite(scores).all():
            raise ModelError("segmentation gave scores that are not finite; is the audio finite?")
        return scores
