"""Words beside recordings: where they are found, and how right the captions of a log are."""

import json
from pathlib import Path

import pytest

from hocket.streaming.captions.words import HeardWord, SpokenWord
from hocket.streaming.errors import FormatError
from hocket.streaming.evaluation.captions import Truth
from hocket.streaming.evaluation.recordings import Recording
from hocket.streaming.evaluation.scripts import Script, read_script, score_script, scripts_of
from hocket.streaming.evaluation.words import SpeakerErrors, WordErrors
from hocket.streaming.replay import Segment
from tests.event_log import HOP, EventLog, live

TURNS = [Segment(0.0, 3.0, "Anna"), Segment(3.0, 6.0, "Ben")]
WORDS = [SpokenWord(f"w{k}", k * 0.5, (k + 1) * 0.5, "Anna" if k < 6 else "Ben") for k in range(12)]
HEARD = [HeardWord(text=word.text, start=word.start, end=word.end) for word in WORDS]
SCRIPT = Script(HEARD, Truth(TURNS, WORDS), offset=0.0)


def recording(*scored: tuple[float, float]) -> Recording:
    return Recording("talk", Path("talk.wav"), 20.0, TURNS, list(scored) or [(0.0, 20.0)])


def test_captions_of_a_log_that_is_right_are_right() -> None:
    log = live([Segment(0.0, 3.0, "S1"), Segment(3.0, 6.0, "S2")], 20.0)
    score = score_script(SCRIPT, recording(), log.events, latency=1.0, hop=HOP)
    assert score.first == score.settled.speakers == SpeakerErrors(words=12, wrong=0, nobody=0)
    assert score.settled.words == WordErrors(words=12, errors=0, plain_errors=0)


def revised() -> EventLog:
    """S1 is said to speak all along; two seconds after the end it is known that half of it was S2."""
    log = live([Segment(0.0, 6.0, "S1")], 8.0)
    log.revise([("t1", "S1", 0.0, 3.0), ("t2", "S2", 3.0, 6.0)])
    log.at = 20.0
    log.end(["S1", "S2"])
    return log


def test_words_are_read_as_first_shown_and_again_as_settled() -> None:
    score = score_script(SCRIPT, recording(), revised().events, latency=1.0, hop=HOP)
    assert score.first == SpeakerErrors(words=12, wrong=6, nobody=0)
    assert score.settled.speakers == SpeakerErrors(words=12, wrong=0, nobody=0)


def test_who_waits_longer_sees_the_revision_first() -> None:
    score = score_script(SCRIPT, recording(), revised().events, latency=4.0, hop=HOP)
    assert score.first == SpeakerErrors(words=12, wrong=1, nobody=0)  # the one read before 8 s


def test_words_outside_what_is_scored_count_nowhere() -> None:
    score = score_script(SCRIPT, recording((0.0, 4.0)), revised().events, latency=1.0, hop=HOP)
    assert score.first == SpeakerErrors(words=8, wrong=2, nobody=0)
    assert score.settled.words == WordErrors(words=8, errors=0, plain_errors=0)


def test_without_words_in_the_reference_speakers_alone_are_scored() -> None:
    script = Script(HEARD, Truth(TURNS), offset=0.0)
    score = score_script(script, recording(), revised().events, latency=1.0, hop=HOP)
    assert score.to_dict() == {
        "speaker_error_first": 0.5, "words": 12, "speaker_error": 0.0, "under_nobody": 0,
    }  # fmt: skip


def test_scores_of_recordings_are_pooled_by_their_words() -> None:
    one = score_script(SCRIPT, recording(), revised().events, latency=1.0, hop=HOP)
    other = score_script(SCRIPT, recording((0.0, 3.0)), revised().events, latency=1.0, hop=HOP)
    assert (one + other).first == SpeakerErrors(words=18, wrong=6, nobody=0)
    silence = score_script(Script([], Truth([]), 0.0), recording(), [], latency=1.0, hop=HOP)
    assert silence.to_dict()["speaker_error"] is None
    assert (one + silence).settled == one.settled


def written(folder: Path, name: str, words: list[SpokenWord], **speaker: str) -> None:
    entries = [{"text": w.text, "start": w.start, "end": w.end, **speaker} for w in words]
    (folder / name).write_text(json.dumps(entries))


def test_words_are_found_by_the_name_of_the_recording(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no words of talk; expected talk\.ctm or talk\.words\.json"):
        read_script(recording(), tmp_path)
    written(tmp_path, "talk.words.json", WORDS[:3])
    assert read_script(recording(), tmp_path) == Script(HEARD[:3], Truth(TURNS))
    written(tmp_path, "talk.words.json", WORDS[:3], speaker="Anna")
    assert read_script(recording(), tmp_path) == Script(HEARD[:3], Truth(TURNS, WORDS[:3]))
    (tmp_path / "talk.ctm").write_text("talk 1 0.0 0.5 double-u\n")
    beside = read_script(recording(), tmp_path)
    assert ([word.text for word in beside.heard], beside.truth.words) == (["double-u"], WORDS[:3])
    (tmp_path / "talk.stm").write_text("talk 1 Ben 0.0 2.0 what was said\n")
    assert read_script(recording(), tmp_path).truth == Truth.of_words(
        [SpokenWord("what was said", 0.0, 2.0, "Ben")]
    )


def test_words_made_of_turns_are_the_same_every_time() -> None:
    made = scripts_of([recording()], "turns")["talk"]
    assert made == scripts_of([recording()], "turns")["talk"]
    assert len(made.heard) == 20
    assert made.truth.turns == TURNS
