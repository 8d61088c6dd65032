"""Turns as text: one row of blocks per speaker, two steps of time in every column."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from rich.text import Text

from hocket.streaming.events import Gap, Turn

# Whole and half columns; a turn stands at full height once it is final and half as high until then.
_FINAL = {(False, True): "▐", (True, False): "▌", (True, True): "█"}
_PROVISIONAL = {(False, True): "▗", (True, False): "▖", (True, True): "▄"}
_TICK_SECONDS = (5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_TICK_COLUMNS = 9  # room for "1:02:03" and some air


@dataclass(frozen=True)
class Window:
    """The stretch of time that `columns` of text show, from `start`, each `column` seconds wide."""

    start: float
    column: float
    columns: int

    @classmethod
    def ending(cls, now: float, seconds: float, columns: int) -> "Window":
        """The last `seconds` up to `now`; the first ones while there are no more.

        The start lies on a whole column from zero, so that a growing `now` shifts the picture by whole
        columns and nothing in it flickers.
        """
        column = seconds / columns
        passed = max(0, math.ceil(now / column) - columns)
        return cls(passed * column, column, columns)

    @property
    def end(self) -> float:
        """The instant at the right edge."""
        return self.start + self.columns * self.column

    def halves(self, start: float, end: float) -> range:
        """The half columns that a stretch covers by more than half, at least one if it is in view at all."""
        first = round((start - self.start) / self.column * 2)
        stop = max(first + 1, round((end - self.start) / self.column * 2))
        return range(max(0, first), min(2 * self.columns, stop))


def lane(turns: Iterable[Turn], gaps: Iterable[Gap], window: Window, colour: str) -> Text:
    """The row of one speaker: blocks in `colour`, half as high where not final; lost audio hatched."""
    final = [False] * (2 * window.columns)
    spoken = [False] * (2 * window.columns)
    for turn in turns:
        for half in window.halves(turn.start, turn.end):
            spoken[half] = True
            final[half] |= turn.state == "final"
    hatched = {half // 2 for gap in gaps for half in window.halves(gap.start, gap.end)}
    cells = []
    for column in range(window.columns):
        pair = slice(2 * column, 2 * column + 2)
        left, right = spoken[pair]
        if left or right:
            shapes = _FINAL if any(final[pair]) else _PROVISIONAL
            cells.append((shapes[left, right], colour))
        else:
            cells.append(("╱", "dim") if column in hatched else (" ", ""))
    text = Text(no_wrap=True, overflow="crop")
    for style, run in groupby(cells, key=itemgetter(1)):
        text.append("".join(shape for shape, _ in run), style)
    return text


def axis(window: Window) -> Text:
    """Two rows: a ruler, and below it the times of its ticks."""
    step = next((step for step in _TICK_SECONDS if step / window.column >= _TICK_COLUMNS), _TICK_SECONDS[-1])
    ruler = ["─"] * window.columns
    labels = [" "] * window.columns
    tick = math.ceil(window.start / step) * step
    while (column := round((tick - window.start) / window.column)) < window.columns:
        ruler[column] = "┴"
        label = clock(tick)
        left = min(max(0, column - len(label) // 2), window.columns - len(label))
        if left >= 0 and not any(mark.strip() for mark in labels[max(0, left - 1) : left]):
            labels[left : left + len(label)] = label
        tick += step
    return Text(f"{''.join(ruler)}\n{''.join(labels)}", "dim", no_wrap=True, overflow="crop")


def clock(seconds: float) -> str:
    """0:05, 12:34, 1:02:03: whole seconds, rounded down."""
    minutes, second = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
