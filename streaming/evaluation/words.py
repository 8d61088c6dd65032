"""How right captions are: whose words they say, and what cpWER makes of them.

*Word-level speaker error* is the share of words under a wrong speaker, or under none, by the one-to-one
map from speakers to references that is right most often. It knows nothing of what the words say. *cpWER*
(Watanabe et al., CHiME-6, 2020) is the word error rate of each speaker's words one after the other, under the
best map; beside the plain word error rate of the same words it shows what speakers cost.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..captions.words import SpokenWord
from ..events import Caption
from ..metrics import Lanes
from ..replay import Segment

_UNKNOWN = "?"
_NO_WORD = re.compile(r"[^\w'’\- ]+")


@dataclass(frozen=True)
class SpeakerErrors:
    """words: scored. wrong: under another speaker. nobody: under none. `+` pools recordings."""

    words: int
    wrong: int
    nobody: int

    @property
    def rate(self) -> float:
        """Share of words under a wrong speaker or none; nan without words."""
        return (self.wrong + self.nobody) / self.words if self.words else float("nan")

    def __add__(self, other: "SpeakerErrors") -> "SpeakerErrors":
        return SpeakerErrors(self.words + other.words, self.wrong + other.wrong, self.nobody + other.nobody)


@dataclass(frozen=True)
class WordErrors:
    """Errors of cpWER and of plain WER over so many reference words. `+` pools recordings."""

    words: int
    errors: int
    plain_errors: int

    @property
    def cpwer(self) -> float:
        return self.errors / self.words if self.words else float("nan")

    @property
    def wer(self) -> float:
        return self.plain_errors / self.words if self.words else float("nan")

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(
            self.words + other.words, self.errors + other.errors, self.plain_errors + other.plain_errors
        )


def captioned_words(captions: Iterable[Caption]) -> list[SpokenWord]:
    """Every word of captions and whom it is said by, by start; "?" for nobody."""
    words = [
        SpokenWord(word.text, word.start, word.end, caption.speaker or _UNKNOWN)
        for caption in captions
        for word in caption.words
    ]
    return sorted(words, key=lambda word: (word.start, word.end, word.text))


def speaker_errors(pairs: Iterable[tuple[str, str]]) -> SpeakerErrors:
    """Pairs of (true speaker, said speaker or "?"), one a word."""
    counts = Counter(pairs)
    called = _best_map(counts)
    total = sum(counts.values())
    right = sum(count for (true, said), count in counts.items() if called.get(said) == true)
    nobody = sum(count for (_, s), count in counts.items() if s == _UNKNOWN)
    return SpeakerErrors(total, total - nobody - right, nobody)


def against_words(truth: Sequence[SpokenWord], said: Sequence[SpokenWord]) -> SpeakerErrors:
    """Captions of the very words of the reference: paired by order, since both are the same words.

    Raises ValueError where they are not as many.
    """
    if len(truth) != len(said):
        raise ValueError(f"{len(said)} words in captions, {len(truth)} in the reference: expected as many")
    return speaker_errors((a.speaker, b.speaker) for a, b in zip(truth, said, strict=True))


def against_turns(truth: Sequence[Segment], said: Sequence[SpokenWord]) -> SpeakerErrors:
    """Captions against true turns: a word is its speaker's who talks through most of it.

    Of two who do, either is right. Words outside every turn are not scored.
    """
    num_cells = 1 + int(100 * max([word.end for word in said] + [turn.end for turn in truth], default=0.0))
    lanes = Lanes.of(truth, num_cells + 1)
    scored = []
    for word in said:
        first = min(int(word.start * 100), num_cells - 1)
        share = lanes.cells[:, first : max(first + 1, int(word.end * 100))].mean(axis=1)
        if len(share) and share.max() > 0:
            most = [lanes.labels[row] for row in np.flatnonzero(share >= share.max() - 1e-9)]
            scored.append((most, word.speaker))
    # The map is made of the words that are nobody else's; those of several then count for whoever fits.
    alone = Counter((most[0], speaker) for most, speaker in scored if len(most) == 1)
    called = _best_map(alone)
    nobody = sum(speaker == _UNKNOWN for _, speaker in scored)
    right = sum(called.get(speaker) in most for most, speaker in scored)
    return SpeakerErrors(len(scored), len(scored) - nobody - right, nobody)


def word_errors(truth: Sequence[SpokenWord], said: Sequence[SpokenWord]) -> WordErrors:
    """cpWER and plain WER; case and punctuation do not count."""
    by_speaker, said_by = list(_by_speaker(truth).values()), list(_by_speaker(said).values())
    # Speakers without a counterpart lose all their words, or have all of them too many.
    size = max(len(by_speaker), len(said_by))
    by_speaker += [[]] * (size - len(by_speaker))
    said_by += [[]] * (size - len(said_by))
    errors = np.array([[edit_distance(a, b) for b in said_by] for a in by_speaker]).reshape(size, size)
    rows, columns = linear_sum_assignment(errors)
    spoken, heard = _tokens(truth), _tokens(said)
    return WordErrors(len(spoken), int(errors[rows, columns].sum()), edit_distance(spoken, heard))


def edit_distance(truth: Sequence[str], said: Sequence[str]) -> int:
    """Fewest words to replace, drop or add to make one of the other."""
    number = {word: k for k, word in enumerate({*truth, *said})}
    heard = np.array([number[word] for word in said], np.int64)
    places = np.arange(len(heard) + 1)
    distance = places.copy()
    for word in truth:
        kept = distance[:-1] + (heard != number[word])
        best = np.concatenate([distance[:1] + 1, np.minimum(kept, distance[1:] + 1)])
        # Words added: each place may be reached from any before it, at one a place.
        distance = np.minimum.accumulate(best - places) + places
    return int(distance[-1])


def synthesised_words(turns: Iterable[Segment], seed: int = 0, jitter: float = 0.15) -> list[SpokenWord]:
    """Words such as a recogniser would hear in turns: some 0.3 s each, edges moved by up to `jitter` seconds.

    speaker: whose turn it was. The same seed gives the same words.
    """
    chance = random.Random(seed)
    words: list[SpokenWord] = []
    for turn in turns:
        number = max(1, round((turn.end - turn.start) / 0.3))
        length = (turn.end - turn.start) / number
        for place in range(number):
            start = turn.start + place * length
            moved = sorted(
                max(0.0, edge + chance.uniform(-jitter, jitter)) for edge in (start, start + length)
            )
            words.append(SpokenWord(f"w{len(words)}", round(moved[0], 3), round(moved[1], 3), turn.speaker))
    return sorted(words, key=lambda word: (word.start, word.end, word.text))


def _best_map(counts: Counter[tuple[str, str]]) -> dict[str, str]:
    """Said speaker to true speaker, one to one."""
    true = sorted({pair[0] for pair in counts})
    said = sorted({pair[1] for pair in counts} - {_UNKNOWN})
    matches = np.array([[counts[t, s] for s in said] for t in true]).reshape(len(true), len(said))
    rows, columns = linear_sum_assignment(matches, maximize=True)
    return {said[column]: true[row] for row, column in zip(rows, columns, strict=True)}


def _by_speaker(words: Sequence[SpokenWord]) -> dict[str, list[str]]:
    texts: defaultdict[str, list[SpokenWord]] = defaultdict(list)
    for word in words:
        texts[word.speaker].append(word)
    return {speaker: _tokens(spoken) for speaker, spoken in texts.items()}


def _tokens(words: Sequence[SpokenWord]) -> list[str]:
    return _NO_WORD.sub(" ", " ".join(word.text for word in words)).lower().split()
