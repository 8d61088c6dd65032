"""The terminal: a live picture of who speaks, one lane per speaker over the last minute.

The right edge is the newest audio. A turn stands half as high until it is final. What was shown and later
corrected is said in the last line, not hidden.
"""

import math
import time
from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hocket.streaming.events import Event, Revision

from .lanes import Window, axis, clock, lane
from .scene import Scene

SHOWN_SECONDS = 60.0
_LEAST_LANE = 20  # columns; narrower than this a lane says nothing
_LONGEST_NAME = 16
_FRAME_ROWS = 8  # rows that are not lanes: title, who speaks, ruler, its labels, footer, blank ones
_REFRESH_SECONDS = 1 / 12


class SceneView:
    """The picture of a scene, drawn to the width and height of the console it is printed on.

    title: what is heard, a file's or a device's name. Fits 60 columns; speakers that do not fit the height
    are counted below the lanes, those silent for longest first.
    """

    def __init__(self, scene: Scene, title: str) -> None:
        self._scene = scene
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        yield Group(self._header(), Text(), *self._lanes(options.max_width, height), *self._footer())

    def _header(self) -> RenderableType:
        scene = self._scene
        state = Text("ended", "dim") if scene.is_over else Text("● listening", "red")
        header = Table.grid(expand=True, padding=(0, 1))
        header.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        header.add_column(justify="right", no_wrap=True)
        header.add_row(
            Text.assemble(("hocket", "bold"), f"  {self._title}"),
            Text.assemble(state, f"  {clock(scene.now)}"),
        )
        return header

    def _lanes(self, width: int, height: int) -> Iterable[RenderableType]:
        scene = self._scene
        seconds = scene.seconds
        if not seconds:
            yield Text("nobody has spoken yet", "dim")
            yield Text()
            return
        shown = self._most_recent(list(seconds), max(1, height - _FRAME_ROWS))
        spaced = 2 * len(shown) + _FRAME_ROWS <= height
        names = {speaker: scene.name(speaker) for speaker in shown}
        label_width = min(_LONGEST_NAME, max(map(cell_len, names.values())))
        window = Window.ending(scene.now, SHOWN_SECONDS, max(_LEAST_LANE, width - label_width - 18))
        turns = scene.turns_after(window.start)
        gaps = [gap for gap in scene.gaps if gap.end > window.start]
        for speaker in shown:
            yield _line(
                *self._label(speaker, label_width),
                lane(turns.get(speaker, ()), gaps, window, scene.colour(speaker)),
                f"  {clock(math.ceil(seconds[speaker])):>5}",
                (f" {seconds[speaker] / sum(seconds.values()):4.0%}", "dim"),
            )
            if spaced:
                yield Text()
        if len(shown) < len(seconds):
            more = len(seconds) - len(shown)
            yield _line((f"  and {more} more, silent for longer", "dim"))
        for row in axis(window).split("\n"):
            yield _line(" " * (label_width + 4), row)
        yield Text()

    def _label(self, speaker: str, width: int) -> list[tuple[str, str]]:
        """What stands before a lane: a dot for who speaks, the name cut or filled to `width` columns."""
        speaks = speaker in self._scene.speaking
        colour = self._scene.colour(speaker)
        name = self._scene.name(speaker)
        if cell_len(name) > width:
            name = set_cell_size(name, width - 1) + "…"
        style = f"{colour} bold" if speaks else colour
        return [("● " if speaks else "  ", colour), (f"{set_cell_size(name, width)}  ", style)]

    def _most_recent(self, speakers: list[str], most: int) -> list[str]:
        """At most so many speakers, those heard last, in the order they came in."""
        if len(speakers) <= most:
            return speakers
        scene = self._scene
        heard: dict[str, float] = dict.fromkeys(speakers, 0.0)
        for turn in scene.replay.turns.values():
            speaker = scene.replay.resolve(turn.speaker)
            heard[speaker] = max(heard[speaker], turn.end)
        kept = set(sorted(speakers, key=heard.__getitem__)[len(speakers) - most :])
        return [speaker for speaker in speakers if speaker in kept]

    def _footer(self) -> Iterable[RenderableType]:
        scene = self._scene
        speaking = [Text(scene.name(who), f"{scene.colour(who)} bold") for who in scene.speaking]
        now = _line(("now  ", "dim"), Text(" + ").join(speaking or [Text("nobody", "dim")]))
        status = Text(justify="right", no_wrap=True)
        if scene.status is not None:
            status.append(f"lag {scene.status.lag:.1f} s  rtf {scene.status.rtf:.2f}", "dim")
            if scene.status.dropped > 0:
                status.append(f"  {scene.status.dropped:.1f} s lost", "red")
        footer = Table.grid(expand=True, padding=(0, 1))
        footer.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        footer.add_column(justify="right", no_wrap=True)
        footer.add_row(now, status)
        yield footer
        if scene.last_revision is not None:
            yield self._corrections(scene.last_revision)

    def _corrections(self, last: Revision) -> Text:
        scene = self._scene
        what = [_counted(scene.corrected, "turn corrected", "turns corrected")]
        what.append(_counted(len(scene.replay.aliases), "speaker merged", "speakers merged"))
        line = f"{', '.join(filter(None, what))}, last at {clock(last.at)}"
        if last.merged:
            line += ": " + ", ".join(f"{old} is {scene.name(new)}" for old, new in last.merged.items())
        return _line((line, "italic"))


class LiveTerminal:
    """Draws the session on a terminal as it goes on; the last picture stays when it closes.

    Redrawn when events arrive, at most twelve times a second: a heartbeat (`status`) keeps it moving through
    silence.
    """

    name = "terminal"

    def __init__(self, console: Console, title: str) -> None:
        self._scene = Scene()
        self._live = Live(SceneView(self._scene, title), console=console, auto_refresh=False)
        self._due = 0.0

    def write(self, event: Event) -> None:
        self._scene.add(event)
        self._live.start()
        if time.monotonic() >= self._due:
            self._live.refresh()
            self._due = time.monotonic() + _REFRESH_SECONDS

    def close(self) -> None:
        if self._live.is_started:
            self._live.refresh()
            self._live.stop()


def _line(*parts: str | tuple[str, str] | Text) -> Text:
    """One row of text, cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _counted(count: int, one: str, many: str) -> str:
    """1 turn, 2 turns; nothing for none."""
    return f"{count} {one if count == 1 else many}" if count else ""
