"""Who says what when in a made-up meeting, drawn from one seed: people join late, leave and come back."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...errors import ConfigError
from ...replay import Segment
from .pool import Phrase, PoolVoice

MERGE = 0.2  # seconds; a speaker's stretches of speech closer than this are one in the reference
SHORTEST_STAY = 360.0  # seconds that somebody stays before leaving for a while, and after coming back
RARE_SHARE = 0.01  # of all speech, for the one who hardly speaks
BACKCHANNELS = 0.04  # per second of somebody else's turn
BREAK = 0.004  # share of turns after which nobody speaks for half a minute or more

Stretch = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class MeetingRules:
    """What kind of meeting. Durations are seconds.

    speakers: how many people in all, of whom `returning` leave and come back after `away` or a little more,
    as often as the time allows, `late` join late, `leaving` go home early, and one says 1 % where `rare`.
    same_sex: how many pairs of the same sex are picked before chance picks the rest. overlap: share of turns
    that begin before the last has ended. turn: median length of a turn.

    Raises ConfigError for a meeting that cannot be.
    """

    duration: float = 7200.0
    speakers: int = 6
    returning: int = 2
    away: float = 3600.0
    late: int = 1
    leaving: int = 1
    rare: bool = True
    same_sex: int = 2
    overlap: float = 0.15
    turn: float = 5.0

    def __post_init__(self) -> None:
        special = self.returning + self.late + self.leaving + self.rare
        if self.speakers < 1 or special >= self.speakers:
            raise ConfigError(
                f"{special} of {self.speakers} speakers come back, come late, leave or hardly speak: "
                "expected one at least who is there throughout"
            )
        least = self.away + 2 * SHORTEST_STAY
        if self.returning and self.duration < least:
            raise ConfigError(
                f"{self.duration:g} s are too short for somebody to be away for {self.away:g} s: "
                f"expected {least:g} s at least, or nobody returning"
            )


@dataclass(frozen=True)
class Utterance:
    """A phrase said: who (index), which phrase, from where on (seconds), how loud (dB above their usual)."""

    voice: int
    phrase: Phrase
    at: float
    gain: float = 0.0

    @property
    def end(self) -> float:
        return self.at + self.phrase.duration


@dataclass(frozen=True)
class Meeting:
    """A plan. utterances: by start. present: per voice, the stretches in which they are there."""

    duration: float
    voices: tuple[PoolVoice, ...]
    present: tuple[tuple[Stretch, ...], ...]
    utterances: tuple[Utterance, ...]

    def reference(self) -> list[Segment]:
        """Who speaks when, by the pool's names, by start."""
        segments = []
        for index, voice in enumerate(self.voices):
            said = [u for u in self.utterances if u.voice == index]
            stretches = [(u.at + a - u.phrase.start, u.at + b - u.phrase.start) for u in said
                         for a, b in u.phrase.speech]  # fmt: skip
            segments += [Segment(a, b, voice.name) for a, b in _joined(sorted(stretches))]
        return sorted(segments, key=lambda segment: (segment.start, segment.end, segment.speaker))

    def talk(self) -> dict[str, float]:
        """Seconds of speech by name."""
        seconds = dict.fromkeys((voice.name for voice in self.voices), 0.0)
        for segment in self.reference():
            seconds[segment.speaker] += segment.end - segment.start
        return seconds

    def to_dict(self, rules: MeetingRules, seed: int) -> dict[str, Any]:
        """What was planned, JSON-ready."""
        talk = self.talk()
        speech = sum(talk.values())
        people = {
            voice.name: {
                "sex": voice.sex,
                "present": [[round(a, 2), round(b, 2)] for a, b in stretches],
                "seconds": round(talk[voice.name], 2),
                "share": round(talk[voice.name] / speech, 4) if speech else 0.0,
            }
            for voice, stretches in zip(self.voices, self.present, strict=True)
        }
        return {"seed": seed, "rules": asdict(rules), "speech": round(speech, 2), "speakers": people}


def plan_meeting(pool: Sequence[PoolVoice], rules: MeetingRules, seed: int) -> Meeting:
    """One meeting of people of the pool; the same arguments always give the same one.

    Raises ConfigError where the pool has too few voices.
    """
    rng = np.random.default_rng(seed)
    voices = _cast(pool, rules, rng)
    present, rare = _attendance(rules, rng)
    decks = [_Deck(voice.phrases, len(stays), rng) for voice, stays in zip(voices, present)]
    talk = _Talk(rules, voices, present, rare, decks, rng)
    return Meeting(rules.duration, tuple(voices), tuple(map(tuple, present)), talk.run())


def _cast(pool: Sequence[PoolVoice], rules: MeetingRules, rng: np.random.Generator) -> list[PoolVoice]:
    if len(pool) < rules.speakers:
        raise ConfigError(f"{rules.speakers} speakers wanted, but the pool has {len(pool)} voices")
    left = [pool[index] for index in rng.permutation(len(pool))]
    chosen: list[PoolVoice] = []
    for pair in range(min(rules.same_sex, rules.speakers // 2)):
        alike = [voice for voice in left if voice.sex == "fm"[pair % 2]][:2]
        chosen += alike
        left = [voice for voice in left if voice not in alike]
    chosen += left[: rules.speakers - len(chosen)]
    return [chosen[index] for index in rng.permutation(len(chosen))]


def _attendance(rules: MeetingRules, rng: np.random.Generator) -> tuple[list[list[Stretch]], int | None]:
    """Per voice when they are there, and which one hardly speaks."""
    total = rules.duration
    stays: list[list[Stretch]] = [_visits(rules, rng) for _ in range(rules.returning)]
    stays += [[(total * rng.uniform(0.2, 0.6), total)] for _ in range(rules.late)]
    stays += [[(0.0, total * rng.uniform(0.4, 0.8))] for _ in range(rules.leaving)]
    rare = len(stays) if rules.rare else None
    return stays + [[(0.0, total)] for _ in range(rules.speakers - len(stays))], rare


def _visits(rules: MeetingRules, rng: np.random.Generator) -> list[Stretch]:
    """There for ten minutes to half an hour, away for `away` and a little more, and so on until the end."""
    start = 0.0
    visits: list[Stretch] = []
    while True:
        most = rules.duration - start - 1.1 * rules.away - SHORTEST_STAY
        if most < SHORTEST_STAY:
            return [*visits, (start, rules.duration)]
        stay = min(most, rng.uniform(600, 1800))
        visits.append((start, start + stay))
        start += stay + rules.away * rng.uniform(1.02, 1.1)


class _Deck:
    """A voice's phrases, shuffled; as far as they suffice, every stay has its own."""

    def __init__(self, phrases: Sequence[Phrase], num_stays: int, rng: np.random.Generator) -> None:
        order = [phrases[index] for index in rng.permutation(len(phrases))]
        self._parts = [order[stay::num_stays] or order for stay in range(num_stays)]
        self._left: list[list[Phrase]] = [[] for _ in range(num_stays)]
        self._rng = rng

    def draw(self, stay: int) -> Phrase:
        if not self._left[stay]:
            part = self._parts[stay]
            self._left[stay] = [part[index] for index in self._rng.permutation(len(part))]
        return self._left[stay].pop()


class _Talk:
    """The conversation as it goes on."""

    def __init__(
        self, rules: MeetingRules, voices: Sequence[PoolVoice], present: Sequence[Sequence[Stretch]],
        rare: int | None, decks: Sequence[_Deck], rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._rules, self._voices, self._present, self._rare = rules, voices, present, rare
        self._decks, self._rng = decks, rng
        self._weights = rng.dirichlet(np.full(rules.speakers, 2.5)) + 0.4 / rules.speakers
        self._talked = np.zeros(rules.speakers)
        self._quiet_since = np.full(rules.speakers, -1.0)
        self._said: list[Utterance] = []

    def run(self) -> tuple[Utterance, ...]:
        end, last = float(self._rng.uniform(0.4, 1.5)), -1
        while end < self._rules.duration - 10:
            speaker, length = self._next(end, last)
            if speaker is None:
                end, last = end + 5.0, -1
                continue
            start = max(self._start(end, last, speaker), self._quiet_since[speaker] + MERGE + 0.05)
            begun, stop = start, self._turn(speaker, start, length)
            self._listen(speaker, begun, stop)
            end, last = max(end, stop), speaker
        return tuple(sorted(self._said, key=lambda said: (said.at, said.voice)))

    def _next(self, now: float, last: int) -> tuple[int | None, float]:
        """Who speaks next and how long, None where nobody is there to."""
        rng, rules = self._rng, self._rules
        rare, talked = self._rare, self._talked
        length = float(np.clip(rng.lognormal(math.log(rules.turn), 0.8), 0.8, 30.0))
        if rare is not None and last != rare and talked[rare] < RARE_SHARE * talked.sum():
            return rare, min(length, 3.0)
        here = [k for k in range(rules.speakers) if k not in (last, rare) and self._stay(k, now) is not None]
        if not here:
            return (last if last >= 0 and self._stay(last, now) is not None else None), length
        # Who just spoke is likely to go on talking with who speaks now.
        recent = np.array([2.0 if now - self._quiet_since[k] < 20 else 1.0 for k in here])
        weights = self._weights[here] * recent
        return int(rng.choice(here, p=weights / weights.sum())), length

    def _start(self, end: float, last: int, speaker: int) -> float:
        rng = self._rng
        if speaker != last and last >= 0 and rng.random() < self._rules.overlap:
            return max(0.1, end - float(rng.uniform(0.2, 1.5)))
        if rng.random() < BREAK:
            return end + float(rng.uniform(30, 90))
        if rng.random() < 0.03:
            return end + float(rng.uniform(3, 8))
        return end + float(np.clip(rng.lognormal(math.log(0.35), 0.7), 0.05, 3.0))

    def _turn(self, speaker: int, start: float, length: float) -> float:
        """Let somebody speak for about so long; returns when they end."""
        at = start
        while at - start < length:
            stay = self._stay(speaker, at)
            phrase = self._decks[speaker].draw(0 if stay is None else stay)
            if at + phrase.duration > self._rules.duration - 0.5:
                break
            self._say(speaker, phrase, at, float(self._rng.normal(0, 1.5)))
            at += phrase.duration + float(self._rng.uniform(0.05, 0.35))
        return at

    def _say(self, speaker: int, phrase: Phrase, at: float, gain: float) -> None:
        self._said.append(Utterance(speaker, phrase, at, gain))
        self._talked[speaker] += sum(b - a for a, b in phrase.speech)
        self._quiet_since[speaker] = max(self._quiet_since[speaker], at + phrase.duration)

    def _listen(self, speaker: int, start: float, stop: float) -> None:
        """What the others put in meanwhile: the first stretch of speech of a phrase, if it is short."""
        rng = self._rng
        for _ in range(int(rng.poisson(BACKCHANNELS * max(0.0, stop - start)))):
            listener, at = int(rng.integers(self._rules.speakers)), float(rng.uniform(start, stop))
            stay = self._stay(listener, at)
            if listener in (speaker, self._rare) or stay is None or at < self._quiet_since[listener] + 0.3:
                continue
            first, last = self._decks[listener].draw(stay).speech[0]
            if last - first <= 1.2 and at + 1.5 < self._rules.duration:
                self._say(listener, Phrase(first - 0.02, last + 0.03, ((first, last),)), at, -3.0)

    def _stay(self, speaker: int, now: float) -> int | None:
        """Which of their stays somebody is in."""
        for index, (start, stop) in enumerate(self._present[speaker]):
            if start <= now < stop:
                return index
        return None


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, stop in stretches:
        if joined and start - joined[-1][1] <= MERGE:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop)
        else:
            joined.append((start, stop))
    return joined
