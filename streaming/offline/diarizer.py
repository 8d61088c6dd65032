"""The engine with all the time in the world: the same models and atoms, and nothing said before the end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from .. import compute
from ..atoms import AtomRules
from ..config import DiarizerConfig
from ..events import Event
from ..floor import Floor
from ..grid import Grid, seconds
from ..journal import Journal
from ..listener import Listener
from ..memory import NOBODY, Atom
from ..perception import Perception
from ..replay import Segment
from ..requests import Request
from ..timeline import Piece, Timeline, turns_of
from ..voices import VoiceScorer
from ..windows import WindowPlan
from .agreement import Agreement
from .clustering import OfflineRules, cluster

Samples = NDArray[np.float32]

SHORTEST_WINDOW = 2.0  # seconds
BRIDGE = 10  # cells of silence inside which a speaker's turn goes on
SECOND_VOICE_CONFIDENCE = 0.5


class OfflineDiarizer:
    """A recording, heard to its end before anything is said. The same samples, cut in any way, give the same.

    A Diarizer's face: `push` and `finish`, or in halves `feed` (`gap`, `end`), `due` and `advance`. Audio is
    heard and forgotten as it comes; what stays is an atom per second or two of speech, some 20 MB an hour.
    Every cell is judged when all windows that see it are in, and all names when all atoms are. The last step
    says every turn, final, and every change.

    segmenter, embedder: the models. config: hop, cutting and number of speakers count, the rest does not.

    May raise BlockError for samples of the wrong shape or type, SessionOver for audio after the end,
    ConfigError for a rate the engine cannot keep time in. Anything else is a bug to report.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        embedder: Embedder,
        config: DiarizerConfig | None = None,
        *,
        session: str = "session",
        models: dict[str, str] | None = None,
        rules: OfflineRules | None = None,
    ) -> None:
        self.config = config or DiarizerConfig()
        self._segmenter, self._embedder = segmenter, embedder
        self._rules = rules or OfflineRules()
        spec = segmenter.spec
        self._grid = Grid(spec.rate)
        hop, window = self._grid.samples(self.config.hop), spec.lengths[-1]
        plan = WindowPlan(spec.lengths, hop, self._grid.samples(SHORTEST_WINDOW))
        every = max(1, window // hop)
        atoms = self.config.atoms or AtomRules(onset=spec.onset, offset=spec.offset)
        # A cell waits for its last window, for the next turn to be cut, and for its atom to end.
        reach = 2 * window + (every + 1) * hop + 2 * self._grid.cell * atoms.longest
        self._perception = Perception(spec, embedder.spec, atoms, self._grid, reach)
        self._listener = Listener(
            self._perception,
            plan,
            self._grid.cell,
            self._conclude,
            every=every,
            behind=self._grid.cells(window),
        )
        self._agreement = Agreement()
        self._atoms: list[Atom] = []
        self._timeline = Timeline(BRIDGE)
        self._journal = Journal(session)
        self._journal.start(spec.rate, models or {}, _said(self.config))

    @property
    def rate(self) -> int:
        """Samples per second that `push` expects."""
        return self._grid.rate

    # Everything at once

    def push(self, samples: Samples) -> list[Event]:
        """Take samples (n,) float32, full scale ±1, at the models' rate; not finite ones count as silence."""
        return self.feed(samples) + self._answer()

    def finish(self, reason: str = "end") -> list[Event]:
        """End the recording and say who spoke when. Repeated calls say nothing more."""
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

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        """Declare samples that never arrived, heard as silence. Like `feed`."""
        start, rate = self._listener.fed, self._grid.rate
        self._listener.require_open()
        if num_samples > 0:
            self._journal.gap(round(start / rate, 3), round((start + num_samples) / rate, 3), reason)
        self._listener.gap(num_samples)
        return self._journal.take()

    def end(self, reason: str = "end") -> list[Event]:
        """Say that no more audio will come. Requests may be due afterwards."""
        self._listener.end(reason)
        return self._journal.take()

    def due(self) -> list[Request]:
        """What is needed from the models before it can go on; empty while only audio is needed."""
        return self._listener.due()

    def advance(self, outputs: Sequence[NDArray[np.float32]]) -> list[Event]:
        """Take one answer per request of `due`, in order."""
        self._listener.advance(outputs)
        return self._journal.take()

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        """A numbered heartbeat, with what only the caller can measure: seconds, ratio, seconds."""
        self._journal.status(lag, rtf, len(self._timeline.speakers()), dropped)
        return self._journal.take()[-1]

    def annotation(self) -> list[Segment]:
        """Every turn, by start; empty before the end."""
        return sorted(
            (
                Segment(seconds(turn.start), seconds(turn.stop), self._journal.id_of(turn.speaker))
                for turn in self._timeline.turns.values()
            ),
            key=lambda segment: (segment.start, segment.end, segment.speaker),
        )

    # A step

    def _conclude(self) -> None:
        """Keep the atoms that nothing will change any more; after the last step, say whose they are."""
        heard, listener, done = self._perception, self._listener, self._listener.open_from
        atoms = heard.atoms(())
        closed = [a for a, span in zip(atoms, heard.spans) if listener.is_last or span.closed]
        self._atoms += closed
        self._agreement.add_atoms(closed)
        # An atom that is still open goes on in the next step; without one, all that was cut is done.
        listener.open_from = atoms[len(closed)].start if len(closed) < len(atoms) else listener.cut_to
        for window in heard.windows:
            if done < window.stop <= listener.open_from:
                self._agreement.add_window(window)
        self._journal.move_to(heard.now)
        if listener.is_last:
            self._say()

    def _say(self) -> None:
        scorer = VoiceScorer(self._embedder.spec.calibration)
        named = cluster(self._atoms, self._agreement, scorer, self._rules, self.config.asked)
        pieces = [piece for atom in named for piece in _pieces(atom)]
        end = self._perception.now + BRIDGE + 1
        for change in Floor(0).follow(turns_of(pieces, BRIDGE), end):
            self._journal.change(change)
        for turn in self._timeline.update(pieces, 0, end, end).said:
            self._journal.turn(turn)
        duration = round(self._perception.samples_heard / self._grid.rate, 3)
        self._journal.end(duration, self._timeline.speakers(), self._listener.ending or "end")


def _pieces(atom: Atom) -> list[Piece]:
    first = Piece(atom.start, atom.stop, atom.speaker, atom.confidence)
    return [
        first,
        *(
            Piece(overlap.start, overlap.stop, overlap.speaker, SECOND_VOICE_CONFIDENCE)
            for overlap in atom.overlaps
            if overlap.speaker != NOBODY
        ),
    ]


def _said(config: DiarizerConfig) -> dict[str, Any]:
    """The settings for the log: those that count."""
    counting = {name: value for name, value in config.to_dict().items() if name != "latency"}
    return {"mode": "offline", **counting}
