"""One session from the command line: Ctrl-C ends it cleanly, and what was heard is kept."""

import asyncio
import signal
from collections.abc import Sequence

from hocket.streaming.commands import Commands
from hocket.streaming.sinks.base import Sink
from hocket.streaming.sources.base import Source
from hocket.streaming.stream import Engine, StreamReport, stream

STATUS_SECONDS = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def hear(
    source: Source, diarizer: Engine, sinks: Sequence[Sink], commands: Commands | None = None
) -> StreamReport:
    """Run a session to its end, or to the first SIGINT or SIGTERM; the second gives up at once.

    Raises what `stream` raises, and KeyboardInterrupt when given up.
    """
    session = stream(
        source, diarizer, sinks, status_every=STATUS_SECONDS, stop_on=_SIGNALS, commands=commands
    )
    try:
        return asyncio.run(session)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def exit_code(report: StreamReport) -> int:
    """How the program should end after this session: 0; 1 when an output failed; 130 after Ctrl-C."""
    if report.reason in signal.Signals.__members__:
        return 128 + signal.Signals[report.reason]
    return 1 if report.failures else 0
