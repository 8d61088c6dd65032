"""The engine: audio in, events out. No clock, no thread, no file, no socket."""

from collections.abc import Sequence
from typing import Any, Self
from zlib import crc32

from hocket.models.roles import Embedder, Segmenter

from ..clustering.clusterer import Clusterer, ClusterRules, Verdict
from ..clustering.people import Profile
from ..clustering.second_look import SecondLook, Stretch
from ..clustering.voiceprint import VoicePrint
from ..clustering.voices import VoiceScorer
from ..errors import ConfigError, SnapshotError, UnknownSpeaker
from ..events import Event
from ..grid import Grid, to_cells
from ..hearing.atoms import Atom
from ..hearing.cutting import AtomRules
from ..hearing.perception import Perception
from ..hearing.windows import WindowPlan
from .account import Account
from .amendments import Amendments
from .config import DiarizerConfig
from .floor import Floor
from .journal import Journal
from .listener import Listener
from .session import Session
from .snapshot import pack, unpack
from .timeline import Timeline, TurnRecord

SHORTEST_WINDOW = 2.0  # seconds
BRIDGE = 20  # cells of silence inside which a speaker's turn goes on
LINKED = 64  # remembered atoms that new ones may be linked to: more than ten seconds can hold
PATIENCE = 50  # cells of silence after which a speaker is said to have ended


class Diarizer(Session):
    """Who is speaking, said while they speak. See Session for how it is fed.

    segmenter, embedder: the models; they say what rate, windows, frames and vectors they need.
    config: settings; session: the name that events carry; models: names for the log. people: enrolled from
    the start, see `enroll`.

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
        people: Sequence[Profile] = (),
    ) -> None:
        self.config = config or DiarizerConfig()
        self._voice_model = (models or {}).get("embedding")
        spec = segmenter.spec
        grid = Grid(spec.rate)
        self._latency = to_cells(self.config.latency)
        plan = WindowPlan(spec.lengths, grid.samples(self.config.hop), grid.samples(SHORTEST_WINDOW))
        rules = self.config.atoms or AtomRules(onset=spec.onset, offset=spec.offset)
        after = to_cells(self.config.second_look) if self.config.second_look > self.config.latency else 0
        mutable = grid.cell * (max(self._latency, after) + 2 * rules.longest)
        reach = spec.lengths[-1] + mutable + plan.hop * self.config.most_hops
        self._perception = Perception(spec, embedder.spec, rules, grid, reach)
        beat, again = crc32(session.encode()), self._due_again
        listener = Listener(self._perception, plan, grid.cell, self._conclude, again=again, beat=beat)
        self._second_look = SecondLook(after)
        self._again: Stretch | None = None  # what the step under way looks at once more
        super().__init__(segmenter, embedder, listener, Timeline(BRIDGE), Journal(session))
        scorer = VoiceScorer(embedder.spec.calibration)
        who = self.config.clustering or ClusterRules()
        self._clusterer = Clusterer(embedder.spec.size, scorer, who, self.config.asked)
        self._floor = Floor(PATIENCE)
        self._account = Account(self._clusterer, self._timeline, self._floor, self._journal)
        self._amendments = Amendments(self._account, self._clusterer, self._timeline, self._journal)
        self._journal.start(spec.rate, models or {}, self.config.to_dict())
        for person in people:
            self._enroll(person)

    # The user's word: final, said at once, and learned from. Not after the end (SessionOver).

    def enroll(self, name: str, voice: VoicePrint, *, profile: str | None = None) -> list[Event]:
        """Know a person by their voice, from now on and for what was said so far.

        profile: the id that `speaker.new` carries once the voice is heard, the name if not given; enrolled
        again, it replaces what was known. Raises VoicePrintError for a print of another embedding model.
        """
        self._listener.require_open()
        self._enroll(Profile(name if profile is None else profile, name, voice))
        return self._journal.take()

    def _enroll(self, person: Profile) -> None:
        person.voice.check(self._voice_model or person.voice.model, self._embedder.spec.size)
        self._amendments.enroll(person)

    def name(self, speaker: str, name: str) -> list[Event]:
        """A speaker is called so, and keeps the id whatever is heard. Raises UnknownSpeaker."""
        self._listener.require_open()
        self._amendments.name(speaker, name)
        return self._journal.take()

    def merge(self, speaker: str, into: str) -> list[Event]:
        """Two speakers are one, who goes by the second id. Raises UnknownSpeaker; ConfigError if they are."""
        self._listener.require_open()
        self._amendments.merge(speaker, into)
        return self._journal.take()

    def split(self, speaker: str, *, turns: Sequence[str] = (), at: float | None = None) -> list[Event]:
        """Some of a speaker's turns, by id, or all from `at` seconds on, are a new speaker's.

        Raises UnknownSpeaker for an id that is not the speaker's, ConfigError where none or all would go.
        """
        self._listener.require_open()
        ids = [self._turn(turn).id for turn in turns]
        self._amendments.split(speaker, ids, None if at is None else to_cells(at))
        return self._journal.take()

    def correct(self, what: str | tuple[float, float], speaker: str | None) -> list[Event]:
        """A turn, by id, or what is said from one second to another, is this speaker's.

        speaker: an id, the profile of an enrolled person, or None for somebody new. In a stretch of time the
        first voice is meant, not who speaks at the same time; what lies before all that the session remembers
        (minutes) changes by whole turns. Raises UnknownSpeaker, ConfigError for an empty stretch.
        """
        self._listener.require_open()
        if isinstance(what, str):
            self._amendments.correct(self._turn(what), speaker)
        else:
            start, stop = to_cells(what[0]), to_cells(what[1])
            if not 0 <= start < stop:
                raise ConfigError(f"a stretch of {what[0]} to {what[1]} s: expected a start before the end")
            self._amendments.correct((start, stop), speaker)
        return self._journal.take()

    def voice_print(self, speaker: str) -> VoicePrint:
        """What the session knows of a speaker's voice, to be kept: see `enroll`.

        Raises UnknownSpeaker, and VoicePrintError for less than 3 s of clean speech.
        """
        return self._amendments.voice_print(speaker, self._voice_model or "unnamed")

    def _turn(self, turn: str) -> TurnRecord:
        number = turn[1:]
        record = self._timeline.turns.get(int(number)) if number.isdecimal() else None
        if record is None or not turn.startswith("t"):
            raise UnknownSpeaker(f"no turn {turn!r}: expected the id of one that is shown")
        return record

    # The machine's word

    def stretch(self, hops: int) -> list[Event]:
        """From now on a step takes so many hops, because computing cannot keep up with one each.

        hops: 1 is as configured, up to config.most_hops. Turns then come later, and fewer windows vote on
        them. On which of the hops a step falls goes by the session's name, so that sessions stretched
        together do not all look at once. It belongs to what a session is given, as samples do: the same at
        the same place gives the same events. Like `feed`: requests may be due afterwards. Raises ConfigError
        for another number.
        """
        if not 1 <= hops <= self.config.most_hops:
            raise ConfigError(f"a step of {hops} hops: expected 1 to {self.config.most_hops}")
        self._listener.stretch(hops)
        return self._journal.take()

    # Kept and gone on with

    def snapshot(self) -> bytes:
        """The whole session as bytes: restored anywhere with the same models, it goes on as if never stopped.

        Raises SnapshotError while requests are out: answer what is `due` first.
        """
        if self._listener.due():
            raise SnapshotError("a snapshot wants a session at rest: answer what is due() first")
        return pack(
            {
                "models": self._fingerprint(),
                "voice_model": self._voice_model,
                "config": self.config.to_dict(),
                "listener": self._listener.state(),
                "second_look": self._second_look.state(),
                "clusterer": self._clusterer.state(),
                "timeline": self._timeline.state(),
                "floor": self._floor.state(),
                "account": self._account.state(),
                "journal": self._journal.state(),
            }
        )

    @classmethod
    def restore(cls, data: bytes, segmenter: Segmenter, embedder: Embedder) -> Self:
        """The session that `snapshot` was taken of.

        Raises SnapshotError for damaged bytes and for models of another interface.
        """
        state = unpack(data)
        diarizer = cls(segmenter, embedder, DiarizerConfig.from_dict(state["config"]))
        diarizer._journal.take()
        if state["models"] != diarizer._fingerprint():
            raise SnapshotError(
                f"snapshot of a session with other models: expected {state['models']}, "
                f"got {diarizer._fingerprint()}"
            )
        diarizer._voice_model = state["voice_model"]
        diarizer._listener.restore(state["listener"])
        diarizer._second_look.restore(state["second_look"])
        diarizer._clusterer.restore(state["clusterer"])
        diarizer._timeline.restore(state["timeline"])
        diarizer._floor.restore(state["floor"])
        diarizer._account.restore(state["account"])
        diarizer._journal.restore(state["journal"])
        return diarizer

    def _fingerprint(self) -> list[Any]:
        segmenter, embedder = self._segmenter.spec, self._embedder.spec
        detector = segmenter.detector and [segmenter.detector.chunk, segmenter.detector.memory]
        heard_by = [segmenter.rate, list(segmenter.lengths), detector]
        return [*heard_by, embedder.rate, embedder.size, embedder.channels]

    # A step

    def _due_again(self) -> Stretch | None:
        memory, heard = self._clusterer.memory, self._perception
        first, closed = max(heard.since, memory.since), self._listener.open_from
        is_last = self._listener.is_last
        self._again = self._second_look.due(memory.recent, first, closed, heard.now, is_last=is_last)
        return self._again

    def _atoms(self) -> tuple[list[Atom], int | None]:
        """The atoms that are open, named; those that were cut again are remembered already.

        Returns them and the cell from which turns read differently by the second look, None without.
        """
        linkable, again = self._clusterer.memory.recent[-LINKED:], self._again
        if again is None:
            return self._clusterer.name(self._perception.atoms(linkable), linkable), None
        others = [atom for atom in linkable if not again[0] <= atom.start < again[1]]
        atoms, num_again = self._perception.atoms(others), self._perception.num_again
        since = self._clusterer.look_again(*again, atoms[:num_again])
        return self._clusterer.name(atoms[num_again:], self._clusterer.memory.recent[-LINKED:]), since

    def _conclude(self) -> None:
        """Name the atoms, remember those that are closed, think again when it is time, say what changed."""
        now = self._perception.now
        frozen = now if self._listener.is_last else max(0, now - self._latency)
        if not self._perception.windows:
            frozen = 0  # too little was heard for a first window: it decides on all of it
        named, looked_since = self._atoms()
        closed = [
            atom
            for atom, span in zip(named, self._perception.spans[self._perception.num_again :])
            if self._listener.is_last or (span.closed and span.stop <= frozen)
        ]
        live = named[len(closed) :]
        self._clusterer.remember(closed)
        self._listener.open_from = max(self._listener.open_from, *(atom.stop for atom in closed[-1:]), 0)
        if not live or live[0].start > frozen:
            self._listener.open_from = max(self._listener.open_from, frozen)
        verdict = Verdict()
        if self._listener.is_last or self._clusterer.is_due():
            verdict = self._clusterer.reconsider(is_last=self._listener.is_last)
            live = self._clusterer.name(live, self._clusterer.memory.recent[-LINKED:])
        since = [cell for cell in (looked_since, verdict.since) if cell is not None]
        changed_from = min([now, *(atom.start for atom in named), *since])
        self._journal.move_to(now)
        self._account.tell(
            live,
            verdict,
            changed_from,
            min(frozen, self._listener.open_from),
            now,
            reason="heard again" if verdict.since is None else "reclustered",
            is_last=self._listener.is_last,
        )
        if self._listener.is_last:
            duration = self._perception.samples_heard / self.rate
            self._journal.end(round(duration, 3), self._timeline.speakers(), self._listener.ending or "end")
