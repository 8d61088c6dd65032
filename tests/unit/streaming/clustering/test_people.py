"""The user's word and enrolled voices, on models whose voices are exact."""

import numpy as np
import pytest

from hocket.models.roles import Calibration
from hocket.streaming.clustering.memory import Speakers
from hocket.streaming.clustering.people import People, PeopleRules, Profile
from hocket.streaming.clustering.voiceprint import VoicePrint
from hocket.streaming.clustering.voices import VoiceScorer
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError, UnknownSpeaker, VoicePrintError
from hocket.streaming.events import Event, SpeakerNew, SpeakerUpdate
from hocket.streaming.replay import Replay, Segment
from tests.level_voices import NUM_VOICES, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1, 4, "0"), Segment(4.5, 8, "1"), Segment(8.5, 11, "2"), Segment(12, 15, "0")]
AGAIN = [Segment(1, 4, "0"), Segment(5, 8, "1"), Segment(9, 12, "2")]


def voice(number: int, model: str = "levels") -> VoicePrint:
    return VoicePrint(model, np.eye(NUM_VOICES, dtype=np.float32)[[number]], np.array([20.0], np.float32))


def session(config: DiarizerConfig | None = None, people: dict[str, int] | None = None) -> Diarizer:
    profiles = [Profile(f"id of {name}", name, voice(number)) for name, number in (people or {}).items()]
    models = {"embedding": "levels"}
    return Diarizer(LevelSegmenter(), LevelEmbedder(), config, models=models, people=profiles)


def heard(diarizer: Diarizer, turns: list[Segment] = TURNS, seconds: float = 16) -> list[Event]:
    return diarizer.push(conversation(turns, seconds))


def log_of(events: list[Event]) -> Replay:
    log = Replay()
    for event in events:
        log.add(event)
    return log


def who(log: Replay, at: float) -> str:
    """The id of who speaks at an instant."""
    [speaker] = {turn.speaker for turn in log.annotation() if turn.start <= at < turn.end}
    return speaker


def test_an_enrolled_person_is_introduced_with_name_and_profile() -> None:
    events = heard(session(people={"Bert": 1}))
    introduced = [event for event in events if isinstance(event, SpeakerNew)]
    assert [(event.name, event.profile) for event in introduced] == [
        (None, None), ("Bert", "id of Bert"), (None, None),
    ]  # fmt: skip


def test_an_enrolled_person_is_named_within_two_seconds_of_speech() -> None:
    diarizer = session(people={"Bert": 1})
    events = diarizer.push(conversation(TURNS, 6.5))
    assert "Bert" in log_of(events).names.values()


def test_who_is_enrolled_later_is_named_for_what_was_said_before() -> None:
    diarizer = session()
    events = heard(diarizer)
    [update] = diarizer.enroll("Bert", voice(1))
    assert isinstance(update, SpeakerUpdate)
    assert (update.name, update.profile) == ("Bert", "Bert")
    assert update.speaker == who(log_of(events), 6)


def test_what_is_not_surely_an_enrolled_person_goes_without_a_name() -> None:
    """Half a second of a stranger, too little for a speaker, after the only one who is known."""
    turns = [Segment(1, 5, "1"), Segment(6, 6.6, "2"), Segment(8, 11, "1")]
    log = log_of(heard(session(people={"Bert": 1}), turns, 12))
    assert [(turn.speaker, turn.start) for turn in log.annotation()] == [
        ("S1", pytest.approx(1, abs=0.05)), ("S1", pytest.approx(8, abs=0.05)),
    ]  # fmt: skip
    nameless = log_of(heard(session(), turns, 12)).annotation()
    assert any(turn.start == pytest.approx(6, abs=0.05) for turn in nameless)


def test_who_only_says_short_things_is_named_too() -> None:
    turns = [Segment(1, 5, "0"), Segment(6, 6.55, "1"), Segment(7.5, 11, "0"), Segment(12, 12.55, "1")]
    log = log_of(heard(session(people={"Bert": 1}), turns, 14))
    assert log.names[who(log, 6.3)] == "Bert"


@pytest.mark.parametrize(
    ("seconds", "cosine", "is_bert"),
    [(0.55, 0.48, False), (0.55, 0.5, True), (1, 0.5, True), (8, 0.67, False), (8, 0.72, True)],
)
def test_what_is_asked_of_a_voice_goes_by_how_long_it_has_spoken(
    seconds: float, cosine: float, is_bert: bool
) -> None:
    scorer = VoiceScorer(Calibration(different=0.25, noise_floor=0.12, noise_per_second=1.145))
    people = People(scorer, PeopleRules())
    people.enroll(Profile("bert", "Bert", voice(1)))
    centre = np.array([[0, cosine, np.sqrt(1 - cosine**2), 0]], np.float32)
    speakers = Speakers(np.array([4]), centre, np.array([seconds], np.float32))
    [likeness] = people.likeness(centre, speakers.seconds, list(people.profiles.values()))[0]
    assert likeness > people.rules.recognise
    assert bool(people.recognise(speakers, lambda: 9)) == is_bert


def test_a_print_of_another_model_is_refused() -> None:
    with pytest.raises(VoicePrintError, match=r"voice print of other \(4 numbers\) cannot be compared"):
        session().enroll("Bert", voice(1, "other"))


def test_a_voice_that_was_learned_in_one_session_is_known_in_the_next() -> None:
    first = session()
    heard(first)
    known = first.voice_print("S2")
    second = session()
    second.enroll("Bert", known)
    events = heard(second)
    assert [e.name for e in events if isinstance(e, SpeakerNew)] == [None, "Bert", None]


def test_a_name_is_said_at_once_and_carried_on() -> None:
    diarizer = session()
    log = log_of(heard(diarizer))
    [update] = diarizer.name("S1", "Anna")
    log.add(update)
    assert log.names == {"S1": "Anna"}
    for event in heard(diarizer, AGAIN):
        log.add(event)
    assert who(log, 16 + 2) == "S1"


def test_the_users_name_takes_a_profile_back() -> None:
    diarizer = session(people={"Bert": 1})
    log = log_of(heard(diarizer))
    assert log.profiles == {"S2": "id of Bert"}
    for event in diarizer.name("S2", "Carl"):
        log.add(event)
    assert (log.names["S2"], log.profiles) == ("Carl", {})


def test_merged_speakers_stay_one_and_the_old_id_an_alias() -> None:
    diarizer = session()
    log = log_of(heard(diarizer) + diarizer.merge("S2", "S1"))
    assert who(log, 6) == "S1"
    for event in [*heard(diarizer, AGAIN), *diarizer.name("S2", "Anna"), *diarizer.finish()]:
        log.add(event)
    assert {who(log, at) for at in (2, 6, 18, 22)} == {"S1"}
    assert log.names == {"S1": "Anna"}
    assert log.annotation() == diarizer.annotation()


def test_one_speaker_cannot_be_merged_twice() -> None:
    diarizer = session()
    heard(diarizer)
    diarizer.merge("S2", "S1")
    with pytest.raises(ConfigError, match="S2 and S1 are one speaker already"):
        diarizer.merge("S2", "S1")


def test_a_corrected_turn_goes_to_the_speaker_it_was_given() -> None:
    diarizer = session()
    log = log_of(heard(diarizer))
    [last] = [turn for turn in log.turns.values() if turn.start > 11]
    events = diarizer.correct(last.id, "S3") + heard(diarizer, AGAIN) + diarizer.finish()
    for event in events:
        log.add(event)
    assert who(log, 13) == "S3"
    assert (who(log, 2), who(log, 18)) == ("S1", "S1")


def test_a_stretch_is_cut_where_the_user_says() -> None:
    diarizer = session()
    log = log_of(heard(diarizer))
    for event in diarizer.correct((2.0, 3.0), None) + diarizer.finish():
        log.add(event)
    assert (who(log, 1.9), who(log, 2.1), who(log, 2.9), who(log, 3.1)) == ("S1", "S4", "S4", "S1")


def test_a_stretch_can_be_given_to_an_enrolled_person_not_heard_yet() -> None:
    diarizer = session(people={"Dora": 3})
    log = log_of(heard(diarizer))
    for event in diarizer.correct((1.0, 4.0), "id of Dora"):
        log.add(event)
    assert log.names[who(log, 2)] == "Dora"


def test_a_split_speaker_is_two_from_then_on() -> None:
    diarizer = session()
    log = log_of(heard(diarizer) + diarizer.split("S1", at=11.5) + diarizer.finish())
    assert (who(log, 2), who(log, 13)) == ("S1", "S4")
    diarizer = session()
    log = log_of(heard(diarizer))
    [last] = [turn for turn in log.turns.values() if turn.start > 11]
    for event in diarizer.split("S1", turns=[last.id]):
        log.add(event)
    assert (who(log, 2), who(log, 13)) == ("S1", "S4")


def test_what_cannot_be_meant_is_refused_with_what_there_is() -> None:
    diarizer = session()
    heard(diarizer)
    with pytest.raises(UnknownSpeaker, match="no speaker 'S9': this session has S1, S2, S3"):
        diarizer.name("S9", "Anna")
    with pytest.raises(UnknownSpeaker, match="no turn 't99'"):
        diarizer.correct("t99", "S1")
    with pytest.raises(UnknownSpeaker, match="no turn t2 of S1: its turns are t1"):
        diarizer.split("S1", turns=["t2"])
    with pytest.raises(ConfigError, match="1 of 1 turns of S2 would leave: expected some, but not all"):
        diarizer.split("S2", turns=["t2"])
    with pytest.raises(ConfigError, match=r"a stretch of 3 to 2 s: expected a start before the end"):
        diarizer.correct((3, 2), "S1")
    with pytest.raises(VoicePrintError, match=r"2.\d s of clean speech of S3: a voice print wants 3 s"):
        diarizer.voice_print("S3")


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (DiarizerConfig(num_speakers=2), 2),
        (DiarizerConfig(max_speakers=2), 2),
        (DiarizerConfig(max_speakers=1), 1),
        (DiarizerConfig(min_speakers=2), 3),
    ],
)
def test_there_are_as_many_speakers_as_were_asked_for(config: DiarizerConfig, count: int) -> None:
    diarizer = session(config)
    events = heard(diarizer) + diarizer.finish()
    assert len({turn.speaker for turn in diarizer.annotation()}) == count
    if config.asked.most:
        assert sum(isinstance(event, SpeakerNew) for event in events) <= config.asked.most


def test_counts_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_speakers 3: expected no more than max_speakers, 2"):
        DiarizerConfig(min_speakers=3, max_speakers=2)
    with pytest.raises(ConfigError, match="num_speakers 3: expected what min and max_speakers admit"):
        DiarizerConfig(num_speakers=3, max_speakers=2)
    with pytest.raises(ConfigError, match="num_speakers 0: expected at least 1"):
        DiarizerConfig(num_speakers=0)
