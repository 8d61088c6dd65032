"""Turns as rows of blocks: which column, which shape, which label under the ruler."""

import pytest

from hocket.streaming.events import Gap, Turn, TurnState
from hocket.streaming.sinks.lanes import Window, axis, clock, lane
from tests.event_log import EventLog


def turn(start: float, end: float, state: TurnState = "final") -> Turn:
    log = EventLog()
    log.turn("t1", "S1", start, end, state)
    return next(event for event in log.events if isinstance(event, Turn))


def drawn(*turns: Turn, columns: int = 10, gaps: tuple[Gap, ...] = ()) -> str:
    return lane(turns, gaps, Window(0.0, 1.0, columns), "#2d78c3").plain


def test_a_final_turn_fills_whole_columns() -> None:
    assert drawn(turn(2, 5)) == "  ███     "


def test_edges_fall_on_half_columns() -> None:
    assert drawn(turn(1.5, 3.5)) == " ▐█▌      "


def test_a_turn_that_may_still_change_stands_half_as_high() -> None:
    assert drawn(turn(1.5, 3.5, "provisional"), turn(6, 8, "open")) == " ▗▄▖  ▄▄  "


def test_a_column_with_something_final_stands_full() -> None:
    assert drawn(turn(0, 2.5), turn(2.5, 4, "open")) == "███▄      "


def test_the_shortest_back_channel_is_still_visible() -> None:
    assert drawn(turn(4.01, 4.05)) == "    ▌     "


def test_what_lies_outside_the_window_is_cut_off() -> None:
    assert drawn(turn(-5, 2), turn(9, 20)) == "██       █"


def test_lost_audio_is_hatched_where_nobody_was_heard() -> None:
    gap = Gap(seq=1, session="talk", at=6, start=3, end=6, reason="overflow")
    assert drawn(turn(2, 4), gaps=(gap,)) == "  ██╱╱    "


def test_the_first_minute_is_shown_from_zero() -> None:
    window = Window.ending(10.0, 60.0, 40)
    assert (window.start, window.end) == (0.0, 60.0)


@pytest.mark.parametrize("now", [60.0, 61.0, 75.3, 3601.7])
def test_later_the_window_ends_with_the_column_of_now(now: float) -> None:
    window = Window.ending(now, 60.0, 40)
    assert now <= window.end < now + window.column + 1e-9


def test_the_picture_shifts_by_whole_columns() -> None:
    starts = [Window.ending(60 + step * 0.37, 60.0, 40).start for step in range(50)]
    assert all(start / 1.5 == pytest.approx(round(start / 1.5)) for start in starts)


def test_the_ruler_has_its_times_below_the_ticks() -> None:
    assert axis(Window(30.0, 1.0, 31)).plain.split("\n") == [
        "┴─────────┴─────────┴─────────┴",
        "0:30    0:40      0:50     1:00",
    ]


@pytest.mark.parametrize("columns", [1, 5, 20, 41, 97, 300])
@pytest.mark.parametrize("start", [0.0, 7.5, 3590.0, 86390.0])
def test_the_ruler_is_as_wide_as_its_window(columns: int, start: float) -> None:
    rows = axis(Window(start, 60 / columns, columns)).plain.split("\n")
    assert [len(row) for row in rows] == [columns, columns]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (9.99, "0:09"), (83, "1:23"), (3599.9, "59:59"), (3723, "1:02:03")]
)
def test_clocks_round_down_and_show_hours_when_there_are_any(seconds: float, text: str) -> None:
    assert clock(seconds) == text
