"""Up to which event the broker has a session, on disk: where to go on after a sudden end."""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ..events import Event
from .message import Source

logger = logging.getLogger(__name__)

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS marks (session TEXT PRIMARY KEY, run TEXT NOT NULL, seq INTEGER NOT NULL)"
)


class Past(NamedTuple):
    """A session that began before this process. began: Unix time. seq: of its newest event."""

    session: str
    began: float
    is_over: bool
    seq: int


class History(Protocol):
    """Where the events of all sessions are kept, those that nobody passed on among them."""

    def sessions(self) -> Sequence[Past]:
        """Those that there are now."""

    def events(self, session: str, last: int, told: int) -> Iterable[Event]:
        """A session's events from its first to that number; for one thread.

        told: up to which those may be left out that say nothing of who speaks and who is who.
        """


class Mark(NamedTuple):
    """run: as in `Room`. seq: of the last event that the broker has, and all before."""

    run: str
    seq: int


class Marks:
    """Marks of sessions that began since they are kept, and were not forgotten. file: where they are kept.

    Where they cannot be written, events are published twice in the end, never lost.
    """

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self._is_broken = False
        file.execute(SCHEMA)
        self._marked = set(self.all())

    def all(self) -> dict[str, Mark]:
        """By session."""
        rows = self._file.execute("SELECT session, run, seq FROM marks")
        return {session: Mark(run, seq) for session, run, seq in rows}

    def begin(self, source: Source) -> None:
        """A session begins, of which the broker has nothing yet."""
        self._marked.add(source.session)
        self._write("INSERT OR REPLACE INTO marks VALUES (?, ?, 0)", [(source.session, source.run)])

    def confirm(self, sources: Iterable[Source]) -> None:
        """The broker has these, in the order in which they were published."""
        newest = {(each.session, each.run): each.seq for each in sources if each.session in self._marked}
        self._write(
            "UPDATE marks SET seq = ? WHERE session = ? AND run = ? AND seq < ?",
            [(seq, session, run, seq) for (session, run), seq in newest.items()],
        )

    def forget(self, sessions: Iterable[str]) -> None:
        """Nothing more is to be said of these."""
        self._write("DELETE FROM marks WHERE session = ?", [(session,) for session in sessions])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            with self._file:
                self._file.execute("BEGIN")
                self._file.executemany(statement, rows)
        except sqlite3.Error as error:
            if not self._is_broken:
                logger.error("what the broker has of sessions cannot be written down: %s", error)
            self._is_broken = True
        else:
            self._is_broken = False
