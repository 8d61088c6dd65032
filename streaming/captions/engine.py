"""An engine whose log has captions in it."""

import logging
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import FormatError
from hocket.streaming.events import Event, SessionEnd
from hocket.streaming.stream import Engine

from .captioner import Captioner
from .hearing import Hearing
from .words import HeardWord

logger = logging.getLogger(__name__)


class Captioned:
    """Wraps an engine: its log, with the captions of each step behind what they follow from, numbered as one.

    words: known beforehand, such as those of a file; they join in when the audio comes to them. `add` takes
    others as they come; their captions go out with the next step. hearing: a recogniser that hears what the
    engine hears. One call at a time, as for any engine.
    """

    def __init__(
        self,
        engine: Engine,
        captioner: Captioner,
        words: Iterable[HeardWord] = (),
        hearing: Hearing | None = None,
    ) -> None:
        self._engine = engine
        self._hearing = hearing
        self._captioner = captioner
        self._ahead = sorted(words, key=lambda word: word.start, reverse=True)
        self._said: list[Event] = []
        self._num_samples = 0
        self._seq = 0

    @property
    def rate(self) -> int:
        return self._engine.rate

    def add(self, words: Iterable[HeardWord]) -> None:
        """Take words of a recogniser. Raises FormatError as Captioner.add."""
        self._said += self._captioner.add(words)

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        self._num_samples += len(samples)
        if self._hearing is not None:
            self._hearing.push(samples)
        return self._join(self._engine.push(samples))

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        self._num_samples += num_samples
        if self._hearing is not None:
            self._hearing.gap(num_samples)
        return self._join(self._engine.gap(num_samples, reason))

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        return self._numbered(self._engine.status(lag=lag, rtf=rtf, dropped=dropped))

    def finish(self, reason: str = "end") -> list[Event]:
        events = self._engine.finish(reason)
        ends = [event for event in events if isinstance(event, SessionEnd)]
        self._said += self._captioner.take(events)
        self._said += self._captioner.add(reversed(self._ahead))
        self._ahead.clear()
        if self._hearing is not None:
            self._add_heard(self._hearing.finish())
        rest = [event for event in events if not isinstance(event, SessionEnd)]
        said, self._said = [*self._said, *self._captioner.finish()], []
        return [*map(self._numbered, [*rest, *said, *ends])]

    def _join(self, events: list[Event]) -> list[Event]:
        self._said += self._captioner.take(events)
        heard = self._num_samples / self.rate - self._captioner.offset
        words = []
        while self._ahead and self._ahead[-1].end <= heard:
            words.append(self._ahead.pop())
        if words:
            self._said += self._captioner.add(words)
        if self._hearing is not None:
            self._add_heard(self._hearing.words())
        said, self._said = self._said, []
        return [*map(self._numbered, [*events, *said])]

    def _add_heard(self, words: list[HeardWord]) -> None:
        """Words of the recogniser; a session does not end for one that makes no sense."""
        try:
            self._said += self._captioner.add(words)
        except FormatError as error:
            logger.warning("words of the recogniser are left out: %s", error)

    def _numbered(self, event: Event) -> Event:
        self._seq += 1
        return replace(event, seq=self._seq)
