"""Scores of captions, against what can be counted by hand."""

import random
from pathlib import Path

import pytest

from hocket.streaming.captions.words import SpokenWord
from hocket.streaming.errors import FormatError
from hocket.streaming.evaluation.captions import read_stm, score_captions
from hocket.streaming.evaluation.words import (
    SpeakerErrors,
    WordErrors,
    against_turns,
    against_words,
    synthesised_words,
    word_errors,
)
from hocket.streaming.events import Caption, Word
from hocket.streaming.replay import Segment


def said(*spoken: tuple[str, str], each: float = 0.5) -> list[SpokenWord]:
    """Words of (speaker, text), one after the other."""
    return [SpokenWord(text, k * each, (k + 1) * each, speaker) for k, (speaker, text) in enumerate(spoken)]


TRUTH = said(("Anna", "shall"), ("Anna", "we"), ("Ben", "Yes."), ("Ben", "now"))
HEARD = said(("S2", "shall"), ("S2", "we"), ("S2", "yes"), ("S1", "now"))


def caption(caption_id: str, speaker: str | None, words: list[SpokenWord]) -> Caption:
    return Caption(
        seq=1, session="talk", at=2.0, id=caption_id, start=words[0].start, end=words[-1].end,
        speaker=speaker, text="", state="final",
        words=[Word(text=word.text, start=word.start, end=word.end) for word in words],
    )  # fmt: skip


def test_one_of_four_words_goes_to_another() -> None:
    assert against_words(TRUTH, HEARD) == SpeakerErrors(words=4, wrong=1, nobody=0)
    assert against_words(TRUTH, HEARD).rate == 0.25


def test_a_word_of_nobody_is_an_error_of_its_own_kind() -> None:
    heard = [*HEARD[:3], SpokenWord("now", 1.5, 2.0, "?")]
    assert against_words(TRUTH, heard) == SpeakerErrors(words=4, wrong=1, nobody=1)


def test_against_turns_either_of_two_who_talk_at_once_is_right() -> None:
    turns = [Segment(0.0, 1.5, "Anna"), Segment(1.0, 2.0, "Ben")]
    assert against_turns(turns, HEARD) == SpeakerErrors(words=4, wrong=0, nobody=0)
    assert against_turns(turns, [SpokenWord("late", 5.0, 5.5, "S2")]) == SpeakerErrors(0, 0, 0)


def test_cpwer_counts_a_word_under_another_speaker_twice() -> None:
    errors = word_errors(TRUTH, HEARD)
    assert (errors.words, errors.errors, errors.plain_errors) == (4, 2, 0)


def babble(seed: int) -> tuple[list[SpokenWord], list[SpokenWord]]:
    """Two conversations of six words at random, by up to four speakers each."""
    chance = random.Random(seed)

    def pick(number: int) -> int:
        return int(chance.random() * number)

    def words(num_speakers: int) -> list[SpokenWord]:
        return [
            SpokenWord("abcdef"[pick(6)], k, k + 1.0, f"s{pick(num_speakers)}") for k in range(pick(30) + 1)
        ]

    return words(pick(4) + 1), words(pick(4) + 1)


def test_errors_are_those_that_meeteval_counts() -> None:
    # meeteval 0.4.3 (MIT): cp_word_error_rate and siso_word_error_rate of babble(0), babble(1), ...
    golden = [
        (23, 40, 20), (26, 29, 18), (29, 23, 20), (17, 16, 14), (4, 8, 8), (23, 28, 17), (25, 32, 16),
        (5, 20, 20), (29, 35, 20), (12, 17, 15), (13, 11, 10), (17, 25, 20),
    ]  # fmt: skip
    assert [word_errors(*babble(seed)) for seed in range(12)] == [WordErrors(*counts) for counts in golden]


def test_the_same_seed_makes_the_same_words() -> None:
    turns = [Segment(1.0, 4.0, "Anna")]
    words = synthesised_words(turns, seed=3)
    assert words == synthesised_words(turns, seed=3)
    assert len(words) == 10
    assert all(word.start <= word.end and word.speaker == "Anna" for word in words)


def test_captions_are_scored_against_stretches_of_text(tmp_path: Path) -> None:
    stm = tmp_path / "talk.stm"
    stm.write_text(";; by hand\ntalk 1 Anna 0.0 1.0 <o> shall we\ntalk 1 Ben 1.0 2.0 yes now\n")
    score = score_captions(stm, "talk", [caption("c1", "S2", HEARD[:3]), caption("c2", "S1", HEARD[3:])])
    assert score.to_dict() == {
        "words": 4, "speaker_error": 0.25, "under_nobody": 0, "cpwer": 0.5, "wer": 0.0,
    }  # fmt: skip
    assert score.lines()[0] == "Word-level speaker error 25.0%: 1 of 4 words go to others, 0 to nobody."


def test_captions_are_scored_against_turns(tmp_path: Path) -> None:
    rttm = tmp_path / "any.rttm"
    rttm.write_text("SPEAKER talk 1 0.0 1.0 <NA> <NA> Anna <NA> <NA>\n")
    score = score_captions(rttm, "talk", [caption("c1", None, HEARD[:1]), caption("c2", "S1", HEARD[1:2])])
    assert score.speakers == SpeakerErrors(words=2, wrong=0, nobody=1)
    assert score.words is None


def test_a_reference_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"ends in \.rttm, \.stm or \.json, got '\.txt'"):
        score_captions(tmp_path / "talk.txt", "talk", [])
    (tmp_path / "talk.stm").write_text("talk 1 Anna soon\n")
    with pytest.raises(FormatError, match=r"talk\.stm, line 1: expected recording, channel, speaker"):
        read_stm(tmp_path / "talk.stm")
