"""How far a command has come: a progress bar on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hocket.streaming.events import Event
from hocket.streaming.sinks.lanes import clock

from .report import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hocket.streaming.stream import Engine


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
        self.show(event.at)

    def show(self, heard: float) -> None:
        """So many seconds were heard."""
        self._progress.start()
        whole = f" of {clock(self._duration)}" if self._duration is not None else ""
        self._progress.update(self._task, completed=heard, heard=f"{clock(heard)}{whole}")

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


class Watched:
    """An engine that may say nothing for long; the bar shows how far it has heard."""

    def __init__(self, engine: "Engine", bar: ProgressBar) -> None:
        self._engine = engine
        self._bar = bar
        self._num_samples = 0

    @property
    def rate(self) -> int:
        return self._engine.rate

    def push(self, samples: "NDArray[np.float32]") -> list[Event]:
        events = self._engine.push(samples)
        self._heard(len(samples))
        return events

    def gap(self, num_samples: int, reason: str) -> list[Event]:
        events = self._engine.gap(num_samples, reason)
        self._heard(num_samples)
        return events

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event:
        return self._engine.status(lag=lag, rtf=rtf, dropped=dropped)

    def finish(self, reason: str = "end") -> list[Event]:
        return self._engine.finish(reason)

    def _heard(self, num_samples: int) -> None:
        self._num_samples += num_samples
        self._bar.show(self._num_samples / self.rate)
