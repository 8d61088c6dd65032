"""What a server does, line by line on standard error: for people, or a JSON object a line for machines.

    {"time": "2026-11-23T14:08:00.123Z", "level": "info", "event": "session.ended", "message": "session monday
     ends", "session": "monday", "reason": "end", "seconds": 61.5}

Who logs says which fields there are, with `extra`. Of an exception there is its type and where it was raised,
not what it says: that may quote what somebody said.
"""

import contextlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hocket.streaming.errors import HocketError

from .report import say

FIELDS = ("session", "peer", "code", "reason", "seconds", "address")
DEEPEST = 20  # frames of a traceback, the innermost


@contextlib.contextmanager
def logged(kind: str) -> Iterator[None]:
    """While the context lasts, what hocket logs is written.

    kind: `text`; or `json`, and then nothing else is on standard error: what others warn of is logged, and so
    is an error that ends the context, with exit code 1.
    """
    hocket, root = logging.getLogger("hocket"), logging.getLogger()
    before, others = hocket.level, hocket.handlers
    hocket.setLevel(logging.INFO)
    if kind == "text":
        hocket.handlers = [*others, _ForPeople()]
    else:
        hocket.handlers, handler = [], _ForMachines()
        root.addHandler(handler)
        logging.captureWarnings(True)
    try:
        yield
    except (HocketError, OSError) as error:
        if kind == "text":
            raise
        hocket.critical("%s", error, extra={"event": "failed"})
        raise SystemExit(1) from None
    finally:
        hocket.handlers = others
        hocket.setLevel(before)
        if kind != "text":
            logging.captureWarnings(False)
            root.removeHandler(handler)


class _ForPeople(logging.Handler):
    """What is below a warning; `LogToPeople` has the rest."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.addFilter(lambda record: record.levelno < logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


class _ForMachines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{json.dumps(as_object(record))}\n")
        sys.stderr.flush()


def as_object(record: logging.LogRecord) -> dict[str, Any]:
    """A log record as JSON has it: time, level, message, and whatever else is known of it."""
    seconds, fraction = divmod(record.created, 1)
    told: dict[str, Any] = {
        "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(1000 * fraction):03}Z",
        "level": record.levelname.lower(),
        "event": getattr(record, "event", record.name.rpartition(".")[2]),
        "message": record.getMessage(),
    }
    told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
    if record.exc_info is not None and (error := record.exc_info[1]) is not None:
        told["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
        told["where"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return told
