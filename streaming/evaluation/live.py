"""What a reader of the log saw: as first shown, as settled, and what changed in between.

The reader shows every turn as last said, whatever its state (open, provisional, final), under the id that its
speaker goes by at that moment. The log moves in steps: the instants of its events and, in between, every
`hop`. At latency L,

- *as first shown*: a cell of 10 ms is read at the first step at which the audio clock stands L or more past
  the cell's end, or at the end of the log where that never comes;
- *as settled*: every cell is read at the end of the log; the same as `replay.annotation`;
- *revised*: a label that was read in a cell as first shown and was gone from it after some later step, be it
  corrected, removed or merged into another id, and whether or not it came back.

The log is replayed once, on lanes of cells, and only what an event changes is touched: hours take seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..events import Event, Revision, SessionStart, SpeakerUpdate, Turn
from ..grid import to_cells
from ..metrics import Lanes, Mask
from ..replay import Replay

Place = tuple[str, int, int]  # label, first cell, cell after the last


@dataclass(frozen=True)
class Revised:
    """Shown speech that changed later, in cells × labels; `+` pools recordings."""

    changed: int
    shown: int

    @property
    def rate(self) -> float:
        """Share of shown speech whose label later changed; nan where none was shown."""
        return self.changed / self.shown if self.shown else float("nan")

    def __add__(self, other: "Revised") -> "Revised":
        return Revised(self.changed + other.changed, self.shown + other.shown)


@dataclass(frozen=True)
class Sight:
    """One log, seen at one latency.

    first: as first shown; revised: (first.labels, cells) bool, the part of it that changed later.
    settled: as settled; since: (settled.labels, cells) int32, the audio clock in cells at which the label
    was first out in that cell, -1 for never.
    """

    first: Lanes
    revised: NDArray[np.bool_]
    settled: Lanes
    since: NDArray[np.int32]

    def revisions(self, scored: Mask | None = None) -> Revised:
        """How much of the first shown speech in the cells of `scored` (default: all) was revised."""
        where = slice(None) if scored is None else scored
        return Revised(int(self.revised[:, where].sum()), int(self.first.cells[:, where].sum()))

    def revision_rate(self, scored: Mask | None = None) -> float:
        """`revisions` as a share; nan where nothing was shown."""
        return self.revisions(scored).rate


def watch(events: Iterable[Event], *, num_cells: int, latency: float, hop: float | None = None) -> Sight:
    """What a reader saw of a recording of `num_cells` cells.

    latency: seconds. hop: seconds between the engine's steps; by default the one that the log's
    `session.start` gives, and without any the log moves at its events alone.
    """
    reader = _Reader(num_cells)
    wait, pause = to_cells(latency), None if hop is None else to_cells(hop)
    for clock, step in groupby(events, key=lambda event: to_cells(event.at)):
        said = list(step)
        if pause is None:
            pause = _declared_hop(said)
        if pause is not None:
            reader.read(clock - pause - wait)
        reader.take(said, clock)
        reader.read(clock - wait)
    reader.read(num_cells)
    return reader.sight()


def _declared_hop(events: Sequence[Event]) -> int | None:
    for event in events:
        if isinstance(event, SessionStart) and "hop" in event.config:
            return to_cells(event.config["hop"])
    return None


class _Lane:
    """One label's cells.

    turns: how many turns lie on the cell now. first, revised: see the module. since: see Sight.
    """

    def __init__(self, num_cells: int) -> None:
        self.turns = np.zeros(num_cells, np.int16)
        self.first = np.zeros(num_cells, np.bool_)
        self.revised = np.zeros(num_cells, np.bool_)
        self.since = np.full(num_cells, -1, np.int32)


class _Reader:
    """Folds events into lanes; what they mean is left to Replay."""

    def __init__(self, num_cells: int) -> None:
        self._num_cells = num_cells
        self._read_to = 0
        self._replay = Replay()
        self._lanes: dict[str, _Lane] = {}

    def take(self, events: Iterable[Event], clock: int) -> None:
        """All events of one step, at `clock` cells."""
        lowered: list[tuple[_Lane, int, int]] = []
        for event in events:
            lowered += self._take(event, clock)
        for lane, start, stop in lowered:
            gone = lane.turns[start:stop] == 0
            lane.revised[start:stop] |= lane.first[start:stop] & gone

    def read(self, stop: int) -> None:
        """Read every cell before `stop` that has not been read yet."""
        stop = min(stop, self._num_cells)
        if stop <= self._read_to:
            return
        for lane in self._lanes.values():
            lane.first[self._read_to : stop] = lane.turns[self._read_to : stop] > 0
        self._read_to = stop

    def sight(self) -> Sight:
        lanes = sorted(self._lanes.items())
        shown = [(label, lane) for label, lane in lanes if lane.first.any()]
        settled = [(label, lane) for label, lane in lanes if lane.turns.any()]
        return Sight(
            first=self._lanes_of([(label, lane.first) for label, lane in shown]),
            revised=self._lanes_of([(label, lane.revised) for label, lane in shown]).cells,
            settled=self._lanes_of([(label, lane.turns > 0) for label, lane in settled]),
            since=np.array([lane.since for _, lane in settled], np.int32).reshape(
                len(settled), self._num_cells
            ),
        )

    def _lanes_of(self, rows: list[tuple[str, Mask]]) -> Lanes:
        cells = np.array([row for _, row in rows], np.bool_).reshape(len(rows), self._num_cells)
        return Lanes(tuple(label for label, _ in rows), cells)

    def _take(self, event: Event, clock: int) -> list[tuple[_Lane, int, int]]:
        """Apply one event; returns the spans from which a turn was taken away."""
        lowered: list[tuple[_Lane, int, int]] = []
        before = {turn_id: self._place(turn_id) for turn_id in _turns_named(event)}
        self._replay.add(event)
        for turn_id, place in before.items():
            now = self._place(turn_id)
            for label, start, stop in _beyond(now, place):
                self._raise(label, start, stop, clock)
            for label, start, stop in _beyond(place, now):
                self._lane(label).turns[start:stop] -= 1
                lowered.append((self._lane(label), start, stop))
        moved = [self._move(speaker, clock) for speaker in _speakers_merged(event)]
        return lowered + [(lane, 0, self._num_cells) for lane in moved]

    def _place(self, turn_id: str) -> Place | None:
        """Label and cells of a turn as it now reads; None if it does not exist or lies outside."""
        turn = self._replay.turns.get(turn_id)
        if turn is None:
            return None
        start, stop = max(0, to_cells(turn.start)), min(self._num_cells, to_cells(turn.end))
        return (self._replay.resolve(turn.speaker), start, stop) if start < stop else None

    def _lane(self, label: str) -> _Lane:
        if label not in self._lanes:
            self._lanes[label] = _Lane(self._num_cells)
        return self._lanes[label]

    def _raise(self, label: str, start: int, stop: int, clock: int) -> None:
        lane = self._lane(label)
        lane.turns[start:stop] += 1
        since = lane.since[start:stop]
        since[since < 0] = clock

    def _move(self, speaker: str, clock: int) -> _Lane:
        """Put a merged speaker's turns on the lane of the id it now goes by; returns the lane left empty."""
        old, new = self._lane(speaker), self._lane(self._replay.resolve(speaker))
        if old is not new:
            new.turns += old.turns
            new.since[(old.turns > 0) & (new.since < 0)] = clock
            old.turns[:] = 0
        return old


def _turns_named(event: Event) -> list[str]:
    match event:
        case Turn():
            return [event.id]
        case Revision():
            return [*dict.fromkeys([*(turn.id for turn in event.turns), *event.removed])]
        case _:
            return []


def _speakers_merged(event: Event) -> list[str]:
    match event:
        case Revision():
            return list(event.merged)
        case SpeakerUpdate(merged_into=str()):
            return [event.speaker]
        case _:
            return []


def _beyond(place: Place | None, other: Place | None) -> Iterator[Place]:
    """The cells of `place` that `other` does not hold under the same label."""
    if place is None:
        return
    label, start, stop = place
    if other is None or other[0] != label:
        yield place
        return
    _, low, high = other
    if start < low:
        yield label, start, min(stop, low)
    if high < stop:
        yield label, max(start, high), stop
