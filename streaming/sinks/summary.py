"""Who spoke how much: the table at the end."""

from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hocket.streaming.events import Event
from hocket.streaming.grid import seconds, to_cells
from hocket.streaming.metrics import Lanes

from .lanes import clock
from .scene import Scene


@dataclass(frozen=True)
class SpeakerSummary:
    """One speaker's part, in seconds.

    colour: as the session's other pictures have it, "#rrggbb".
    share: of all speaking time, so that shares add up to 1. overlap: while somebody else spoke as well.
    longest: the longest turn.
    """

    speaker: str
    name: str
    colour: str
    speaking: float
    share: float
    turns: int
    overlap: float
    longest: float


@dataclass(frozen=True)
class Summary:
    """A session in figures: speakers in the order they were first shown, and seconds in all.

    speech: while anybody spoke. overlap: while two or more did. corrected: changes to final turns.
    """

    speakers: tuple[SpeakerSummary, ...]
    duration: float
    speech: float
    overlap: float
    corrected: int


def summarize(scene: Scene) -> Summary:
    """The figures of what the session says now."""
    annotation = scene.replay.annotation()
    lanes = Lanes.of(annotation, to_cells(max([scene.now, *(turn.end for turn in annotation)])))
    active = lanes.num_active
    spoken = {label: int(np.count_nonzero(lane)) for label, lane in zip(lanes.labels, lanes.cells)}
    total = max(1, sum(spoken.values()))
    rows = []
    for speaker in scene.speakers:
        turns = [turn for turn in annotation if turn.speaker == speaker]
        together = np.count_nonzero(lanes.cells[lanes.labels.index(speaker)] & (active > 1))
        rows.append(
            SpeakerSummary(
                speaker=speaker,
                name=scene.name(speaker),
                colour=scene.colour(speaker),
                speaking=seconds(spoken[speaker]),
                share=spoken[speaker] / total,
                turns=len(turns),
                overlap=seconds(int(together)),
                longest=max(turn.end - turn.start for turn in turns),
            )
        )
    return Summary(
        speakers=tuple(rows),
        duration=scene.now,
        speech=seconds(int(np.count_nonzero(active))),
        overlap=seconds(int(np.count_nonzero(active > 1))),
        corrected=scene.corrected,
    )


def summary_view(summary: Summary, title: str) -> RenderableType:
    """The figures to print: a table with a row per speaker, and a line about the whole."""
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("speaker", no_wrap=True)
    for heading in ("speaking", "share", "turns", "overlap", "longest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.speakers:
        table.add_row(
            Text(row.name, f"{row.colour} bold"),
            _duration(row.speaking),
            f"{row.share:.0%}",
            str(row.turns),
            _duration(row.overlap),
            _duration(row.longest),
        )
    return Group(table, Text(_whole(summary)))


class SummaryTable:
    """Prints the table when the session closes, unless nothing was heard."""

    name = "summary"

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._scene = Scene()

    def write(self, event: Event) -> None:
        self._scene.add(event)

    def close(self) -> None:
        if self._scene.now > 0:
            self._console.print(summary_view(summarize(self._scene), self._title))


def _whole(summary: Summary) -> str:
    count = len(summary.speakers)
    parts = [
        f"{count} speaker" if count == 1 else f"{count} speakers",
        f"{clock(summary.duration)} heard",
        f"{_duration(summary.speech)} of speech",
        f"{_duration(summary.overlap)} of it overlapping",
    ]
    if summary.corrected:
        parts.append(f"{summary.corrected} corrected")
    return ", ".join(parts)


def _duration(length: float) -> str:
    """0.4 s, 59.9 s, 1:02, 1:02:03."""
    return f"{length:.1f} s" if length < 59.95 else clock(round(length))
