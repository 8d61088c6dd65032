"""The log is the truth: an annotation rebuilt from events alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from .events import Event, Revision, SpeakerNew, SpeakerUpdate, Turn


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one speaker, in seconds: what remains of a turn once states and ids are forgotten."""

    start: float
    end: float
    speaker: str


class Replay:
    """Folds events, in order, into what a reader of the log should now be showing.

    turns: by id, as last said; removed ones are gone. names: speaker id to name. profiles: speaker id to that
    of the enrolled person. aliases: merged id to the id it went into.
    """

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.names: dict[str, str] = {}
        self.profiles: dict[str, str] = {}
        self.aliases: dict[str, str] = {}

    def add(self, event: Event) -> None:
        """Take one event."""
        match event:
            case Turn():
                self.turns[event.id] = event
                if event.end <= event.start:
                    del self.turns[event.id]
            case Revision():
                for turn in event.turns:
                    self.turns[turn.id] = Turn(
                        seq=event.seq, session=event.session, at=event.at, id=turn.id, speaker=turn.speaker,
                        start=turn.start, end=turn.end, state="final", confidence=1.0,
                    )  # fmt: skip
                for turn_id in event.removed:
                    self.turns.pop(turn_id, None)
                self.aliases.update(event.merged)
            case SpeakerNew():
                self._identify(event)
            case SpeakerUpdate():
                self._identify(event)
                if event.merged_into is not None:
                    self.aliases[event.speaker] = event.merged_into
            case _:
                pass

    def _identify(self, event: SpeakerNew | SpeakerUpdate) -> None:
        if event.name is not None:
            self.names[event.speaker] = event.name
        if event.profile:
            self.profiles[event.speaker] = event.profile
        elif event.profile is not None:
            self.profiles.pop(event.speaker, None)

    def annotation(self) -> list[Segment]:
        """Every turn as it now reads, by start, then speaker; merged ids under the id they went into."""
        return sorted(
            (Segment(turn.start, turn.end, self.resolve(turn.speaker)) for turn in self.turns.values()),
            key=lambda segment: (segment.start, segment.end, segment.speaker),
        )

    def resolve(self, speaker: str) -> str:
        """The id that this one goes by now."""
        while speaker in self.aliases:
            speaker = self.aliases[speaker]
        return speaker


def annotation(events: Iterable[Event]) -> list[Segment]:
    """The annotation that a whole log leaves behind."""
    replay = Replay()
    for event in events:
        replay.add(event)
    return replay.annotation()
