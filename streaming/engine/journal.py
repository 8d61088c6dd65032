"""What the engine found out, said: the one place where events are made and numbered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import UnknownSpeaker
from ..events import (
    Change,
    Event,
    Gap,
    RevisedTurn,
    Revision,
    SessionEnd,
    SessionStart,
    SpeakerNew,
    SpeakerUpdate,
    Status,
    Turn,
)  # fmt: skip
from ..grid import seconds
from .floor import FloorChange
from .timeline import TurnRecord


class Journal:
    """Turns cells and numbers into events with `seq`, `session` and `at`; keeps them until they are taken.

    Speakers get their ids, S1, S2 …, in the order in which they are first shown.
    """

    def __init__(self, session: str) -> None:
        self.session = session
        self._seq = 0
        self._at = 0.0
        self._ids: dict[int, str] = {}
        self._aliases: dict[int, int] = {}  # merged speaker -> the one it went into
        self._who: dict[int, tuple[str | None, str | None]] = {}  # speaker -> name, profile
        self._events: list[Event] = []

    def take(self) -> list[Event]:
        """The events since the last call."""
        events, self._events = self._events, []
        return events

    def id_of(self, speaker: int) -> str:
        """The id that readers know a speaker by. KeyError for one never shown."""
        return self._ids[speaker]

    def name_of(self, speaker: int) -> str | None:
        """What a speaker was last said to be called."""
        return self._who.get(speaker, (None, None))[0]

    def number_of(self, speaker: str) -> int:
        """The speaker who goes by an id, merged ids included. Raises UnknownSpeaker."""
        for number, known in self._ids.items():
            if known == speaker:
                while number in self._aliases:
                    number = self._aliases[number]
                return number
        known_ids = ", ".join(self._ids.values()) or "nobody yet"
        raise UnknownSpeaker(f"no speaker {speaker!r}: this session has {known_ids}")

    def identify(self, speaker: int, name: str | None, profile: str | None) -> None:
        """Say who a speaker is; kept for the introduction of one not shown yet.

        profile: of the enrolled person; None takes back what was said.
        """
        before = self._who.get(speaker, (None, None))
        if before == (name, profile):
            return
        self._who[speaker] = name, profile
        if speaker in self._ids:
            said = "" if profile is None and before[1] is not None else profile
            self._say(SpeakerUpdate, speaker=self.id_of(speaker), name=name, profile=said)

    def move_to(self, cell: int) -> None:
        """What is said from now on is said at this cell."""
        self._at = seconds(cell)

    def start(self, rate: int, models: dict[str, str], config: dict[str, Any]) -> None:
        self._say(SessionStart, rate=rate, models=models, config=config)

    def end(self, duration: float, speakers: Iterable[int], reason: str) -> None:
        self._say(SessionEnd, duration=duration, speakers=[self.id_of(s) for s in speakers], reason=reason)

    def gap(self, start: float, end: float, reason: str) -> None:
        self._say(Gap, start=start, end=end, reason=reason)

    def status(self, lag: float, rtf: float, speakers: int, dropped: float, hop: float) -> None:
        self._say(Status, lag=lag, rtf=rtf, speakers=speakers, dropped=dropped, hop=hop)

    def change(self, change: FloorChange) -> None:
        self._introduce(change.started)
        self._say(
            Change,
            t=seconds(change.at),
            speakers=[self.id_of(s) for s in change.speakers],
            started=[self.id_of(s) for s in change.started],
            ended=[self.id_of(s) for s in change.ended],
            confidence=change.confidence,
        )

    def turn(self, turn: TurnRecord) -> None:
        self._introduce([turn.speaker])
        self._seq += 1
        self._events.append(replace(self.reading(turn), seq=self._seq))

    def reading(self, turn: TurnRecord) -> Turn:
        """A turn of a speaker who was shown, as it would be said now, but for its number."""
        return Turn(
            seq=0,
            session=self.session,
            at=self._at,
            id=f"t{turn.id}",
            speaker=self.id_of(turn.speaker),
            start=seconds(turn.start),
            end=seconds(turn.stop),
            state=turn.state,
            confidence=turn.confidence,
        )

    def revision(
        self,
        revised: Sequence[TurnRecord],
        removed: Sequence[TurnRecord],
        merged: Mapping[int, int],
        reason: str,
    ) -> None:
        """Say what changed about final turns; nothing, if nothing did. Merged ids get an update each."""
        merged = {old: new for old, new in merged.items() if old in self._ids}
        if not (revised or removed or merged):
            return
        self._introduce([*(turn.speaker for turn in revised), *merged.values()])
        self._say(
            Revision,
            turns=[
                RevisedTurn(
                    id=f"t{turn.id}",
                    speaker=self.id_of(turn.speaker),
                    start=seconds(turn.start),
                    end=seconds(turn.stop),
                )
                for turn in revised
            ],
            removed=[f"t{turn.id}" for turn in removed],
            merged={self.id_of(old): self.id_of(new) for old, new in merged.items()},
            reason=reason,
        )
        self._aliases.update(merged)
        for old, new in merged.items():
            self._say(SpeakerUpdate, speaker=self.id_of(old), merged_into=self.id_of(new))

    def _introduce(self, speakers: Iterable[int]) -> None:
        for speaker in speakers:
            if speaker not in self._ids:
                self._ids[speaker] = f"S{len(self._ids) + 1}"
                name, profile = self._who.get(speaker, (None, None))
                self._say(SpeakerNew, speaker=self.id_of(speaker), name=name, profile=profile)

    def _say(self, kind: type[Event], **values: Any) -> None:
        self._seq += 1
        self._events.append(kind(seq=self._seq, session=self.session, at=self._at, **values))

    def state(self) -> dict[str, Any]:
        """What `restore` needs. Events not taken yet are not part of it."""
        return {
            "session": self.session,
            "seq": self._seq,
            "at": self._at,
            "ids": self._ids,
            "aliases": self._aliases,
            "who": self._who,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the journal that `state` was taken from."""
        self.session, self._seq, self._at = state["session"], state["seq"], state["at"]
        self._ids, self._aliases = dict(state["ids"]), dict(state["aliases"])
        self._who = {speaker: (name, profile) for speaker, (name, profile) in state["who"].items()}
