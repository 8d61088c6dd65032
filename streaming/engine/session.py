"""Audio in, events out: what a session is to those who feed it, whatever it makes of what it hears."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ..events import Event, Turn
from ..grid import seconds
from ..hearing.requests import Request
from ..replay import Segment
from . import compute
from .journal import Journal
from .listener import Listener
from .timeline import Timeline

Samples = NDArray[np.float32]


class Session:
    """The face of an engine. The same samples, cut in any way, give the same events.

    `push` and `finish` do everything. A server that batches many sessions uses their halves: `feed` (or
    `gap`, `end`), then `due` and `advance` until nothing is due.

    segmenter, embedder: the models. listener: hears, and calls the engine at each step. timeline, journal:
    where the engine puts turns and events.

    May raise BlockError for samples of the wrong shape or type, SessionOver for audio after the end.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        embedder: Embedder,
        listener: Listener,
        timeline: Timeline,
        journal: Journal,
    ) -> None:
        self._segmenter, self._embedder = segmenter, embedder
        self._listener = listener
        self._timeline = timeline
        self._journal = journal

    @property
    def rate(self) -> int:
        """Samples per second that `push` expects."""
        return self._segmenter.spec.rate

    # Everything at once

    def push(self, samples: Samples) -> list[Event]:
        """Take samples (n,) float32, full scale ±1, at the models' rate; say what they changed.

        Samples that are not finite count as silence.
        """
        return self.feed(samples) + self._answer()

    def finish(self, reason: str = "end") -> list[Event]:
        """End the session: what is still provisional becomes final. Repeated calls say nothing more."""
        return self.end(reason) + self._answer()

    def _answer(self) -> list[Event]:
        events: list[Event] = []
        while requests := self.due():
            events += self.advance(compute.run(requests, self._segmenter, self._embedder))
        return events

    # In halves

    def feed(self, samples: Samples) -> list[Event]:
        """Take samples as `push` does, but leave the models to the caller: see `due`."""
        self._listener.feed(samples)
        return self._journal.take()

    def gap(self, num_samples: int, reason: str, *, whole: int | None = None) -> list[Event]:
        """Declare samples that never arrived: the clock moves on through them, heard as silence.

        whole: how long the gap is that begins here, where it comes in several calls; 0 for the later ones.
        Like `feed`: requests may be due afterwards.
        """
        start = self._listener.fed
        self._listener.require_open()
        length = num_samples if whole is None else whole
        if length > 0:
            stop = start + length
            self._journal.gap(round(start / self.rate, 3), round(stop / self.rate, 3), reason)
        self._listener.gap(num_samples)
        return self._journal.take()

    def end(self, reason: str = "end") -> list[Event]:
        """Say that no more audio will come. Requests may be due afterwards."""
        self._listener.end(reason)
        return self._journal.take()

    def due(self) -> list[Request]:
        """What the session needs from the models before it can go on; empty while it needs only audio."""
        return self._listener.due()

    def advance(self, outputs: Sequence[NDArray[np.float32]]) -> list[Event]:
        """Take one answer per request of `due`, in order; say what they changed."""
        self._listener.advance(outputs)
        return self._journal.take()

    @property
    def missing(self) -> int:
        """Samples that have to come before models are needed again."""
        return self._listener.missing

    # What came out

    def annotation(self) -> list[Segment]:
        """Every turn as it now reads, by start; the same as a replay of all events so far."""
        return sorted(
            (
                Segment(seconds(turn.start), seconds(turn.stop), self._journal.id_of(turn.speaker))
                for turn in self._timeline.turns.values()
            ),
            key=lambda segment: (segment.start, segment.end, segment.speaker),
        )

    def turns(self, since: float = 0.0) -> list[Turn]:
        """Turns that end after `since` seconds as they now read, by start: for who comes late. `seq` is 0."""
        return sorted(
            (
                self._journal.reading(turn)
                for turn in self._timeline.turns.values()
                if seconds(turn.stop) > since
            ),
            key=lambda turn: (turn.start, turn.end, turn.id),
        )

    def name_of(self, speaker: str) -> str | None:
        """What a speaker is called, None as long as nobody knows. Raises UnknownSpeaker."""
        return self._journal.name_of(self._journal.number_of(speaker))

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        """A numbered heartbeat, with what only the caller can measure: seconds, ratio, seconds."""
        hop = seconds(self._listener.hop_cells)
        self._journal.status(lag, rtf, len(self._timeline.speakers()), dropped, hop)
        return self._journal.take()[-1]
