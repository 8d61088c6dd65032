"""Whisper in pieces, with a hearing that tells words by their level: what is said, when, and at what cost."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.streaming.captions import whisper
from hocket.streaming.captions.recogniser import RATE
from hocket.streaming.captions.whisper import LIVE, WHOLE, RollingWhisper
from hocket.streaming.captions.words import HeardWord

Sound = NDArray[np.float32]
WORD, STEP = 0.6, 1.0  # seconds: a word, and from its start to that of the next


def talk(num_words: int) -> Sound:
    """Word n is a level of its own, from second n on."""
    sound = np.zeros(round(num_words * STEP * RATE), np.float32)
    for n in range(num_words):
        sound[round(n * STEP * RATE) : round((n * STEP + WORD) * RATE)] = (n + 1) / 1000
    return sound


def hear(sound: Sound) -> list[HeardWord]:
    """The words of a sound; one that is cut is heard as another."""
    words = []
    edges = np.flatnonzero(np.diff(sound, prepend=0.0, append=0.0))
    for start, stop in pairwise(edges):
        if sound[start] > 0:
            whole = stop - start >= round(WORD * RATE)
            text = f"w{round(float(sound[start]) * 1000) - 1}" if whole else "hm"
            words.append(HeardWord(text=text, start=start / RATE, end=stop / RATE))
    return words


def said(recogniser: RollingWhisper, sound: Sound, piece: int = RATE // 10) -> list[HeardWord]:
    pieces = np.split(sound, range(piece, len(sound), piece))
    return [word for samples in pieces for word in recogniser.push(samples)] + recogniser.finish()


def settled(words: list[HeardWord]) -> list[tuple[str, float]]:
    return [(word.text, round(word.start, 2)) for word in words if word.final and word.text]


EXPECTED = [(f"w{n}", n * STEP) for n in range(40)]


@pytest.mark.parametrize("rules", [LIVE, WHOLE])
@pytest.mark.parametrize("piece", [RATE // 10, 7 * RATE])
def test_every_word_is_settled_once_at_its_time(rules: whisper.RollingRules, piece: int) -> None:
    assert settled(said(RollingWhisper(hear, rules), talk(40), piece)) == EXPECTED


def test_a_word_that_was_cut_is_corrected_under_its_id() -> None:
    words = said(RollingWhisper(hear), talk(8)[: round(6.3 * RATE)])
    shown = {}
    for word in words:
        shown[word.id] = word.text
    assert "hm" in [word.text for word in words]
    assert list(shown.values()) == [f"w{n}" for n in range(6)] + ["hm"]


def test_silence_is_let_go_of() -> None:
    lengths: list[int] = []
    recogniser = RollingWhisper(noting(lengths))
    assert said(recogniser, np.zeros(120 * RATE, np.float32)) == []
    assert max(lengths) < 5 * RATE


def noting(lengths: list[int]) -> Callable[[Sound], list[HeardWord]]:
    """`hear`, with the samples of each call noted."""

    def heard(sound: Sound) -> list[HeardWord]:
        lengths.append(len(sound))
        return hear(sound)

    return heard


@pytest.mark.parametrize("seconds", [0.5, 3.0, 9.0])
def test_a_slow_machine_hears_less_often_and_does_not_fall_behind(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    clock = [0.0]
    monkeypatch.setattr(whisper.time, "monotonic", lambda: clock[0])
    lengths: list[int] = []
    note = noting(lengths)

    def slowly(sound: Sound) -> list[HeardWord]:
        clock[0] += seconds  # however much there is to hear, as Whisper does
        return note(sound)

    words = said(RollingWhisper(slowly), talk(200))
    assert settled(words) == [(f"w{n}", n * STEP) for n in range(200)]
    assert clock[0] < 0.9 * 200
    assert max(lengths) <= 30 * RATE
