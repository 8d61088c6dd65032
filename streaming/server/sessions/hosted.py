"""A session as the engine's thread knows it: what producers send becomes inputs, and inputs become events."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter
from hocket.streaming.clustering.people import Profile
from hocket.streaming.clustering.voiceprint import VoicePrint
from hocket.streaming.engine import compute
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.engine.snapshot import pack, unpack
from hocket.streaming.errors import ConfigError, HocketError, StoreError
from hocket.streaming.events import Event
from hocket.streaming.hearing.requests import Request
from hocket.streaming.resample import Channel, Resampler

from ..protocol.ends import Audio
from ..protocol.messages import (
    Control,
    Done,
    End,
    Enroll,
    Finalize,
    Finalized,
    Message,
    Missing,
    Refusal,
    Start,
    Words,
)
from .inputs import Absence, Ending, Enrolling, Input, Sound, Stretching, Told
from .repeats import Repeats
from .scribe import Scribe
from .store import Kept, Step
from .telling import tell

Output = NDArray[np.float32]
SNAPSHOT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A control, and by whom: a number that its answer carries."""

    control: Control
    asker: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GapPart(Missing):
    """Some of a gap that is too long for a round. whole: what is said of its length; 0 for later parts."""

    whole: int


Piece = Audio | Missing | Asked | Stretching | Ending


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some pieces: a step to be stored, and who is to be told what once it is.

    missing: samples of the source before models are needed again.
    """

    step: Step
    answers: Sequence[tuple[int, Message]] = ()
    missing: int = 0


class Hosted:
    """A diarizer, the resampler before it, the log behind it, and how far they have come.

    people: whom an `enroll` may name.
    """

    def __init__(
        self,
        diarizer: Diarizer,
        session: str,
        start: Start,
        people: Sequence[Profile] = (),
        fed: int = 0,
        seq: int = 1,
    ) -> None:
        self.session = session
        self._people = {person.id: person for person in people}
        self._scribe = Scribe(diarizer, session, seq)
        self._repeats = Repeats()
        self._diarizer = diarizer
        self._start = start
        self._fed = fed  # samples at the engine's rate, lost ones among them
        self._snapshot_due = fed + self._snapshot_every
        self._is_over = False
        channel: Channel = start.channel if isinstance(start.channel, int) else "mix"
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
        people: Sequence[Profile] = (),
    ) -> Self:
        """The session as its last step left it. told: the events since the snapshot; fed: samples up to it.

        Raises SnapshotError, and StoreError where the inputs since give other events than they did.
        """
        engine, captions, repeats = _unpacked(kept.snapshot)
        hosted = cls(Diarizer.restore(engine, segmenter, embedder), session, start, people, fed, kept.seq)
        if captions is not None:
            hosted._scribe.restore(captions)
        if repeats is not None:
            hosted._repeats.restore(repeats)
        events: list[Event] = []
        for given in kept.inputs:
            events += hosted._give(given)
            while requests := hosted._diarizer.due():
                answers = compute.run(requests, segmenter, embedder)
                events += hosted._scribe.take(hosted._diarizer.advance(answers))
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
        answers: list[tuple[int, Message]] = []
        for piece in pieces:
            if isinstance(piece, Asked) and (seq := self._repeats.seq_of(piece.control)) is not None:
                answers.append((piece.asker, Done(id=piece.control.id or "", seq=seq)))
                continue
            try:
                for given in self._inputs(piece):
                    events += self._give(given)
                    inputs.append(given)
                    while requests := self._diarizer.due():
                        events += self._scribe.take(self._diarizer.advance((yield requests)))
            except HocketError as error:
                if not isinstance(piece, Asked):
                    raise
                refusal = Refusal(code="bad_message", message=str(error)[:500], id=piece.control.id)
                answers.append((piece.asker, refusal))
                continue
            if isinstance(piece, Asked) and (answer := self._answer_to(piece.control)):
                answers.append((piece.asker, answer))
        snapshot = None
        if self._fed >= self._snapshot_due and not self._is_over:
            snapshot = self._snapshot()
            self._snapshot_due = self._fed + self._snapshot_every
        step = Step(self.session, inputs, events, self.sample, self.seconds, snapshot, self._is_over)
        missing = self._diarizer.missing * self._start.sample_rate // self._diarizer.rate
        return Outcome(step, answers, missing)

    def _answer_to(self, control: Control) -> Message | None:
        """That it is done, to who asked for an answer."""
        if isinstance(control, Finalize):
            return Finalized(id=control.id or "", sample=self.sample)
        return None if control.id is None else Done(id=control.id, seq=self._scribe.seq)

    def _inputs(self, piece: Piece) -> list[Input]:
        match piece:
            case Audio(samples):
                return _sound(self._resampler.push(samples))
            case GapPart(samples=count, reason=reason, whole=whole):
                rest, lost = self._resampler.gap(count)
                whole = whole * self._diarizer.rate // self._start.sample_rate
                return [*_sound(rest), Absence(lost, reason, whole)]
            case Missing(samples=count, reason=reason):
                rest, lost = self._resampler.gap(count)
                return [*_sound(rest), Absence(lost, reason)]
            case Ending():
                return [*_sound(self._resampler.finish()), piece]
            case Stretching():
                return [piece]
            case Asked(Finalize()):
                return []
            case Asked(End()):
                return self._inputs(Ending("ended by request"))
            case Asked(Enroll(profile=str(profile))):
                return [self._enrolling(profile)]
            case Asked(control):
                return [Told(control)]

    def _enrolling(self, profile: str) -> Enrolling:
        if profile not in self._people:
            known = ", ".join(self._people)[:200] or "nobody: see hocket serve --people"
            raise ConfigError(f"no profile {profile!r}: this server knows {known}")
        person = self._people[profile]
        return Enrolling(person.id, person.name, person.voice.to_dict())

    def _give(self, given: Input) -> list[Event]:
        match given:
            case Sound(samples):
                self._fed += len(samples)
                said = self._diarizer.feed(samples)
            case Absence(num_samples, reason, whole):
                self._fed += num_samples
                said = self._diarizer.gap(num_samples, reason, whole=whole)
            case Told(Words(words=words)):
                return self._scribe.add(words)
            case Told(control):
                told = self._scribe.take(tell(self._diarizer, control))
                self._repeats.remember(control, self._scribe.seq)
                return told
            case Enrolling(profile, name, voice):
                said = self._diarizer.enroll(name, VoicePrint.from_dict(voice), profile=profile)
            case Stretching():
                said = self._stretched(given)
            case Ending(reason):
                self._is_over = True
                said = self._diarizer.end(reason)
        return self._scribe.take(said)

    def _stretched(self, to: Stretching) -> list[Event]:
        config = self._diarizer.config
        said = self._diarizer.stretch(max(1, min(config.most_hops, round(to.hop / config.hop))))
        return [*said, self._diarizer.status(lag=to.lag, rtf=to.rtf, dropped=to.dropped)]

    def _snapshot(self) -> bytes:
        engine, captions, repeats = self._diarizer.snapshot(), self._scribe.state(), self._repeats.state()
        if captions is None and repeats is None:
            return engine
        return pack({"engine": np.frombuffer(engine, np.uint8), "captions": captions, "repeats": repeats})


def _unpacked(snapshot: bytes) -> tuple[bytes, dict[str, Any] | None, dict[str, Any] | None]:
    """The engine's snapshot, and the states of the captions and of what was told, where there are any."""
    state = unpack(snapshot)
    if "engine" not in state:
        return snapshot, None, None
    return state["engine"].tobytes(), state["captions"], state.get("repeats")


def _sound(samples: NDArray[np.float32]) -> list[Input]:
    return [Sound(samples)] if len(samples) else []
