"""A session as the engine's thread knows it: what producers send becomes inputs, and inputs become events."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter
from hocket.streaming import compute
from hocket.streaming.diarizer import Diarizer
from hocket.streaming.errors import HocketError, StoreError
from hocket.streaming.events import Event
from hocket.streaming.requests import Request
from hocket.streaming.resample import Channel, Resampler

from .inputs import Absence, Ending, Input, Merging, Naming, Sound
from .messages import Finalize, Merge, Missing, Name, Refusal, Start
from .protocol import Audio
from .store import Kept, Step

Output = NDArray[np.float32]
Piece = Audio | Missing | Name | Merge | Finalize | Ending
SNAPSHOT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some pieces: a step to be stored, and what the producer is to be told once it is.

    finalized: ids of the `finalize` messages that are through. refusals: of names and merges.
    """

    step: Step
    finalized: Sequence[str] = ()
    refusals: Sequence[Refusal] = ()


class Hosted:
    """A diarizer, the resampler before it, and how far the two have come."""

    def __init__(self, diarizer: Diarizer, session: str, start: Start, fed: int = 0) -> None:
        self.session = session
        self._diarizer = diarizer
        self._start = start
        self._fed = fed  # samples at the engine's rate, lost ones among them
        self._snapshot_due = fed + self._snapshot_every
        self._is_over = False
        channel: Channel = "mix" if start.channel is None else start.channel
        self._resampler = Resampler(start.sample_rate, diarizer.rate, start.channels, channel)

    @classmethod
    def restore(
        cls,
        session: str,
        start: Start,
        kept: Kept,
        told: Sequence[Event],
        segmenter: Segmenter,
        embedder: Embedder,
        fed: int,
    ) -> Self:
        """The session as its last step left it. told: the events since the snapshot; fed: samples up to it.

        Raises SnapshotError, and StoreError where the inputs since give other events than they did.
        """
        hosted = cls(Diarizer.restore(kept.snapshot, segmenter, embedder), session, start, fed)
        events: list[Event] = []
        for given in kept.inputs:
            events += hosted._give(given)
            while requests := hosted._diarizer.due():
                events += hosted._diarizer.advance(compute.run(requests, segmenter, embedder))
        if events != list(told):
            raise StoreError(
                f"session {session!r} cannot go on: hocket or its models are not those that it began with"
            )
        return hosted

    @property
    def sample(self) -> int:
        """Of the source: all before it is heard. What waits in the resampler is not, and comes again."""
        return self._fed * self._start.sample_rate // self._diarizer.rate

    @property
    def seconds(self) -> float:
        """Heard so far."""
        return self._fed / self._diarizer.rate

    @property
    def _snapshot_every(self) -> int:
        return round(SNAPSHOT_SECONDS * self._diarizer.rate)

    def steps(self, pieces: Sequence[Piece]) -> Generator[list[Request], list[Output], Outcome]:
        """Give the pieces to the engine: yields what it needs from the models, wants their answers."""
        inputs: list[Input] = []
        events: list[Event] = []
        finalized: list[str] = []
        refusals: list[Refusal] = []
        for piece in pieces:
            if isinstance(piece, Finalize):
                finalized.append(piece.id)
            for given in self._inputs(piece):
                try:
                    events += self._give(given)
                except HocketError as error:
                    if not isinstance(given, Naming | Merging):
                        raise
                    refusals.append(Refusal(code="bad_message", message=str(error)))
                    continue
                inputs.append(given)
                while requests := self._diarizer.due():
                    events += self._diarizer.advance((yield requests))
        snapshot = None
        if self._fed >= self._snapshot_due and not self._is_over:
            snapshot = self._diarizer.snapshot()
            self._snapshot_due = self._fed + self._snapshot_every
        step = Step(self.session, inputs, events, self.sample, self.seconds, snapshot, self._is_over)
        return Outcome(step, finalized, refusals)

    def _inputs(self, piece: Piece) -> list[Input]:
        match piece:
            case Audio(samples):
                return _sound(self._resampler.push(samples))
            case Missing(samples=count, reason=reason):
                rest, lost = self._resampler.gap(count)
                return [*_sound(rest), Absence(lost, reason)]
            case Ending():
                return [*_sound(self._resampler.finish()), piece]
            case Name(speaker=speaker, name=name):
                return [Naming(speaker, name)]
            case Merge(speaker=speaker, into=into):
                return [Merging(speaker, into)]
            case Finalize():
                return []

    def _give(self, given: Input) -> list[Event]:
        match given:
            case Sound(samples):
                self._fed += len(samples)
                return self._diarizer.feed(samples)
            case Absence(num_samples, reason):
                self._fed += num_samples
                return self._diarizer.gap(num_samples, reason)
            case Naming(speaker, name):
                return self._diarizer.name(speaker, name)
            case Merging(speaker, into):
                return self._diarizer.merge(speaker, into)
            case Ending(reason):
                self._is_over = True
                return self._diarizer.end(reason)


def _sound(samples: NDArray[np.float32]) -> list[Input]:
    return [Sound(samples)] if len(samples) else []
