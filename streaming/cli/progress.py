"""How far a command has come: a progress bar on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hocket.streaming.events import Event
from hocket.streaming.sinks.lanes import clock

from .report import say


class ProgressBar:
    """A sink that shows the session's clock against `duration` seconds, None where nobody knows."""

    name = "progress"

    def __init__(self, console: Console, title: str, duration: float | None) -> None:
        self._duration = duration
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[heard]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(title, total=duration, heard="")

    def write(self, event: Event) -> None:
        self._progress.start()
        whole = f" of {clock(self._duration)}" if self._duration is not None else ""
        self._progress.update(self._task, completed=event.at, heard=f"{clock(event.at)}{whole}")

    def close(self) -> None:
        self._progress.stop()


@contextmanager
def counted(total: int, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A bar on standard error, called with what was done; lines where that is no terminal, unless quiet."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield (lambda done: None) if quiet else say
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, advance=1, description=done)
