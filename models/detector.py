"""A speech detector's package, and a segmenter that brings it along."""

from dataclasses import replace

import numpy as np

from .batching import run_rows
from .errors import ModelError, ModelRoleError, ShapeError
from .predictor import Predictor
from .roles import Audio, Chunks, Detections, DetectorSpec, Logits, Memory, Segmenter, SegmenterSpec


class PackageDetector:
    """SpeechDetector over a package from chunks (batch, n, lookback + chunk) and memory (batch, size).

    Batches of any size are cut into those the package admits. Raises ModelRoleError for a package with
    another interface.
    """

    def __init__(self, predictor: Predictor, spec: DetectorSpec) -> None:
        if [len(item.shape) for item in predictor.inputs] != [3, 2] or len(predictor.outputs) != 1:
            inputs = ", ".join(f"{item.name} {item.describe()}" for item in predictor.inputs)
            raise ModelRoleError(
                "a package that detects speech takes chunks (batch, n, samples) and a memory (batch, size) "
                f"and gives one output; this takes {inputs}"
            )
        self.spec = spec
        self._predictor = predictor
        self._output = predictor.outputs[0].name

    def detect(self, chunks: Chunks, memory: Memory) -> Detections:
        """Speech in each chunk, and the memory for the next call; see SpeechDetector.

        Raises ShapeError for arrays that do not fit the spec, ModelError for results that are not finite.
        """
        width = self.spec.lookback + self.spec.chunk
        if chunks.ndim != 3 or chunks.shape[2] != width or memory.shape != (len(chunks), self.spec.memory):
            raise ShapeError(
                f"detection wants (batch, n, {width}) and (batch, {self.spec.memory}), "
                f"got {chunks.shape} and {memory.shape}"
            )
        heard: Detections = run_rows(self._predictor, self._output, chunks, memory)
        if not np.isfinite(heard).all():
            raise ModelError("detection gave results that are not finite; is the audio finite?")
        return heard


class SecondedSegmenter:
    """A segmenter with a speech detector beside it, in the role of DetectingSegmenter."""

    def __init__(self, segmenter: Segmenter, detector: PackageDetector) -> None:
        self.spec: SegmenterSpec = replace(segmenter.spec, detector=detector.spec)
        self.detector = detector
        self._segmenter = segmenter

    def segment(self, audio: Audio) -> Logits:
        """The segmenter's class scores; see Segmenter."""
        return self._segmenter.segment(audio)

    def detect(self, chunks: Chunks, memory: Memory) -> Detections:
        """The detector's opinion; see SpeechDetector."""
        return self.detector.detect(chunks, memory)
