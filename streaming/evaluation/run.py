"""A Diarizer driven by hand: answers can be replaced, and time is measured by stage."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..events import Event
from ..hearing.requests import DetectRequest, EmbedRequest, FramesRequest, Request, SegmentRequest
from ..resample import Resampler
from ..sources.base import Block, Lost, Source
from .oracle import OracleSegmenter
from .recorded import Answer, Output, completed


@dataclass
class Spent:
    """Seconds of wall clock by stage, since the start.

    frames, embedding: the embedder's two parts. engine: all that is not a model.
    """

    segmentation: float = 0.0
    frames: float = 0.0
    embedding: float = 0.0
    engine: float = 0.0

    @property
    def models(self) -> float:
        return self.segmentation + self.frames + self.embedding

    @property
    def total(self) -> float:
        return self.models + self.engine


class Halves(Protocol):
    """A Diarizer, live or offline, that leaves the models to the caller."""

    def feed(self, samples: NDArray[np.float32]) -> list[Event]: ...

    def gap(self, num_samples: int, reason: str) -> list[Event]: ...

    def end(self, reason: str = "end") -> list[Event]: ...

    def due(self) -> list[Request]: ...

    def advance(self, outputs: Sequence[NDArray[np.float32]]) -> list[Event]: ...


class TimedSession:
    """`push` and `finish` as a Diarizer's, with `answer` in the models' place."""

    def __init__(self, diarizer: Halves, answer: Answer) -> None:
        self.spent = Spent()
        self._diarizer = diarizer
        self._answer = answer

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        """Events of (n,) float32 samples."""
        return self._measure(lambda: self._diarizer.feed(samples))

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        """Events of samples that never arrived."""
        return self._measure(lambda: self._diarizer.gap(num_samples, reason))

    def finish(self) -> list[Event]:
        """The last events."""
        return self._measure(lambda: self._diarizer.end("end"))

    def _measure(self, begin: Callable[[], list[Event]]) -> list[Event]:
        started, models_before = time.perf_counter(), self.spent.models
        events = begin()
        while requests := self._diarizer.due():
            asked = time.perf_counter()
            outputs = self._answer(requests)
            self._book(requests[0], time.perf_counter() - asked)
            events += self._diarizer.advance(outputs)
        self.spent.engine += time.perf_counter() - started - (self.spent.models - models_before)
        return events

    def _book(self, request: Request, seconds: float) -> None:
        """Requests that are due together are of one stage."""
        match request:
            case SegmentRequest() | DetectRequest():
                self.spent.segmentation += seconds
            case FramesRequest():
                self.spent.frames += seconds
            case EmbedRequest():
                self.spent.embedding += seconds


def hear(session: TimedSession, source: Source, rate: int) -> list[Event]:
    """Every event of a source heard from its first sample to its last, as fast as it goes."""

    async def listen() -> list[Event]:
        events: list[Event] = []
        async for piece in resampled(source, rate):
            match piece:
                case Lost():
                    events += session.gap(piece.num_samples, piece.reason)
                case samples:
                    events += session.push(samples)
        return events + session.finish()

    return asyncio.run(listen())


async def resampled(source: Source, rate: int) -> AsyncIterator[NDArray[np.float32] | Lost]:
    """The source on one channel at `rate`: (n,) float32 samples, and what was lost between them."""
    resampler = Resampler(source.rate_hz, rate, source.channels)
    async for piece in source.blocks():
        match piece:
            case Block():
                yield resampler.push(piece.samples)
            case Lost():
                rest, num_lost = resampler.gap(piece.num_samples)
                yield rest
                yield Lost(num_lost, piece.reason)
    yield resampler.finish()


def with_oracle(oracle: OracleSegmenter, rest: Answer) -> Answer:
    """Segmentation from the reference, without a second opinion; everything else from `rest`."""

    def known(request: Request) -> Output | None:
        match request:
            case SegmentRequest():
                return oracle.logits(request)
            case DetectRequest():
                return np.full(len(request.chunks) + len(request.memory), np.nan, np.float32)
        return None

    def answer(requests: Sequence[Request]) -> list[Output]:
        return completed([known(request) for request in requests], requests, rest)

    return answer
