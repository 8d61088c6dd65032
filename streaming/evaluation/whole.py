"""The same models with the whole recording at hand: what the online figures are held against."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ..engine.config import DiarizerConfig
from ..metrics import Lanes
from ..offline.diarizer import OfflineDiarizer
from ..replay import Segment, annotation
from ..sources.base import Lost
from ..sources.file import FileSource
from .recipe import published_recipe
from .recorded import Answer
from .recordings import Recording
from .run import TimedSession, hear, resampled
from .scoring import Accuracy, Scorer
from .stability import LabelCount, labels_per_speaker
from .tally import SpeakerCount, figures_of, num_heard


@dataclass(frozen=True)
class Whole:
    """How right a hypothesis on a whole recording is; `+` pools recordings."""

    accuracy: Accuracy
    speakers: SpeakerCount
    labels: LabelCount

    def __add__(self, other: "Whole") -> "Whole":
        return Whole(
            self.accuracy + other.accuracy, self.speakers + other.speakers, self.labels + other.labels
        )

    def under(self, suffix: str, *, lenient: bool) -> dict[str, float | None]:
        """`der_SUFFIX` and its parts under one protocol."""
        return figures_of(self.accuracy.lenient if lenient else self.accuracy.strict, suffix)

    def to_dict(self, suffix: str) -> dict[str, Any]:
        """The same under the strict one, with JER, what was found of the speakers, and labels per speaker."""
        jaccard = self.accuracy.jaccard
        return {
            **self.under(suffix, lenient=False),
            f"jer_{suffix}": jaccard.rate if jaccard.speakers else None,
            f"speakers_found_{suffix}": self.speakers.found,
            f"count_accuracy_{suffix}": self.speakers.right / self.speakers.files,
            f"labels_per_speaker_{suffix}": self.labels.per_speaker if self.labels.speakers else None,
        }


def score_whole(
    kind: str,
    recording: Recording,
    segmenter: Segmenter,
    embedder: Embedder,
    answer: Answer,
    scorer: Scorer,
    config: DiarizerConfig,
) -> Whole:
    """hocket's own "offline" mode, or the published "recipe"."""
    if kind == "recipe":
        samples = whole_audio(recording, segmenter.spec.rate)
        return _score(recording, published_recipe(samples, segmenter.spec, embedder.spec, answer), scorer)
    diarizer = OfflineDiarizer(segmenter, embedder, config, session=recording.name)
    events = hear(TimedSession(diarizer, answer), FileSource(recording.audio), segmenter.spec.rate)
    return _score(recording, annotation(events), scorer)


def whole_audio(recording: Recording, rate: int) -> NDArray[np.float32]:
    """(n,) float32 samples at `rate`, zeros where audio was lost."""

    async def read() -> list[NDArray[np.float32]]:
        return [
            np.zeros(piece.num_samples, np.float32) if isinstance(piece, Lost) else piece
            async for piece in resampled(FileSource(recording.audio), rate)
        ]

    return np.concatenate([np.zeros(0, np.float32), *asyncio.run(read())])


def _score(recording: Recording, hypothesis: Sequence[Segment], scorer: Scorer) -> Whole:
    lanes = Lanes.of(hypothesis, recording.num_cells)
    reference = Lanes.of(recording.reference, recording.num_cells)
    return Whole(
        scorer.score(recording.reference, lanes.segments(), recording.scored),
        SpeakerCount.of(num_heard(lanes, recording.mask), num_heard(reference, recording.mask)),
        labels_per_speaker(reference, lanes, recording.mask),
    )
