"""Turns as they are said, grow, settle and are revised; and who has the floor."""

import numpy as np
import pytest

from hocket.streaming.engine.floor import Floor
from hocket.streaming.engine.snapshot import pack, unpack
from hocket.streaming.engine.timeline import Piece, Timeline, TurnRecord, turns_of
from hocket.streaming.errors import SnapshotError

BRIDGE = 20


def said(turns: list[TurnRecord]) -> list[tuple[int, int, int, int, str]]:
    return [(t.id, t.speaker, t.start, t.stop, t.state) for t in turns]


def test_pieces_of_one_speaker_join_across_short_pauses() -> None:
    pieces = [Piece(0, 100, 1), Piece(110, 200, 1), Piece(221, 300, 1), Piece(150, 160, 2)]
    assert [(p.start, p.stop, p.speaker) for p in turns_of(pieces, BRIDGE)] == [
        (0, 200, 1), (150, 160, 2), (221, 300, 1),
    ]  # fmt: skip


def test_a_turn_is_open_then_provisional_then_final() -> None:
    timeline = Timeline(BRIDGE)
    assert said(timeline.update([Piece(10, 50, 0)], 0, 0, 50).said) == [(1, 0, 10, 50, "open")]
    assert said(timeline.update([Piece(10, 80, 0)], 0, 0, 120).said) == [(1, 0, 10, 80, "provisional")]
    assert said(timeline.update([Piece(10, 80, 0)], 0, 110, 200).said) == [(1, 0, 10, 80, "final")]
    assert timeline.update([Piece(10, 80, 0)], 0, 200, 300).said == []


def test_a_live_turn_may_change_its_speaker_under_the_same_id() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(10, 50, 0)], 0, 0, 50)
    assert said(timeline.update([Piece(10, 90, 1)], 0, 0, 90).said) == [(1, 1, 10, 90, "open")]


def test_a_turn_that_vanishes_before_it_was_final_is_said_empty() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(10, 50, 0)], 0, 0, 50)
    assert said(timeline.update([], 0, 0, 100).said) == [(1, 0, 10, 10, "final")]
    assert timeline.turns == {}


def test_a_final_turn_changes_by_revision_alone() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(0, 100, 0), Piece(200, 300, 1)], 0, 400, 400)
    update = timeline.update([Piece(0, 100, 0), Piece(200, 250, 0), Piece(250, 300, 2)], 0, 500, 500)
    assert update.said == []
    assert {(t.id, t.speaker, t.start, t.stop) for t in update.revised} == {
        (2, 0, 200, 250),
        (3, 2, 250, 300),
    }
    gone = timeline.update([Piece(0, 100, 0)], 0, 600, 600)
    assert sorted(t.id for t in gone.removed) == [2, 3]


def test_rebuilding_never_begins_inside_a_turn() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(0, 500, 0), Piece(450, 900, 1)], 0, 2000, 2000)
    assert timeline.rebuilt_from(600, 0) == 0
    assert timeline.rebuilt_from(600, 300) == 900 + BRIDGE + 1


def test_a_live_turn_older_than_memory_keeps_its_beginning() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(0, 1000, 0)], 0, 0, 1000)
    start = timeline.rebuilt_from(1000, 600)
    assert start == 600
    assert said(timeline.update([Piece(600, 1200, 0)], start, 0, 1200).said) == [(1, 0, 0, 1200, "open")]


def test_merged_speakers_turns_go_by_the_id_they_went_into() -> None:
    timeline = Timeline(BRIDGE)
    timeline.update([Piece(0, 100, 0), Piece(200, 300, 1)], 0, 400, 400)
    timeline.merge({1: 0})
    assert timeline.speakers() == [0]


def test_the_floor_changes_when_somebody_starts_and_when_they_have_ended() -> None:
    floor = Floor(patience=20)
    [start] = floor.follow([Piece(30, 50, 0)], 50)
    assert (start.at, start.speakers, start.started) == (30, (0,), (0,))
    assert floor.follow([Piece(30, 90, 0)], 100) == []
    [end] = floor.follow([Piece(30, 95, 0)], 150)
    assert (end.at, end.speakers, end.ended) == (95, (), (0,))


def test_a_word_between_two_steps_starts_and_ends() -> None:
    floor = Floor(patience=20)
    assert [(c.at, c.speakers) for c in floor.follow([Piece(10, 25, 3)], 50)] == [(10, (3,)), (25, ())]


def test_one_who_interrupts_joins_the_floor() -> None:
    floor = Floor(patience=20)
    floor.follow([Piece(0, 50, 0)], 50)
    [change] = floor.follow([Piece(0, 100, 0), Piece(80, 100, 1)], 100)
    assert (change.at, change.speakers, change.started, change.ended) == (80, (0, 1), (1,), ())


def test_one_who_turns_out_to_be_another_is_so_from_where_they_began() -> None:
    floor = Floor(patience=20)
    floor.follow([Piece(10, 50, 0)], 50)
    [other] = floor.follow([Piece(12, 100, 1)], 100)
    assert (other.at, other.speakers, other.started, other.ended) == (10, (1,), (1,), (0,))
    [change] = floor.follow([Piece(0, 150, 1), Piece(120, 150, 2)], 150)
    assert (change.speakers, change.started, change.ended) == ((1, 2), (2,), ())
    restored = Floor(patience=20)
    restored.restore(unpack(pack(floor.state())))
    for one in (floor, restored):
        [end, other] = one.follow([Piece(0, 150, 1), Piece(120, 160, 2)], 200)
        assert (end.at, end.ended, other.at, other.ended) == (150, (1,), 160, (2,))


def test_a_pause_between_two_steps_is_said_afterwards() -> None:
    floor = Floor(patience=20)
    floor.follow([Piece(0, 90, 0)], 100)
    [end, start] = floor.follow([Piece(0, 95, 0), Piece(130, 150, 0)], 150)
    assert (end.at, end.ended, start.at, start.started) == (95, (0,), 130, (0,))
    assert floor.follow([Piece(0, 95, 0), Piece(130, 200, 0)], 200) == []
    assert floor.follow([Piece(130, 205, 0), Piece(220, 250, 0)], 250) == []


def test_one_whose_last_words_were_another_s_has_ended_before_them() -> None:
    floor = Floor(patience=20)
    floor.follow([Piece(0, 100, 0)], 100)
    [change] = floor.follow([Piece(0, 60, 0), Piece(60, 150, 1)], 150)
    assert (change.at, change.speakers, change.started, change.ended) == (60, (1,), (1,), (0,))


def test_a_snapshot_holds_nested_values_and_arrays() -> None:
    state = {"a": [1, 2.5, None, "x"], "b": {3: np.arange(4, dtype=np.float32).reshape(2, 2)}, "c": True}
    copy = unpack(pack(state))
    assert copy["a"] == state["a"]
    assert copy["c"] is True
    np.testing.assert_array_equal(copy["b"][3], [[0, 1], [2, 3]])


def test_damaged_snapshots_are_told_apart_from_other_files() -> None:
    data = pack({"a": 1})
    with pytest.raises(SnapshotError, match="damaged snapshot"):
        unpack(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(SnapshotError, match="not a hocket snapshot"):
        unpack(b"RIFF....WAVE")
