"""What the commands say to people: on standard error, since standard output is for data."""

import logging

import typer


def say(message: str) -> None:
    """A remark."""
    typer.echo(message, err=True)


def fail(message: str) -> None:
    """What went wrong, as `error: …`."""
    _tell("error", "red", message)


def warn(message: str) -> None:
    """What a person should know, as `warning: …`."""
    _tell("warning", "yellow", message)


class LogToPeople(logging.Handler):
    """Says what hocket logs, from warnings up, as `fail` and `warn` do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        (fail if record.levelno >= logging.ERROR else warn)(record.getMessage())


def _tell(kind: str, colour: str, message: str) -> None:
    say(typer.style(f"{kind}:", fg=colour, bold=True) + f" {message}")
