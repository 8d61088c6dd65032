"""What a person sees of a session: live picture or plain lines, a progress bar, a table at the end."""

from rich.console import Console

from hocket.streaming.files import TextStream
from hocket.streaming.sinks.base import Sink
from hocket.streaming.sinks.caption_lines import CaptionLines
from hocket.streaming.sinks.caption_view import LiveCaptions
from hocket.streaming.sinks.plain import PlainLines
from hocket.streaming.sinks.summary import SummaryTable
from hocket.streaming.sinks.terminal import LiveTerminal
from hocket.streaming.sources.base import Source

from .progress import ProgressBar


def live_views(title: str, stdout: TextStream | None) -> list[Sink]:
    """A live picture where standard output is a terminal, else plain lines to `stdout`.

    stdout: None when it carries data; then the picture goes to standard error, or nowhere.
    """
    console = Console(stderr=stdout is None)
    if console.is_terminal:
        return [LiveTerminal(console, title)]
    return [] if stdout is None else [PlainLines(stdout)]


def caption_views(source: Source, title: str, stdout: TextStream | None) -> list[Sink]:
    """Captions as they are said where a live session has a terminal, else a bar where there is one.

    stdout: None when it carries data; a live session without a terminal gets plain lines there.
    """
    if not source.live:
        bar = progress_bar(title, None if source.num_samples is None else source.num_samples / source.rate_hz)
        return [bar] if bar else []
    console = Console(stderr=stdout is None)
    if console.is_terminal:
        return [LiveCaptions(console, title)]
    return [] if stdout is None else [CaptionLines(stdout)]


def progress_bar(title: str, duration: float | None) -> ProgressBar | None:
    """A progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    return ProgressBar(console, title, duration) if console.is_terminal else None


def summary_views(title: str) -> list[Sink]:
    """The table at the end on standard error, where that is a terminal."""
    console = Console(stderr=True)
    return [SummaryTable(console, title)] if console.is_terminal else []
