"""Voices of files and of samples, and whether two of them are one: the whole of it in a few lines of Python.

from hocket.streaming import VoiceEmbedder

voices = VoiceEmbedder()
verdict = voices.compare(voices.embed("a.wav"), voices.embed("b.wav"))
print(verdict.score, verdict.is_same)
"""

import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError, AudioFileError, BlockError, ConfigError, NoVoiceError
from ..resample import Channel, Resampler
from ..sources.base import Block
from ..sources.file import FileSource
from .hearing import Hearing, Samples, Voice

if TYPE_CHECKING:
    from hocket.models import ModelPair

_BLOCK_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stretch:
    """Part of a recording, in seconds: from `offset`, for `duration` or to the end."""

    offset: float = 0.0
    duration: float | None = None

    def __str__(self) -> str:
        until = "the end" if self.duration is None else f"{self.offset + self.duration:.2f} s"
        return f"{self.offset:.2f} s to {until}"


WHOLE = Stretch()


@dataclass(frozen=True)
class Verdict:
    """How alike two voices are. threshold: of the score; None where the model's card has none."""

    cosine: float
    threshold: float | None

    @property
    def score(self) -> float:
        """(cosine + 1) / 2, from 0 to 1, as NeMo's verify_speakers has it."""
        return (self.cosine + 1) / 2

    @property
    def is_same(self) -> bool | None:
        """Whether they are taken for one speaker; None without a threshold."""
        return None if self.threshold is None else self.score >= self.threshold


class VoiceEmbedder:
    """Makes voices, with any pair of models; see Hearing for what counts in one.

    models: a pair by name, or one that open_models gave. whole: hear what is no speech too.
    threshold: of the score from which on two voices are one; by default that in the model's card.
    Raises what open_models raises, and ConfigError for a threshold outside [0, 1].
    """

    def __init__(
        self, models: "str | ModelPair" = "default", *, whole: bool = False, threshold: float | None = None
    ) -> None:
        from hocket.models import open_models

        if threshold is not None and not 0 <= threshold <= 1:
            raise ConfigError(f"threshold {threshold:g}: expected 0 to 1, as it is of (cosine + 1) / 2")
        pair = open_models(models) if isinstance(models, str) else models
        self._pair, self._whole = pair, whole
        self.model = pair.names["embedding"]
        self.rate = pair.embedder.spec.rate
        self.size = pair.embedder.spec.size
        self.threshold = pair.embedder.spec.threshold if threshold is None else threshold

    def embed(
        self,
        path: str | Path,
        *,
        offset: float = 0.0,
        duration: float | None = None,
        channel: Channel = "mix",
    ) -> Voice:
        """The voice in a file of any format, rate and length, or in part of it (seconds).

        Raises AudioFileError for a file that cannot be heard, NoVoiceError where there is too little speech.
        """
        (found,) = self.embed_stretches(path, [Stretch(offset, duration)], channel=channel)
        if isinstance(found, AudioError):
            raise found
        return found

    def embed_stretches(
        self, path: str | Path, stretches: Sequence[Stretch], *, channel: Channel = "mix"
    ) -> list[Voice | AudioError]:
        """The voice of each stretch of a file, which is read once; an error for a stretch that has none.

        Stretches may overlap. Raises AudioFileError for a file that cannot be heard, ConfigError for a
        stretch before the beginning or of no length.
        """
        for stretch in stretches:
            if stretch.offset < 0 or (stretch.duration is not None and stretch.duration <= 0):
                raise ConfigError(
                    f"{path}, {stretch}: expected an offset of 0 s or more and a duration over 0 s"
                )
        parts = [_Part(stretch, self._hearing(), self.rate) for stretch in stretches]
        position = 0
        with closing(self._read(Path(path), channel)) as pieces:
            for position, samples in pieces:
                for part in parts:
                    part.hear(position, samples)
                position += len(samples)
                if all(part.result is not None for part in parts):
                    break
        return [part.end(Path(path), position / self.rate) for part in parts]

    def embed_samples(self, samples: NDArray[Any], rate: int, *, channel: Channel = "mix") -> Voice:
        """The voice in samples (n,) or (n, channels): floats of full scale ±1, or integers of their type's.

        Raises BlockError for another shape or type, ConfigError for a rate outside 8 to 192 kHz, and
        NoVoiceError.
        """
        if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
            raise BlockError(
                f"samples of shape {samples.shape} and type {samples.dtype}: expected (n,) or (n, channels), "
                "floats or signed integers"
            )
        scale = np.float32(1 / -float(np.iinfo(samples.dtype).min) if samples.dtype.kind == "i" else 1)
        channels = samples[:, None] if samples.ndim == 1 else samples
        resampler, hearing = Resampler(rate, self.rate, channels.shape[1], channel), self._hearing()
        step = max(1, round(rate * _BLOCK_SECONDS))
        for start in range(0, len(channels), step):
            hearing.push(resampler.push(channels[start : start + step].astype(np.float32) * scale))
        hearing.push(resampler.finish())
        return hearing.finish()

    def compare(self, first: Voice, second: Voice) -> Verdict:
        """How alike two voices of this model are."""
        cosine = float(first.vector.astype(np.float64) @ second.vector.astype(np.float64))
        return Verdict(min(1.0, max(-1.0, cosine)), self.threshold)

    def _hearing(self) -> Hearing:
        return Hearing(self._pair.segmenter, self._pair.embedder, whole=self._whole)

    def _read(self, path: Path, channel: Channel) -> Generator[tuple[int, Samples], None, None]:
        """(position, samples) of a file at the models' rate; the position moves on over what was lost."""
        source, position = FileSource(path), 0
        try:
            resampler = Resampler(source.rate_hz, self.rate, source.channels, channel)
        except ConfigError as error:
            raise AudioFileError(f"{path}: {error}") from error
        with closing(source.pieces()) as pieces:
            for piece in pieces:
                if isinstance(piece, Block):
                    samples, num_lost = resampler.push(piece.samples), 0
                else:
                    _log.warning("%s", piece.reason)
                    samples, num_lost = resampler.gap(piece.num_samples)
                yield position, samples
                position += len(samples) + num_lost
        yield position, resampler.finish()


class _Part:
    """One stretch while its file goes by. result: its voice, or why there is none; None before its end."""

    def __init__(self, stretch: Stretch, hearing: Hearing, rate: int) -> None:
        self.result: Voice | AudioError | None = None
        self._stretch, self._hearing = stretch, hearing
        self._start = round(stretch.offset * rate)
        self._stop = (
            None if stretch.duration is None else self._start + max(1, round(stretch.duration * rate))
        )

    def hear(self, position: int, samples: Samples) -> None:
        """Take what falls into the stretch of samples that begin at `position`."""
        if self.result is not None or position + len(samples) <= self._start:
            return
        stop = None if self._stop is None else max(0, self._stop - position)
        self._hearing.push(samples[max(0, self._start - position) : stop])
        if self._stop is not None and position + len(samples) >= self._stop:
            self._finish()

    def end(self, path: Path, duration: float) -> Voice | AudioError:
        """The result, of a file that lasts `duration` seconds; the error names the file and the stretch."""
        if self.result is None:
            self._finish()
        assert self.result is not None
        if not isinstance(self.result, NoVoiceError):
            return self.result
        where = str(path) if self._stretch == WHOLE else f"{path}, {self._stretch}"
        if self._stretch.offset >= duration:
            return NoVoiceError(f"{where}: begins behind the file's end at {duration:.2f} s")
        return NoVoiceError(f"{where}: {self.result}")

    def _finish(self) -> None:
        try:
            self.result = self._hearing.finish()
        except NoVoiceError as error:
            self.result = error
        del self._hearing  # its audio is no longer needed, and many stretches may follow
