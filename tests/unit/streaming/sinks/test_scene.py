"""The folded session: who is there, who speaks, for how long, and what was corrected."""

import pytest

from hocket.streaming.events import Change, Gap, SpeakerNew, SpeakerUpdate
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.palette import SPEAKER_COLOURS
from hocket.streaming.sinks.scene import Scene
from tests.event_log import EventLog, live

TALK = [Segment(0.5, 3.0, "S1"), Segment(2.5, 6.0, "S2"), Segment(7.0, 8.0, "S1")]


def scene_of(log: EventLog) -> Scene:
    scene = Scene()
    for event in log.events:
        scene.add(event)
    return scene


def test_speaking_time_is_counted_once_however_often_a_turn_is_said() -> None:
    scene = scene_of(live(TALK, 10))
    assert scene.seconds == pytest.approx({"S1": 3.5, "S2": 3.5})


def test_speakers_come_in_the_order_they_were_shown() -> None:
    log = EventLog()
    log.turn("t1", "S2", 0, 1)
    log.turn("t2", "S1", 1, 2)
    assert scene_of(log).speakers == ["S2", "S1"]


def test_who_speaks_follows_changes_and_ends_with_the_session() -> None:
    log = live(TALK, 2.9)
    assert scene_of(log).speaking == ["S1"]
    log.add(Change, t=2.9, speakers=["S1", "S2"], started=["S2"], ended=[], confidence=0.9)
    assert scene_of(log).speaking == ["S1", "S2"]
    log.end(["S1", "S2"])
    assert scene_of(log).speaking == []
    assert scene_of(log).is_over


def test_a_revision_moves_speaking_time_and_is_counted() -> None:
    log = live(TALK, 10)
    log.revise([("t2", "S1", 2.5, 6.0)], removed=["t3"])
    scene = scene_of(log)
    assert scene.seconds == pytest.approx({"S1": 6.0})
    assert scene.corrected == 2


def test_a_merged_speaker_gives_time_and_place_to_the_other() -> None:
    log = live(TALK, 10)
    log.revise([], S2="S1")
    scene = scene_of(log)
    assert scene.speakers == ["S1"]
    assert scene.seconds == pytest.approx({"S1": 7.0})
    assert scene.name("S2") == "S1"


def test_a_speaker_whose_turns_are_all_retracted_is_gone() -> None:
    log = EventLog()
    log.turn("t1", "S1", 1.0, 2.0, "open")
    log.turn("t1", "S1", 1.0, 1.0, "final")
    assert scene_of(log).speakers == []
    assert scene_of(log).seconds == {}


def test_colours_are_given_in_order_and_kept_while_others_come_and_go() -> None:
    log = EventLog()
    for number in (1, 2, 3):
        log.turn(f"t{number}", f"S{number}", number, number + 1)
    assert [scene_of(log).colour(f"S{number}") for number in (1, 2, 3)] == list(SPEAKER_COLOURS[:3])
    log.revise([], S1="S3")
    assert [scene_of(log).colour(f"S{number}") for number in (2, 3)] == list(SPEAKER_COLOURS[1:3])


def test_who_is_merged_away_or_retracted_frees_a_colour_for_the_next() -> None:
    log = EventLog()
    log.turn("t1", "S1", 0, 1)
    log.turn("t2", "S2", 1, 2)
    log.turn("t3", "S3", 2, 3, "open")
    log.turn("t3", "S3", 2, 2)
    log.revise([], S1="S2")
    log.turn("t4", "S4", 3, 4)
    log.turn("t5", "S5", 4, 5)
    assert [scene_of(log).colour(speaker) for speaker in ("S4", "S2", "S5")] == list(SPEAKER_COLOURS[:3])


def test_a_merged_id_has_the_colour_of_who_it_is_now() -> None:
    log = live(TALK, 10)
    log.revise([], S2="S1")
    assert scene_of(log).colour("S2") == scene_of(log).colour("S1") == SPEAKER_COLOURS[0]


def test_names_come_from_enrolment_and_from_naming() -> None:
    log = EventLog()
    log.add(SpeakerNew, speaker="S1", name="Ann")
    log.add(SpeakerNew, speaker="S2")
    log.add(SpeakerUpdate, speaker="S2", name="Bob")
    log.add(SpeakerNew, speaker="S3")
    assert [scene_of(log).name(speaker) for speaker in ("S1", "S2", "S3")] == ["Ann", "Bob", "S3"]


def test_the_clock_moves_on_through_a_gap() -> None:
    log = EventLog()
    log.at = 5.0
    log.add(Gap, start=5.0, end=7.5, reason="overflow")
    assert scene_of(log).now == 7.5
