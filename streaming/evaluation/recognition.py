"""Enrolled people and strangers in conversations: who is called by whose name, and how soon.

Conversations are made of a pool of labelled speech (see simulated/pool.py): a few enrolled people, a few
strangers, in turns with short pauses. Everybody's first phrases make the voice print, some of the others are
what they say. The whole engine hears it, with the models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import Embedder, Segmenter

from ..clustering.voiceprint import VoicePrint
from ..engine.diarizer import Diarizer
from ..events import Event
from ..grid import to_cells
from ..replay import Replay
from .recorded import Answer, remembered
from .run import TimedSession
from .simulated.pool import Phrase, PoolVoice, SpeechPool, samples_of

Samples = NDArray[np.float32]

VOICES = 100  # of a pool, at most: a print of each takes its time
ENROLMENT = 20.0  # seconds of phrases that a voice print is made of
PAUSE = (0.2, 0.9)  # seconds between two phrases
BLOCK = 0.1  # seconds of audio at a time
HEARD = 30  # cells of somebody's speech under a name before they were called so


@dataclass(frozen=True)
class Party:
    """Who takes part. gallery: the enrolled, some of whom speak; speakers: all who speak."""

    gallery: tuple[PoolVoice, ...]
    speakers: tuple[PoolVoice, ...]


@dataclass(frozen=True)
class Reception:
    """How one person of a conversation was received.

    named_after: seconds of clean speech of theirs before their name was first on it; None if it never was.
    is_named: whether most of their speech has their name in the end. mistaken: whether at any time most of
    what they had said so far (0.3 s or more) went by somebody else's name; mistaken_at_end: in the end.
    """

    name: str
    is_enrolled: bool
    named_after: float | None
    is_named: bool
    mistaken: bool
    mistaken_at_end: bool


def parties(pool: SpeechPool, count: int, *, gallery: int, enrolled: int, strangers: int) -> list[Party]:
    """So many parties, the same for the same arguments; who is enrolled in one is a stranger in another."""
    rng = np.random.default_rng(11)
    result = []
    for _ in range(count):
        people = [pool.voices[index] for index in rng.permutation(len(pool.voices))]
        speakers = [*people[:enrolled], *people[gallery : gallery + strangers]]
        result.append(Party(tuple(people[:gallery]), tuple(speakers)))
    return result


def enrolment_phrases(voice: PoolVoice) -> tuple[Phrase, ...]:
    """The first phrases of a person, as many as a voice print is made of."""
    total, count = 0.0, 0
    while count < len(voice.phrases) and total < ENROLMENT:
        total += voice.phrases[count].duration
        count += 1
    return voice.phrases[:count]


def enrolment_audio(voice: PoolVoice, rate: int) -> Samples:
    """What a person's voice print is made of."""
    samples = samples_of(voice.audio, rate)
    return np.concatenate([_cut(samples, phrase, rate) for phrase in enrolment_phrases(voice)])


@dataclass(frozen=True)
class Conversation:
    """samples: (n,). speech: per speaker the cells in which they speak, true or not, (speakers, cells)."""

    samples: Samples
    speech: NDArray[np.bool_]


def conversation(party: Party, rate: int, seed: int, *, turns: int) -> Conversation:
    """The party talking: so many phrases each, over a little noise; the seed says who says what, and when."""
    rng = np.random.default_rng([11, seed])
    order = np.concatenate([rng.permutation(len(party.speakers)) for _ in range(turns)])
    spoken = rng.integers(0, 1000, len(party.speakers)).tolist()
    pieces: list[Samples] = []
    stretches: list[tuple[int, float, float]] = []
    at = 0
    for speaker in order.tolist():
        voice = party.speakers[speaker]
        rest = voice.phrases[len(enrolment_phrases(voice)) :]
        phrase = rest[spoken[speaker] % len(rest)]
        spoken[speaker] += 1
        pieces.append(np.zeros(round(rng.uniform(*PAUSE) * rate), np.float32))
        at += len(pieces[-1])
        stretches += [
            (speaker, at / rate + a - phrase.start, at / rate + b - phrase.start) for a, b in phrase.speech
        ]
        pieces.append(_cut(samples_of(voice.audio, rate), phrase, rate))
        at += len(pieces[-1])
    samples = np.concatenate([*pieces, np.zeros(rate, np.float32)])
    samples += rng.normal(0, 1e-3, len(samples)).astype(np.float32)
    speech = np.zeros((len(party.speakers), to_cells(len(samples) / rate) + 1), np.bool_)
    for speaker, start, stop in stretches:
        speech[speaker, to_cells(start) : to_cells(stop)] = True
    return Conversation(samples, speech)


def receive(
    party: Party,
    heard: Conversation,
    prints: dict[str, VoicePrint],
    segmenter: Segmenter,
    embedder: Embedder,
    answer: Answer,
) -> list[Reception]:
    """Hear a conversation with the party's gallery enrolled; how everybody was received.

    answer: the models'.
    """
    diarizer = Diarizer(segmenter, embedder)
    for voice in party.gallery:
        diarizer.enroll(voice.name, prints[voice.name])
    session = TimedSession(diarizer, answer)
    log = Replay()
    watches = [_Watch(voice.name, speech) for voice, speech in zip(party.speakers, heard.speech)]
    block = round(BLOCK * diarizer.rate)
    for start in range(0, len(heard.samples), block):
        _follow(log, watches, session.push(heard.samples[start : start + block]))
    _follow(log, watches, session.finish())
    enrolled = {voice.name for voice in party.gallery}
    return [watch.reception(watch.name in enrolled) for watch in watches]


def measured(
    pool: SpeechPool,
    count: int,
    print_of: Callable[[Samples], VoicePrint],
    segmenter: Segmenter,
    embedder: Embedder,
    *,
    cache: Path | None = None,
    said: Callable[[str], None],
) -> list[Reception]:
    """How everybody was received in so many conversations.

    print_of: a voice print of samples. cache: a folder in which the models' answers are kept for good.
    """
    prints: dict[str, VoicePrint] = {}
    result: list[Reception] = []
    for number, party in enumerate(parties(pool.some(VOICES), count, gallery=10, enrolled=2, strangers=3)):
        for voice in party.gallery:
            if voice.name not in prints:
                prints[voice.name] = print_of(enrolment_audio(voice, pool.rate))
        talk = conversation(party, pool.rate, number, turns=3)
        answer = remembered(segmenter, embedder, f"conversation{number}", cache)
        result += receive(party, talk, prints, segmenter, embedder, answer)
        said(f"{number + 1} of {count}: {len(talk.samples) / pool.rate:.0f} s")
    return result


class _Watch:
    """Looks after every step by what name one person's speech goes."""

    def __init__(self, name: str, speech: NDArray[np.bool_]) -> None:
        self.name, self._speech = name, speech
        self._named_after: float | None = None
        self._mistaken = self._is_named = self._mistaken_now = False

    def look(self, log: Replay, at: float) -> None:
        named, others = np.zeros_like(self._speech), np.zeros_like(self._speech)
        for turn in log.turns.values():
            profile = log.profiles.get(log.resolve(turn.speaker))
            if profile is not None:
                lane = named if profile == self.name else others
                lane[to_cells(turn.start) : to_cells(turn.end)] = True
        so_far = self._speech[: to_cells(at)]
        mine = int((named & self._speech).sum())
        theirs = int((others & self._speech & ~named).sum())
        half = max(HEARD, int(so_far.sum()) / 2)
        if self._named_after is None and mine >= HEARD:
            self._named_after = float(so_far.sum()) / 100
        self._is_named, self._mistaken_now = mine >= half, theirs >= half
        self._mistaken = self._mistaken or self._mistaken_now

    def reception(self, is_enrolled: bool) -> Reception:
        return Reception(
            self.name, is_enrolled, self._named_after, self._is_named, self._mistaken, self._mistaken_now
        )


def _follow(log: Replay, watches: Sequence[_Watch], events: Sequence[Event]) -> None:
    for event in events:
        log.add(event)
    if events:
        for watch in watches:
            watch.look(log, events[-1].at)


def _cut(samples: Samples, phrase: Phrase, rate: int) -> Samples:
    return samples[round(phrase.start * rate) : round(phrase.end * rate)]
