"""The engine with all the time in the world: the same models and atoms, and nothing said before the end."""

from typing import Any

from hocket.models.roles import Embedder, Segmenter

from ..clustering.voices import VoiceScorer
from ..engine.config import DiarizerConfig
from ..engine.floor import Floor
from ..engine.journal import Journal
from ..engine.listener import Listener
from ..engine.session import Session
from ..engine.timeline import Piece, Timeline, turns_of
from ..grid import Grid
from ..hearing.atoms import NOBODY, Atom
from ..hearing.cutting import AtomRules
from ..hearing.perception import Perception
from ..hearing.windows import WindowPlan
from .agreement import Agreement
from .clustering import OfflineRules, cluster

SHORTEST_WINDOW = 2.0  # seconds
BRIDGE = 10  # cells of silence inside which a speaker's turn goes on
SECOND_VOICE_CONFIDENCE = 0.5


class OfflineDiarizer(Session):
    """A recording, heard to its end before anything is said. The same samples, cut in any way, give the same.

    Audio is heard and forgotten as it comes; what stays is an atom per second or two of speech, some 20 MB
    an hour. `annotation` is empty before the end. See Session for how it is fed.
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
        self._rules = rules or OfflineRules()
        spec = segmenter.spec
        grid = Grid(spec.rate)
        hop, window = grid.samples(self.config.hop), spec.lengths[-1]
        plan = WindowPlan(spec.lengths, hop, grid.samples(SHORTEST_WINDOW))
        every = max(1, window // hop)
        atoms = self.config.atoms or AtomRules(onset=spec.onset, offset=spec.offset)
        # A cell waits for its last window, for the next turn to be cut, and for its atom to end.
        reach = 2 * window + (every + 1) * hop + 2 * grid.cell * atoms.longest
        self._perception = Perception(spec, embedder.spec, atoms, grid, reach)
        listener = Listener(
            self._perception, plan, grid.cell, self._conclude, every=every, behind=grid.cells(window)
        )
        super().__init__(segmenter, embedder, listener, Timeline(BRIDGE), Journal(session))
        self._agreement = Agreement()
        self._atoms: list[Atom] = []
        self._journal.start(spec.rate, models or {}, _said(self.config))

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
        duration = round(self._perception.samples_heard / self.rate, 3)
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
