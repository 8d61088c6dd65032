"""What is said in a recording: the words that a session is given to caption, and who truly says them.

They are made of the reference's turns, or stand in files beside one another: `NAME.ctm` or `NAME.words.json`
holds what a recogniser heard; `NAME.stm` what was said. A `NAME.words.json` with speakers says both.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from ..captions.captioner import Captioner, CaptionRules
from ..captions.shown import ShownCaptions
from ..captions.words import HeardWord, SpokenWord, has_speakers, read_spoken, read_words
from ..errors import FormatError
from ..events import Caption, Event
from ..rttm import Stretch
from .captions import CaptionScore, Truth, read_truth, share
from .recordings import Recording
from .words import SpeakerErrors, captioned_words, synthesised_words

TURNS = "turns"
_HEARD = (".ctm", ".words.json")


@dataclass(frozen=True)
class Script:
    """heard: what a recogniser makes of a recording. offset: seconds to add to its times; None to find it."""

    heard: list[HeardWord]
    truth: Truth
    offset: float | None = None


@dataclass(frozen=True)
class ScriptScore:
    """The captions of one recording, or with `+` of several.

    first: whose words they were as first shown; None where words came, went or moved later, so that those
    first shown are not those that are scored as settled.
    """

    first: SpeakerErrors | None
    settled: CaptionScore

    def __add__(self, other: "ScriptScore") -> "ScriptScore":
        first = self.first + other.first if self.first and other.first else None
        return ScriptScore(first, self.settled + other.settled)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready figures."""
        first = None if self.first is None else share(self.first.rate)
        return {"speaker_error_first": first, **self.settled.to_dict()}


def scripts_of(recordings: Iterable[Recording], words: str) -> dict[str, Script]:
    """By recording. words: "turns", to have them made of the references' turns; or the folder with the files.

    Raises FormatError for a recording that has no words there, and for files that cannot be read.
    """
    if words == TURNS:
        return {recording.name: made_of_turns(recording) for recording in recordings}
    return {recording.name: read_script(recording, Path(words)) for recording in recordings}


def made_of_turns(recording: Recording) -> Script:
    """Words of 0.3 s in the reference's turns, edges moved by up to 0.15 s; the same ones every time."""
    words = synthesised_words(recording.reference)
    heard = [HeardWord(text=word.text, start=word.start, end=word.end, id=word.text) for word in words]
    return Script(heard, Truth(recording.reference, words), offset=0.0)


def read_script(recording: Recording, folder: Path) -> Script:
    """What was heard from NAME.ctm, else NAME.words.json; the truth from NAME.stm, else from speakers in
    NAME.words.json, else the reference's turns.

    Raises FormatError for a recording without words, and for files that cannot be read.
    """
    beside = {suffix: folder / f"{recording.name}{suffix}" for suffix in (*_HEARD, ".stm")}
    there = {suffix: path for suffix, path in beside.items() if path.is_file()}
    heard = [there[suffix] for suffix in _HEARD if suffix in there]
    if not heard:
        raise FormatError(
            f"{folder}: no words of {recording.name}; expected {' or '.join(beside[s].name for s in _HEARD)}"
        )
    truth = Truth(recording.reference)
    if ".stm" in there:
        truth = read_truth(there[".stm"], recording.name)
    elif has_speakers(heard[-1]):
        truth = Truth(recording.reference, read_spoken(heard[-1]))
    return Script(read_words(heard[0]), truth)


def score_script(
    script: Script, recording: Recording, events: Sequence[Event], *, latency: float, hop: float
) -> ScriptScore:
    """Captions of the script's words by the log of a session: as first shown at `latency`, and as settled.

    Words come when the audio is at their end. Those with their middle outside the recording's scored
    stretches count nowhere. latency, hop: seconds, as the session was set.
    """
    reader = _Reader(script, latency)
    for clock, step in groupby(events, key=lambda event: event.at):
        reader.wait_until(clock - hop)
        reader.take(list(step), clock)
    first, settled = (within(said, recording.scored) for said in reader.end())
    truth = script.truth
    if truth.words is not None:
        truth = Truth(truth.turns, within(truth.words, recording.scored))
    scored = truth.score(settled)
    same = [word.text for word in first] == [word.text for word in settled]
    return ScriptScore(truth.score(first).speakers if same else None, scored)


def within(words: Sequence[SpokenWord], stretches: Sequence[Stretch]) -> list[SpokenWord]:
    """The words whose middle lies in one of the stretches."""
    return [
        word for word in words if any(start <= (word.start + word.end) / 2 < end for start, end in stretches)
    ]


class _Reader:
    """Captions a session from its log; reads each word at the first step that is `latency` past its end."""

    def __init__(self, script: Script, latency: float) -> None:
        self._ahead = sorted(script.heard, key=lambda word: word.end, reverse=True)
        self._captioner = Captioner(rules=CaptionRules(offset=script.offset))
        self._shown = ShownCaptions()
        self._latency = latency
        self._read_to = -math.inf
        self._unread: dict[str, Caption] = {}  # captions with words past `_read_to`
        self._read: list[SpokenWord] = []

    def wait_until(self, clock: float) -> None:
        """Steps up to `clock` seconds, in which the engine says nothing."""
        self._hear(clock)
        self._read_until(clock - self._latency)

    def take(self, events: Sequence[Event], clock: float) -> None:
        """A step at `clock`, and what the engine says in it."""
        self._show([*events, *self._captioner.take(events)])
        self._hear(clock)
        self._read_until(clock - self._latency)

    def end(self) -> tuple[list[SpokenWord], list[SpokenWord]]:
        """Words of the captions as first shown, and as they read at the end; by start."""
        self._hear(math.inf)
        self._show(self._captioner.finish())
        self._read_until(math.inf)
        self._read.sort(key=lambda word: (word.start, word.end, word.text))
        return self._read, captioned_words(self._shown.resolved())

    def _hear(self, until: float) -> None:
        words = []
        while self._ahead and self._ahead[-1].end <= until - self._captioner.offset:
            words.append(self._ahead.pop())
        if words:
            self._show(self._captioner.add(words))

    def _show(self, events: Iterable[Event]) -> None:
        for event in events:
            self._shown.add(event)
            if isinstance(event, Caption):
                self._unread[event.id] = event

    def _read_until(self, stop: float) -> None:
        if stop <= self._read_to:
            return
        for caption in self._unread.values():
            speaker = self._shown.called(caption.speaker)
            due = [word for word in caption.words if self._read_to < word.end <= stop]
            self._read += captioned_words([replace(caption, speaker=speaker, words=due)])
        self._read_to = stop
        self._unread = {name: caption for name, caption in self._unread.items() if caption.end > stop}
