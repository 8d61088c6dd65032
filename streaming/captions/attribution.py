"""Whose word it is: by the time it shares with turns, by the words around it, by what is nearest.

Alone, a word is its speaker's who talks through most of it. Where two do about as well (an overlap, a change
of speaker inside the word), the words around it decide: those that are certain pull, more the less silence
and the fewer ends of sentences lie between. Who merely speaks near by gets what nobody speaks through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .turns import TurnBook
from .words import HeardWord

NEAR = 2.0  # seconds: a word that far outside of every turn belongs to nobody
CONTEXT = 2.0  # seconds around a word in which others may pull at it
_AMBIGUOUS = 0.25  # share of a word by which the best must lead to be certain
_LEAST_SHARE = 0.3  # of a word, spoken through, to be certain
_POINT = 0.01  # seconds
_SENTENCE = 0.5  # seconds of silence that the end of a sentence is worth
_ENDS = (".", "?", "!", "…", "。", "？", "！")


@dataclass(frozen=True, slots=True)
class Claim:
    """How much of a word a speaker talks through (0 to 1; below 0 who is only near), and in which turn."""

    share: float
    speaker: str
    turn: str


@dataclass(eq=False, slots=True)
class PlacedWord:
    """A word on the session's clock, whose it may be and whose it is.

    serial: its place in the order of arrival; it outlives corrections. line: number of the caption it is in.
    """

    word: HeardWord
    serial: int
    start: float
    end: float
    claims: list[Claim] = field(default_factory=list)
    speaker: str | None = None
    turn: str | None = None
    line: int | None = None

    @property
    def key(self) -> tuple[float, float, int]:
        """What words are ordered by."""
        return self.start, self.end, self.serial

    @property
    def is_certain(self) -> bool:
        """Whether its own time is enough to say whose it is."""
        claims = self.claims
        if not claims or claims[0].share < _LEAST_SHARE:
            return False
        return len(claims) == 1 or claims[0].share - claims[1].share >= _AMBIGUOUS

    @property
    def ends_sentence(self) -> bool:
        return self.word.text.rstrip("\"'”’)»").endswith(_ENDS)


def claims_on(start: float, end: float, turns: TurnBook) -> list[Claim]:
    """Who may have said what was said from `start` to `end`: one claim a speaker, the best first."""
    spoken: dict[str, float] = {}
    best: dict[str, Claim] = {}
    if end - start < 2 * _POINT:  # a word without a length is still somewhere
        start, end = start - _POINT, start + _POINT
    length = end - start
    for turn, speaker in turns.near(start - NEAR, end + NEAR):
        shared = min(end, turn.end) - max(start, turn.start)
        share = shared / length if shared > 0 else shared / NEAR
        if shared > 0:
            spoken[speaker] = spoken.get(speaker, 0.0) + share
        if speaker not in best or share > best[speaker].share:
            best[speaker] = Claim(share, speaker, turn.id)
    claims = [
        Claim(min(1.0, spoken.get(speaker, claim.share)), speaker, claim.turn)
        for speaker, claim in best.items()
    ]
    return sorted(claims, key=lambda claim: (-claim.share, claim.speaker))


def attribute(words: Sequence[PlacedWord], first: int, stop: int) -> None:
    """Set speaker and turn of words[first:stop] from the claims on them and on the words around."""
    for index in range(first, stop):
        word = words[index]
        claim = word.claims[0] if word.is_certain else _by_context(words, index)
        word.speaker, word.turn = (claim.speaker, claim.turn) if claim else (None, None)


def _by_context(words: Sequence[PlacedWord], index: int) -> Claim | None:
    word = words[index]
    if not word.claims:
        return None
    least = word.claims[0].share - _AMBIGUOUS
    candidates = {claim.speaker: claim for claim in word.claims if claim.share >= least}
    before, after = _certain(words, index, -1), _certain(words, index, +1)
    pulls: list[tuple[float, Claim]] = []
    if before is not None and before.claims[0].speaker in candidates:
        silence = max(0.0, word.start - before.end) + _SENTENCE * before.ends_sentence
        pulls.append((silence, candidates[before.claims[0].speaker]))
    if after is not None and after.claims[0].speaker in candidates:
        silence = max(0.0, after.start - word.end) + _SENTENCE * word.ends_sentence
        pulls.append((silence, candidates[after.claims[0].speaker]))
    return min(pulls, key=lambda pull: pull[0])[1] if pulls else word.claims[0]


def _certain(words: Sequence[PlacedWord], index: int, direction: int) -> PlacedWord | None:
    """The nearest word on one side that is certain by itself."""
    start = words[index].start
    other = index + direction
    while 0 <= other < len(words) and abs(words[other].start - start) <= CONTEXT:
        if words[other].is_certain:
            return words[other]
        other += direction
    return None
