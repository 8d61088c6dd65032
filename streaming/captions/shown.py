"""What a reader of the log shows: the captions as they now read, under the names that speakers now have."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hocket.streaming.events import Caption, Event, Revision, SpeakerNew, SpeakerUpdate
from hocket.streaming.replay import Replay


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption as a file holds it. start, end: seconds. speaker: name or id; None for nobody known."""

    id: str
    start: float
    end: float
    speaker: str | None
    text: str


class ShownCaptions:
    """Folds a log with captions, in order. Speakers go by their names, merged ids by those they went into.

    captions: by id, as last said; those without words are gone.
    """

    def __init__(self) -> None:
        self.captions: dict[str, Caption] = {}
        self._who = Replay()

    def add(self, event: Event) -> bool:
        """Take one event; returns whether anything that is shown may have changed."""
        match event:
            case Caption():
                if event.words:
                    self.captions[event.id] = event
                else:
                    self.captions.pop(event.id, None)
            case SpeakerNew() | SpeakerUpdate():
                self._who.add(event)
            case Revision():
                # Who went into whom; the turns themselves are no business of captions.
                self._who.aliases.update(event.merged)
            case _:
                return False
        return True

    def cues(self, *, final: bool = False) -> list[Cue]:
        """By start. final: only those that are."""
        captions = (c for c in self.captions.values() if c.state == "final" or not final)
        return [
            Cue(caption.id, caption.start, caption.end, self.called(caption.speaker), caption.text)
            for caption in sorted(captions, key=lambda c: (c.start, c.end, c.id))
        ]

    @property
    def names(self) -> dict[str, str]:
        """What speakers are called, by id."""
        return self._who.names

    def resolved(self) -> list[Caption]:
        """The captions, by start, merged ids under those they went into."""
        return [
            replace(caption, speaker=self._who.resolve(caption.speaker)) if caption.speaker else caption
            for caption in sorted(self.captions.values(), key=lambda c: (c.start, c.end, c.id))
        ]

    def called(self, speaker: str | None) -> str | None:
        """What to call a speaker: the name where known, else the id it goes by now."""
        if speaker is None:
            return None
        known = self._who.resolve(speaker)
        return self._who.names.get(known, known)


def cues_of(events: Iterable[Event]) -> list[Cue]:
    """The captions of a whole log; where it has none, a cue for every turn, which says who speaks."""
    captions, replay = ShownCaptions(), Replay()
    for event in events:
        captions.add(event)
        replay.add(event)
    if captions.captions:
        return captions.cues()
    cues = []
    for turn in replay.turns.values():
        speaker = replay.resolve(turn.speaker)
        name = replay.names.get(speaker, speaker)
        cues.append(Cue(turn.id, turn.start, turn.end, name, name))
    return cues
