"""A voice vector of any stretch of audio, however long, heard block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ..errors import NoVoiceError
from ..hearing.powerset import Powerset

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """A voice: its unit vector (size,) float32, and the seconds it was made from.

    duration: seconds heard. speech: those of them that count in the vector.
    """

    vector: NDArray[np.float32]
    duration: float
    speech: float


class Hearing:
    """Samples of one stretch in, a voice out. Keeps some seconds of audio and of frames, never more.

    Only frames in which the segmenter hears somebody count, put one after the other; with `whole` all do, as
    TitaNet's and WeSpeaker's own tools have it. As many frames as the model admits go into one vector; those
    of a longer stretch are averaged, each by its length, and the average is brought back to unit length.
    What comes out does not depend on how the samples were cut.
    """

    def __init__(self, segmenter: Segmenter, embedder: Embedder, *, whole: bool = False) -> None:
        self._segmenter, self._embedder, self._whole = segmenter, embedder, whole
        spec = embedder.spec
        self._powerset = Powerset(segmenter.spec.classes)
        self._window = segmenter.spec.lengths[-1]
        self._block = self._window // spec.frame_step * spec.frame_step
        self._past = np.zeros(0, np.float32)  # heard, and still context of what comes
        self._new = np.zeros(0, np.float32)
        self._num_samples = 0
        self._is_silent = True
        self._frames = np.zeros((0, spec.channels), np.float32)  # that count, and are in no vector yet
        self._num_frames = 0
        self._sum = np.zeros(spec.size)

    def push(self, samples: Samples) -> None:
        """Take samples (n,) float32 at the models' rate, any n."""
        self._num_samples += len(samples)
        self._is_silent = self._is_silent and not samples.any()
        self._new = np.concatenate([self._new, samples])
        while len(self._new) >= self._block:
            self._take(self._block)

    def finish(self) -> Voice:
        """The voice of all that was pushed. Raises NoVoiceError where there is too little of it."""
        spec = self._embedder.spec
        duration = self._num_samples / spec.rate
        if self._is_silent:
            raise NoVoiceError(
                f"{duration:.2f} s of silence: every sample is 0" if duration else "no audio: 0 samples"
            )
        self._take(len(self._new) // spec.frame_step * spec.frame_step)
        if len(self._frames) >= spec.min_frames:
            self._embed(len(self._frames))
        seconds_per_frame = spec.frame_step / spec.rate
        if not self._num_frames:
            raise NoVoiceError(self._too_little(len(self._frames) * seconds_per_frame, duration))
        vector = (self._sum / np.linalg.norm(self._sum)).astype(np.float32)
        return Voice(vector, duration, self._num_frames * seconds_per_frame)

    def _too_little(self, counted: float, duration: float) -> str:
        least = self._embedder.spec.min_frames * self._embedder.spec.frame_step / self._embedder.spec.rate
        if self._whole:
            return f"{counted:.2f} s: too little for a voice, expected {least:.2f} s"
        return (
            f"{counted:.2f} s of speech in {duration:.2f} s: too little for a voice, expected {least:.2f} s; "
            "--whole (whole=True in Python) takes what is no speech too"
        )

    def _take(self, num_samples: int) -> None:
        """Hear the next samples, a whole number of frames."""
        if not num_samples:
            return
        spec = self._embedder.spec
        audio = np.concatenate([self._past, self._new[:num_samples]])
        frames = self._features(audio, num_samples)
        if not self._whole:
            frames = frames[self._is_speech(audio, num_samples)]
        self._frames = np.concatenate([self._frames, frames])
        while len(self._frames) >= spec.max_frames:
            self._embed(spec.max_frames)
        context = max(self._window, spec.preroll + spec.lookback + spec.hop)
        self._past = audio[-context:]
        self._new = self._new[num_samples:]

    def _features(self, audio: Samples, num_samples: int) -> NDArray[np.float32]:
        """(frames, channels) of the last `num_samples` of `audio`: calls as long as the model admits."""
        spec = self._embedder.spec
        length = spec.lookback + spec.hop
        calls = np.stack([
            last_samples(audio[: len(audio) - num_samples + stop], spec.preroll + length)
            for stop in _stops(num_samples, length)
        ])  # fmt: skip
        features = np.zeros((num_samples // spec.frame_step, spec.channels), np.float32)
        for stop, call in zip(_stops(num_samples, length), self._embedder.frames(calls), strict=True):
            end = stop // spec.frame_step
            kept = min(end, len(call))
            features[end - kept : end] = call[len(call) - kept :]
        return features

    def _is_speech(self, audio: Samples, num_samples: int) -> NDArray[np.bool_]:
        """(frames,): where the segmenter hears anybody in the last `num_samples` of `audio`."""
        hearing, step = self._segmenter.spec, self._embedder.spec.frame_step
        length = next((n for n in hearing.lengths if n >= len(audio)), self._window)
        window = last_samples(audio, length)
        scores = self._powerset.probabilities(self._segmenter.segment(window[None])[0])
        centres = np.arange(length - num_samples + step // 2, length, step)
        nearest = np.rint((centres - hearing.frame_offset) / hearing.frame_step).astype(np.intp)
        speech = self._powerset.speech(scores)[nearest.clip(0, len(scores) - 1)]
        return np.asarray(speech >= hearing.onset)

    def _embed(self, num_frames: int) -> None:
        """Add the vector of the first `num_frames` that are in none yet."""
        counted, self._frames = self._frames[:num_frames], self._frames[num_frames:]
        (vector,) = self._embedder.embed([counted], [np.ones(num_frames, np.float32)])
        self._sum += num_frames * vector.astype(np.float64)
        self._num_frames += num_frames


def _stops(num_samples: int, length: int) -> Iterator[int]:
    """Where calls of `length` samples that cover so many end: side by side, and the last one at the end."""
    yield from range(length, num_samples, length)
    yield num_samples


def last_samples(audio: Samples, count: int) -> Samples:
    """The last `count` samples; what lies before the beginning is silence."""
    return np.pad(audio[-count:], (max(0, count - len(audio)), 0))
