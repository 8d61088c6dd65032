"""What there is to see of a session: its events folded for whoever draws or counts them."""

from collections import Counter, defaultdict
from itertools import count

from hocket.streaming.events import (
    Change,
    Event,
    Gap,
    Revision,
    SessionEnd,
    SessionStart,
    SpeakerNew,
    Status,
    Turn,
)
from hocket.streaming.replay import Replay

from .palette import speaker_colour


class Scene:
    """The session as a viewer should see it after the events so far.

    session, now: its id; seconds of audio heard.
    replay: the turns as they now read.
    seconds: speaking time by speaker; where one speaker's turns overlap (after a merge) counted twice.
    gaps: stretches that never arrived. status: the last heartbeat.
    corrected: how many times a final turn was changed or removed. last_revision: the last event that did so.
    is_over: whether the session has ended.
    """

    def __init__(self) -> None:
        self.session = ""
        self.now = 0.0
        self.replay = Replay()
        self.gaps: list[Gap] = []
        self.status: Status | None = None
        self.corrected = 0
        self.last_revision: Revision | None = None
        self.is_over = False
        self._seen: list[str] = []
        self._speaking: list[str] = []
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._num_turns: Counter[str] = Counter()
        self._places: dict[str, int] = {}

    def add(self, event: Event) -> None:
        """Take one event, in order."""
        self.now = max(self.now, event.at)
        touched = _turn_ids(event)
        self._count(touched, -1)
        self.replay.add(event)
        self._count(touched, +1)
        match event:
            case SessionStart():
                self.session = event.session
            case SpeakerNew() | Turn():
                self._meet(event.speaker)
            case Change():
                self._speaking = event.speakers
            case Gap():
                self.gaps.append(event)
                self.now = max(self.now, event.end)
            case Status():
                self.status = event
            case Revision():
                self.corrected += len(touched)
                self.last_revision = event
                for turn in event.turns:
                    self._meet(turn.speaker)
            case SessionEnd():
                self.is_over = True
                self._speaking = []
            case _:
                pass
        self._seat()

    @property
    def speakers(self) -> list[str]:
        """Who has turns, in the order they were first shown; merged ids are gone."""
        present = {self.replay.resolve(speaker) for speaker, number in self._num_turns.items() if number}
        return [speaker for speaker in self._seen if speaker in present]

    @property
    def speaking(self) -> list[str]:
        """Who speaks now, each once."""
        return list(dict.fromkeys(map(self.replay.resolve, self._speaking)))

    @property
    def seconds(self) -> dict[str, float]:
        """Speaking time of each of `speakers`."""
        totals = dict.fromkeys(self.speakers, 0.0)
        for speaker, number in self._num_turns.items():
            if number:
                totals[self.replay.resolve(speaker)] += self._seconds[speaker]
        return totals

    def name(self, speaker: str) -> str:
        """What to call a speaker: the name where known, else the id it goes by now."""
        resolved = self.replay.resolve(speaker)
        return self.replay.names.get(resolved, resolved)

    def colour(self, speaker: str) -> str:
        """The colour of a speaker, "#rrggbb": the same while they have turns, and theirs alone up to twelve.

        The same events give the same colours, so that all sinks of a session agree.
        """
        return speaker_colour(self._places.get(self.replay.resolve(speaker), len(self._places)))

    def turns_after(self, start: float) -> dict[str, list[Turn]]:
        """Turns that reach past `start`, as they now read, in no order, by the speaker that they are now."""
        by_speaker: dict[str, list[Turn]] = {}
        for turn in self.replay.turns.values():
            if turn.end > start:
                by_speaker.setdefault(self.replay.resolve(turn.speaker), []).append(turn)
        return by_speaker

    def _meet(self, speaker: str) -> None:
        if speaker not in self._seen:
            self._seen.append(speaker)

    def _count(self, turn_ids: list[str], sign: int) -> None:
        for turn_id in turn_ids:
            turn = self.replay.turns.get(turn_id)
            if turn is not None:
                self._seconds[turn.speaker] += sign * (turn.end - turn.start)
                self._num_turns[turn.speaker] += sign

    def _seat(self) -> None:
        """Give everybody with turns a place; who lost all turns frees theirs for the next to come."""
        speakers = self.speakers
        self._places = {speaker: self._places[speaker] for speaker in speakers if speaker in self._places}
        for speaker in speakers:
            if speaker not in self._places:
                taken = set(self._places.values())
                self._places[speaker] = next(place for place in count() if place not in taken)


def _turn_ids(event: Event) -> list[str]:
    """Ids of the turns that an event changes, each once."""
    match event:
        case Turn():
            return [event.id]
        case Revision():
            return list(dict.fromkeys([*(turn.id for turn in event.turns), *event.removed]))
        case _:
            return []
