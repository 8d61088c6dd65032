"""What a model is to the engine: a Segmenter or an Embedder, each with the numbers the engine must not know.

Both take and return plain arrays with the batch first, so that a server can run the windows of many
sessions in one call. How a role is filled (which package, which front end, which runtime) ends here.
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]  # (batch, samples), full scale ±1
Logits = NDArray[np.float32]  # (batch, frames, classes)
Frames = NDArray[np.float32]  # (batch, frames, channels)
Weights = NDArray[np.float32]  # (frames,) in [0, 1]
Chunks = NDArray[np.float32]  # (batch, chunks, lookback + chunk), full scale ±1
Memory = NDArray[np.float32]  # (batch, size)
Detections = NDArray[np.float32]  # (batch, chunks + size): probabilities of speech, then the next memory
Vector = NDArray[np.float32]  # (size,)


@dataclass(frozen=True)
class DetectorSpec:
    """The numbers of a speech detector, from its card.

    rate: samples per second.
    chunk: samples per answer; chunk k of a stream ends at sample (k + 1) * chunk.
    lookback: samples before a chunk that it is heard with.
    memory: how many numbers one call hands to the next.
    delay: samples by which an answer lags: it speaks of the instant so long before its chunk's middle.
    share, lean: speech is (1 - share) * the segmenter's probability + share * the detector's + lean, held
        against the segmenter's thresholds.
    """

    rate: int
    chunk: int
    lookback: int
    memory: int
    delay: int
    share: float
    lean: float


@dataclass(frozen=True)
class SegmenterSpec:
    """The numbers of a segmentation model, from its card.

    rate: samples per second.
    lengths: window lengths in samples that the model accepts, ascending; the last is the full window.
    frame_step, frame_offset: frame k of a window is centred on sample frame_offset + k * frame_step.
    classes: per output class the set of local speakers active in it (powerset); () is silence.
    onset, offset: calibrated probabilities at which speech begins and ends.
    detector: the numbers of the speech detector that it brings along; such a one is a DetectingSegmenter.
    """

    rate: int
    lengths: tuple[int, ...]
    frame_step: int
    frame_offset: int
    classes: tuple[tuple[int, ...], ...]
    onset: float = 0.5
    offset: float = 0.5
    detector: DetectorSpec | None = None

    @property
    def num_speakers(self) -> int:
        """How many local speakers one window can tell apart."""
        return 1 + max((speaker for members in self.classes for speaker in members), default=-1)


class Segmenter(Protocol):
    """Windows of audio to class scores."""

    @property
    def spec(self) -> SegmenterSpec: ...

    def segment(self, audio: Audio) -> Logits:
        """Unnormalised class scores of each window.

        audio: (batch, n), n one of spec.lengths. Returns (batch, frames, classes) float32, finite.
        """
        ...


class SpeechDetector(Protocol):
    """A causal opinion on speech alone, chunk by chunk."""

    @property
    def spec(self) -> DetectorSpec: ...

    def detect(self, chunks: Chunks, memory: Memory) -> Detections:
        """The probability of speech in each chunk, given all that came before.

        chunks: (batch, n, lookback + chunk), a row's are consecutive ones of one stream.
        memory: (batch, size), what the call before handed on; zeros begin a stream.
        Returns (batch, n + size) float32: the chunks' probabilities, then the memory for the next call.
        """
        ...


@runtime_checkable
class DetectingSegmenter(Segmenter, Protocol):
    """A segmenter that has a speech detector beside it, whose numbers are spec.detector."""

    def detect(self, chunks: Chunks, memory: Memory) -> Detections:
        """As SpeechDetector's."""
        ...


@dataclass(frozen=True)
class Calibration:
    """How cosines of an embedding model are distributed, as functions of clean speech.

    A vector from d seconds of clean speech is modelled as the speaker's own direction plus noise of
    relative variance `noise_floor + noise_per_second / d`. `different` is the mean cosine between two
    speakers. Fitted by a script on labelled speech; see the model's card for which.
    """

    different: float
    noise_floor: float
    noise_per_second: float


@dataclass(frozen=True)
class EmbedderSpec:
    """The numbers of an embedding model, from its card.

    rate: samples per second.
    size: length of a speaker vector.
    channels: length of one cached frame.
    frame_step: samples between cached frames; frame f covers samples [f * step, (f + 1) * step).
    hop: new samples per call of `frames`, on an absolute grid: calls end at multiples of hop.
    lookback: samples before the hop that a call sees. The first calls of a session see what there is.
    kept: how many of a call's last samples' frames replace what is cached (more context than the first time).
    min_frames: fewest frames that a vector can be made from.
    preroll: samples before the lookback that the front end needs to start on the grid (its first analysis
        window begins before the first frame does); zeros at a session's start.
    max_frames: most frames that a vector can be made from.
    threshold: (cosine + 1) / 2 of two vectors from which on they are taken for one speaker, None where nobody
        has measured one. Where the card has it from is said beside it.
    """

    rate: int
    size: int
    channels: int
    frame_step: int
    hop: int
    lookback: int
    kept: int
    min_frames: int
    preroll: int = 240
    calibration: Calibration = field(default_factory=lambda: Calibration(0.1, 0.2, 0.3))
    max_frames: int = 500
    threshold: float | None = None


class VoiceSpace(Protocol):
    """A space of voices in which distances mean likelihoods; hocket.models.plda.Plda is one.

    phi: (m,) variance of speakers along each axis, where that within a speaker is 1; descending.
    """

    @property
    def phi(self) -> NDArray[np.float64]: ...

    def transform(
        self, embeddings: NDArray[np.floating], *, length: float | None = None
    ) -> NDArray[np.float64]:
        """Features (n, m) of vectors (n, size), which are brought to `length` first where it is given."""
        ...

    def scores(
        self, known: NDArray[np.float64], tests: NDArray[np.float64], counts: NDArray[np.int_] | int = 1
    ) -> NDArray[np.float64]:
        """Log-likelihood ratios (k, t): is a test of the known voice, rather than of another?

        known: (k, m) means of `counts` features each. tests: (t, m) features.
        """
        ...


class Embedder(Protocol):
    """Audio to cached frames, cached frames to speaker vectors."""

    @property
    def spec(self) -> EmbedderSpec: ...

    def frames(self, audio: Audio) -> Frames:
        """Frame features of each stretch, every frame_step samples.

        audio: (batch, preroll + n), n a multiple of hop, at most lookback + hop; the frames cover the last n
            samples.
        Returns (batch, n // frame_step, channels).
        """
        ...

    def embed(self, frames: list[NDArray[np.float32]], weights: list[Weights]) -> NDArray[np.float32]:
        """Unit speaker vectors, one per (frames (f_i, channels), weights (f_i,)) pair.

        Returns (len(frames), size) float32. Each f_i >= min_frames.
        """
        ...
