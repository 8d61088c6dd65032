"""Captioner: what it says, when it says it, and what it refuses."""

import tracemalloc

import pytest

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.clock import clock_offset
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.errors import ConfigError, FormatError
from hocket.streaming.events import Caption
from hocket.streaming.replay import Segment
from tests.event_log import EventLog, live

RULES = CaptionRules(offset=0.0)


def heard(text: str, start: float, each: float = 0.3, ids: str | None = None) -> list[HeardWord]:
    """The words of a sentence, one after the other from `start`."""
    return [
        HeardWord(
            text=word,
            start=round(start + place * each, 3),
            end=round(start + (place + 1) * each, 3),
            id=f"{ids}{place}" if ids else None,
        )
        for place, word in enumerate(text.split())
    ]


def lines(captioner: Captioner) -> list[tuple[str | None, str]]:
    return [(caption.speaker, caption.text) for caption in captioner.captions()]


def talk(*turns: tuple[str, float, float]) -> Captioner:
    """A captioner that has heard these turns, final all of them."""
    captioner = Captioner("talk", RULES)
    log = live([Segment(start, end, speaker) for speaker, start, end in turns], max(t[2] for t in turns) + 5)
    captioner.take(log.events)
    return captioner


def test_an_utterance_is_split_where_the_speaker_changes() -> None:
    captioner = talk(("S1", 0.0, 1.2), ("S2", 1.2, 2.4))
    captioner.add(heard("shall we begin then yes please do so", 0.0))
    assert lines(captioner) == [("S1", "shall we begin then"), ("S2", "yes please do so")]


def test_a_word_across_a_change_goes_with_its_sentence() -> None:
    captioner = talk(("S1", 0.0, 1.35), ("S2", 1.35, 3.0))
    captioner.add(heard("are you all here? yes we are", 0.15))
    assert lines(captioner) == [("S1", "are you all here?"), ("S2", "yes we are")]


def test_who_talks_over_another_has_a_caption_of_their_own() -> None:
    captioner = talk(("S1", 0.0, 4.0), ("S2", 4.2, 4.5), ("S1", 4.6, 6.0))
    captioner.add(heard("one two three four five six seven eight nine ten", 0.0, 0.4))
    captioner.add(heard("right", 4.2))
    captioner.add(heard("so on", 4.7))
    assert lines(captioner) == [
        ("S1", "one two three four five six seven eight nine ten"),
        ("S2", "right"),
        ("S1", "so on"),
    ]


def test_words_are_captioned_at_once_and_final_when_turns_and_words_are() -> None:
    captioner = Captioner("talk", RULES)
    log = live([Segment(0.0, 2.0, "S1")], 16.0)
    states = []
    captioner.take([event for event in log.events if event.at <= 1.0])
    states += captioner.add(heard("good morning", 0.2))
    for at in range(2, 34):
        states += captioner.take([event for event in log.events if event.at == at / 2])
    assert states[0] == Caption(
        seq=1, session="talk", at=1.0, id="c1", start=0.2, end=0.8, speaker="S1", text="good morning",
        words=states[0].words, state="open",
    )  # fmt: skip
    # With no further word to say that the sentence is over, ten seconds of patience do.
    assert [caption.state for caption in states] == ["open", "final"]
    assert states[-1].at == 11.0


def test_a_revision_reaches_the_captions_it_touches_in_the_same_step() -> None:
    captioner = talk(("S1", 0.0, 2.0), ("S2", 3.0, 5.0))
    captioner.add(heard("so it was you", 0.0))
    captioner.add(heard("it was me", 3.0))
    captioner.add(heard("later", 9.0))
    assert [caption.state for caption in captioner.captions()][:2] == ["final", "final"]
    log = EventLog("talk")
    log.at = 10.0
    log.revise([("t2", "S1", 3.0, 3.3), ("t9", "S3", 3.3, 5.0)])
    said = captioner.take(log.events)
    assert [(c.id, c.speaker, c.text, c.state) for c in said] == [
        ("c5", "S1", "it", "final"),
        ("c6", "S3", "was me", "final"),
    ]


def test_a_merge_renames_captions_in_the_same_step() -> None:
    captioner = talk(("S1", 0.0, 2.0), ("S2", 3.0, 5.0))
    captioner.add(heard("so it was you", 0.0))
    captioner.add(heard("it was me", 3.0))
    log = EventLog("talk")
    log.revise([], S2="S1")
    assert [(c.id, c.speaker) for c in captioner.take(log.events)] == [("c5", "S1")]


def test_a_late_word_joins_the_caption_it_belongs_to() -> None:
    captioner = talk(("S1", 0.0, 2.0))
    words = heard("one two three", 0.0)
    captioner.add([words[0], words[2]])
    assert [(c.id, c.text) for c in captioner.add([words[1]])] == [("c1", "one two three")]


def test_a_corrected_word_replaces_the_one_before() -> None:
    captioner = talk(("S1", 0.0, 2.0))
    captioner.add(heard("wreck a nice beach", 0.0, ids="w"))
    captioner.add(
        [
            HeardWord(text="recognise", start=0.0, end=0.5, id="w0"),
            HeardWord(text="", start=0, end=0, id="w1"),
        ]
    )
    captioner.add(
        [HeardWord(text="speech", start=0.9, end=1.2, id="w3"), HeardWord(text="", start=0, end=0, id="w2")]
    )
    assert lines(captioner) == [("S1", "recognise speech")]


def test_a_word_without_an_id_is_corrected_at_its_very_time() -> None:
    captioner = talk(("S1", 0.0, 2.0))
    captioner.add([HeardWord(text="sun", start=0.5, end=0.8), HeardWord(text="set", start=0.5, end=0.8)])
    captioner.add([HeardWord(text="son", start=0.5, end=0.8)])
    assert lines(captioner) == [("S1", "son set")]


def test_words_that_were_all_taken_back_leave_nothing() -> None:
    captioner = Captioner("talk")
    words = heard("so " * 30, 0.0, 0.1, ids="w")
    said = captioner.add([*words, *(HeardWord(text="", start=0.0, end=0.0, id=word.id) for word in words)])
    assert said == []
    assert captioner.num_held == 0


def test_words_ahead_of_the_audio_wait_for_it() -> None:
    captioner = Captioner("talk", RULES)
    assert captioner.add(heard("not yet", 58.5)) == []
    log = EventLog("talk")
    log.at = 58.0
    log.turn("t1", "S1", 57.0, 58.0, "open")
    assert [c.text for c in captioner.take(log.events)] == ["not yet"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            HeardWord(text="a", start=float("nan"), end=1.0),
            "word 'a': start should be seconds, 0 or more, got nan",
        ),
        (HeardWord(text="a", start=-0.5, end=1.0), "word 'a': start should be seconds, 0 or more, got -0.5"),
        (HeardWord(text="a", start=2.0, end=1.0), "word 'a': ends at 1.0, before its start at 2.0"),
        (HeardWord(text="a", start=2.0, end=42.0), "word 'a': takes 40.0 s, more than 10"),
    ],
)
def test_a_word_with_an_impossible_time_is_refused_and_none_with_it_is_taken(
    word: HeardWord, message: str
) -> None:
    captioner = Captioner("talk", RULES)
    with pytest.raises(FormatError, match=message):
        captioner.add([HeardWord(text="fine", start=0.0, end=0.5), word])
    assert captioner.num_held == 0


def test_too_many_words_ahead_of_the_audio_are_refused() -> None:
    captioner = Captioner("talk", CaptionRules(most_words=10))
    with pytest.raises(FormatError, match="11 words are ahead of the audio, which is at 0 s"):
        captioner.add(heard("x " * 11, 100.0))


def test_memory_too_short_for_revisions_is_refused() -> None:
    with pytest.raises(ConfigError, match="memory 3: expected 10 s or more"):
        CaptionRules(memory=3.0)


def test_words_without_end_take_the_memory_of_a_few_thousand() -> None:
    captioner = Captioner("talk", CaptionRules(memory=60.0))
    log = EventLog("talk")
    most_held = 0
    sizes = []
    tracemalloc.start(1)
    for step in range(12):  # 40 minutes
        start = step * 200.0
        log.events.clear()
        log.at = start + 200.0
        for half in (0, 1):
            log.turn(f"t{step}.{half}", f"S{half + 1}", start + 100 * half, start + 100 * half + 99.0)
        captioner.take(log.events)
        words = [HeardWord(text="so", start=start + k * 0.2, end=start + k * 0.2 + 0.15) for k in range(1000)]
        captioner.add(words)
        most_held = max(most_held, captioner.num_held)
        if step in (4, 11):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert most_held < 2000
    assert sizes[1] < 1.2 * sizes[0]


def test_the_offset_of_a_recognisers_clock_is_found_and_taken_off() -> None:
    turns = [
        Segment(k * 3.1 + (k * k % 7) * 0.11, k * 3.1 + 2.0 + (k % 3) * 0.2, f"S{k % 2 + 1}")
        for k in range(40)
    ]
    captioner = Captioner("talk")
    captioner.take(live(turns, 130.0).events)
    for turn in turns:
        count = int((turn.end - turn.start) / 0.25)
        captioner.add(heard("word " * count, turn.start + 0.8, (turn.end - turn.start) / count))
    assert captioner.offset == pytest.approx(-0.8, abs=0.05)
    captioner.finish()
    wrong = [
        c
        for c in captioner.captions()
        if not any(t.speaker == c.speaker and abs(t.start - c.start) < 0.2 for t in turns)
    ]
    assert wrong == []


def test_edges_that_agree_on_nothing_give_no_offset() -> None:
    assert clock_offset([], [], []) is None
    assert clock_offset([(0.0, 0.2), (5.0, 5.2)], [1.0], [2.0]) is None
