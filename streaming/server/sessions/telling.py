"""Controls carried out: what a session is told, done to its engine."""

from collections import Counter

from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Event, SpeakerNew

from ..protocol.messages import Control, Correct, Enroll, Merge, Name, Split


def tell(diarizer: Diarizer, control: Control) -> list[Event]:
    """What the engine makes of a control. Raises what it raises; then nothing has changed."""
    match control:
        case Name(speaker=speaker, name=name):
            return diarizer.name(speaker, name)
        case Merge(speaker=speaker, into=into):
            return diarizer.merge(speaker, into)
        case Split(speaker=speaker, turns=turns, at=at):
            return diarizer.split(speaker, turns=turns, at=at)
        case Correct(turn=str(turn), speaker=speaker):
            return diarizer.correct(turn, speaker)
        case Correct(start=float(start), end=float(end), speaker=speaker):
            return diarizer.correct((start, end), speaker)
        case Enroll(name=str(name), start=float(start), end=float(end)):
            return _introduce(diarizer, name, start, end)
    raise AssertionError(f"{control.type} is none of the engine's business")


def _introduce(diarizer: Diarizer, name: str, start: float, end: float) -> list[Event]:
    """Who speaks most of a stretch is called so; where that is somebody else by name, a new speaker is."""
    spoken: Counter[str] = Counter()
    for turn in diarizer.turns(since=start):
        if turn.start < end:
            spoken[turn.speaker] += round(1000 * (min(end, turn.end) - max(start, turn.start)))
    if not spoken:
        raise ConfigError(f"nobody speaks from {start} to {end} s: expected a stretch of somebody's speech")
    [(speaker, _)] = spoken.most_common(1)
    if diarizer.name_of(speaker) in (None, name):
        return diarizer.name(speaker, name)
    events = diarizer.correct((start, end), None)
    new = [event.speaker for event in events if isinstance(event, SpeakerNew)]
    return [*events, *(diarizer.name(new[0], name) if new else [])]
