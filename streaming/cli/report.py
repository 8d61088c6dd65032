"""What the commands say to people: on standard error, since standard output is for data.

Written to sys.stderr as it is at the moment: a live picture puts itself there, and lets lines pass above it.
"""

import logging
import sys

import typer


def say(message: str) -> None:
    """A remark."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def fail(message: str) -> None:
    """What went wrong, as `error: …`."""
    _tell("error:", typer.colors.RED, message)


def warn(message: str) -> None:
    """What a person should know, as `warning: …`."""
    _tell("warning:", typer.colors.YELLOW, message)


class LogToPeople(logging.Handler):
    """Says what hocket logs, from warnings up, as `fail` and `warn` do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        (fail if record.levelno >= logging.ERROR else warn)(record.getMessage())


def _tell(kind: str, colour: str, message: str) -> None:
    say(f"{typer.style(kind, fg=colour, bold=True) if sys.stderr.isatty() else kind} {message}")
