"""A picture of the whole timeline: a lane per speaker, overlap shaded, a reference beneath if given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hocket.streaming.errors import ConfigError, MissingDependency
from hocket.streaming.events import Event
from hocket.streaming.grid import seconds, to_cells
from hocket.streaming.metrics import Lanes, best_map, runs
from hocket.streaming.replay import Segment

from .lanes import clock
from .scene import Scene

SUFFIXES = (".svg", ".png", ".pdf")
_UNMATCHED = "#9a9a9a"
_BAR_HEIGHT = 0.72
_LANE_INCHES = 0.34
_SECONDS_PER_INCH = 12.0
_WIDTH_INCHES = (9.0, 18.0)
_TICK_INCHES = 0.8
_TICK_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


class TimelinePlot:
    """Draws the picture when the session closes; the kind of file follows from its name.

    reference: the true turns, drawn beneath in the colours of the speakers that they match best.
    Raises ConfigError for a name that is no picture's and MissingDependency without matplotlib: on
    construction, before anything was heard. Raises OSError when closed.
    """

    name = "plot"

    def __init__(self, path: Path, title: str, reference: Sequence[Segment] = ()) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"plot {str(path)!r}: expected a name that ends in {', '.join(SUFFIXES)}")
        _matplotlib()
        self._path = path
        self._title = title
        self._reference = reference
        self._scene = Scene()

    def write(self, event: Event) -> None:
        self._scene.add(event)

    def close(self) -> None:
        scene = self._scene
        rows = [Row(speaker, scene.name(speaker), scene.colour(speaker)) for speaker in scene.speakers]
        plot_timeline(
            self._path,
            scene.replay.annotation(),
            rows,
            duration=scene.now,
            title=self._title,
            reference=self._reference,
            gaps=[(gap.start, gap.end) for gap in scene.gaps],
        )


@dataclass(frozen=True)
class Row:
    """A lane of the picture: whose turns, what it is called, "#rrggbb"."""

    speaker: str
    label: str
    colour: str


def plot_timeline(
    path: Path,
    annotation: Sequence[Segment],
    rows: Sequence[Row],
    *,
    duration: float,
    title: str,
    reference: Sequence[Segment] = (),
    gaps: Iterable[tuple[float, float]] = (),
) -> None:
    """Draw turns in lanes, top down, to an .svg, .png or .pdf.

    duration: seconds that the axis spans at least. Raises MissingDependency without matplotlib, OSError when
    the file cannot be written.
    """
    end = max([duration, 1.0, *(segment.end for segment in [*annotation, *reference])])
    truth = _reference_rows(reference, annotation, rows, end)
    num_lanes = max(1, len(rows) + (1 + len(truth) if truth else 0))
    width = float(np.clip(end / _SECONDS_PER_INCH, *_WIDTH_INCHES))
    figure = _matplotlib().figure.Figure(
        figsize=(width, 1.1 + _LANE_INCHES * num_lanes), layout="constrained"
    )
    axes = figure.add_subplot()
    for start, stop in _overlaps(annotation, end):
        axes.axvspan(start, stop, color="#000000", alpha=0.08, linewidth=0)
    for start, stop in gaps:
        axes.axvspan(start, stop, facecolor="none", edgecolor=_UNMATCHED, hatch="///", linewidth=0)
    labels = [""] * num_lanes
    for place, row in enumerate(rows):
        labels[place] = row.label
        _bars(axes, place, annotation, row)
    if truth:
        labels[len(rows)] = "reference:"
    for place, row in enumerate(truth, start=len(rows) + 1):
        labels[place] = row.label
        _bars(axes, place, reference, row, strength=0.5)
    axes.set_yticks(range(num_lanes), labels)
    ticks = _ticks(end, width)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])
    axes.set(xlim=(0, end), ylim=(num_lanes - 0.4, -0.6))
    axes.set_title(title, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    # No date and no random ids: the same session gives the same file.
    with _matplotlib().rc_context({"svg.hashsalt": "hocket"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _bars(axes: Any, place: int, segments: Iterable[Segment], row: Row, strength: float = 1.0) -> None:
    """The turns of one row; `strength` below 1 mixes its colour with white."""
    spans = [(turn.start, turn.end - turn.start) for turn in segments if turn.speaker == row.speaker]
    band = (place - _BAR_HEIGHT / 2, _BAR_HEIGHT)
    colour = [1 - strength * (1 - int(row.colour[at : at + 2], 16) / 255) for at in (1, 3, 5)]
    axes.broken_barh(spans, band, color=colour, linewidth=0)


def _reference_rows(
    reference: Sequence[Segment], annotation: Sequence[Segment], rows: Sequence[Row], end: float
) -> list[Row]:
    """Reference speakers as rows: those that match a row first and in its colour, then the rest in grey."""
    if not reference:
        return []
    num_cells = to_cells(end)
    truth, said = Lanes.of(reference, num_cells), Lanes.of(annotation, num_cells)
    match = best_map(truth, said, np.ones(num_cells, np.bool_))
    colours = {row.speaker: row.colour for row in rows}
    order = {row.speaker: place for place, row in enumerate(rows)}
    labels = sorted(truth.labels, key=lambda label: order.get(match.get(label, ""), len(rows)))
    return [Row(label, label, colours.get(match.get(label, ""), _UNMATCHED)) for label in labels]


def _overlaps(annotation: Sequence[Segment], end: float) -> list[tuple[float, float]]:
    """Stretches in which two or more speak."""
    lanes = Lanes.of(annotation, to_cells(end))
    return [(seconds(start), seconds(stop)) for start, stop in runs(lanes.num_active > 1)]


def _ticks(end: float, width: float) -> list[int]:
    spacing = end / (width / _TICK_INCHES)
    step = next((step for step in _TICK_SECONDS if step >= spacing), _TICK_SECONDS[-1])
    return list(range(0, int(end) + 1, step))


def _matplotlib() -> Any:
    """matplotlib, with the part that draws without a window system."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingDependency("timeline pictures need matplotlib: pip install 'hocket[plot]'") from error
    return matplotlib
