"""The terminal: who says what, as it is said; what is understood or attributed better is put right in place.

Words that may still change are faint. Below the captions: who speaks now, and how far the session lags.
"""

import time

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.events import Caption, Event

from .lanes import clock
from .scene import Scene

_REFRESH_SECONDS = 1 / 12
_FRAME_ROWS = 5  # title, blank ones, who speaks, and one spare, so that the picture never scrolls
_MOST_SHOWN = 60  # captions: more than any screen is high
_LONGEST_NAME = 16
_NOBODY = "?"


class CaptionView:
    """The last captions, as many as the console is high for.

    title: what is heard, a file's or a device's name.
    """

    def __init__(self, scene: Scene, shown: ShownCaptions, title: str) -> None:
        self._scene = scene
        self._shown = shown
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = max(1, (options.height or console.height) - _FRAME_ROWS)
        lines = self._lines(console, options.max_width, height)
        yield Group(self._header(), Text(), *lines, Text(), self._footer())

    def _lines(self, console: Console, width: int, height: int) -> list[Text]:
        """The last lines: when and who, and beside it what they say; below it where there is little room."""
        rows = self._rows()
        column = max((head.cell_len for head, _ in rows), default=0) + 2
        is_narrow = width < 3 * column
        column = 2 if is_narrow else column
        wrapped = [(head, line) for head, said in rows for line in said.wrap(console, max(1, width - column))]
        lines: list[Text] = []
        last: Text | None = None
        for head, line in wrapped[-height:]:
            margin = Text()
            if head is not last and is_narrow:
                lines.append(head)
            elif head is not last:
                margin = head.copy()
            margin.pad_right(column - margin.cell_len)
            lines.append(margin + line)
            last = head
        return lines[-height:]

    def _rows(self) -> list[tuple[Text, Text]]:
        """What each speaker says in a row: when and who; what."""
        captions = sorted(self._shown.captions.values(), key=lambda caption: (caption.start, caption.id))
        rows: list[tuple[Text, Text]] = []
        last: str | None = None
        for caption in captions[-_MOST_SHOWN:]:
            who = self._scene.name(caption.speaker) if caption.speaker is not None else _NOBODY
            if not rows or who != last:
                rows.append((self._head(caption, who), Text()))
            said = rows[-1][1]
            words = " ".join(caption.text.split())
            said.append(f" {words}" if said else words, "" if caption.state == "final" else "dim")
            last = who
        return rows

    def _head(self, caption: Caption, who: str) -> Text:
        colour = self._scene.colour(caption.speaker) if caption.speaker is not None else "dim"
        return Text.assemble((f"{clock(caption.start)}  ", "dim"), (who[:_LONGEST_NAME], f"{colour} bold"))

    def _header(self) -> RenderableType:
        state = Text("ended", "dim") if self._scene.is_over else Text("● listening", "red")
        title = Text.assemble(("hocket captions", "bold"), f"  {self._title}")
        return _both_sides(title, Text.assemble(state, f"  {clock(self._scene.now)}"))

    def _footer(self) -> RenderableType:
        scene = self._scene
        speaking = [Text(scene.name(who), f"{scene.colour(who)} bold") for who in scene.speaking]
        now = Text.assemble(("now  ", "dim"), Text(" + ").join(speaking or [Text("nobody", "dim")]))
        lag = f"lag {scene.status.lag:.1f} s" if scene.status is not None else ""
        return _both_sides(now, Text(lag, "dim"))


class LiveCaptions:
    """Draws captions on a terminal as the session goes on; the last picture stays when it closes."""

    name = "captions on the terminal"

    def __init__(self, console: Console, title: str) -> None:
        self._scene = Scene()
        self._shown = ShownCaptions()
        view = CaptionView(self._scene, self._shown, title)
        self._live = Live(view, console=console, auto_refresh=False)
        self._due = 0.0

    def write(self, event: Event) -> None:
        self._scene.add(event)
        self._shown.add(event)
        self._forget()
        self._live.start()
        if time.monotonic() >= self._due:
            self._live.refresh()
            self._due = time.monotonic() + _REFRESH_SECONDS

    def close(self) -> None:
        if self._live.is_started:
            self._live.refresh()
            self._live.stop()

    def _forget(self) -> None:
        """Let go of captions long scrolled away."""
        captions = self._shown.captions
        if len(captions) > 2 * _MOST_SHOWN:
            kept = sorted(captions.values(), key=lambda caption: caption.start)[-_MOST_SHOWN:]
            self._shown.captions = {caption.id: caption for caption in kept}


def _both_sides(left: Text, right: Text) -> Table:
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(left, right)
    return row
