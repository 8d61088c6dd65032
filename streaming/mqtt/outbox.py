"""Messages that wait for the broker: in memory while it answers, in a file while it does not."""

import logging
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from .marks import Marks
from .message import Message, Source

logger = logging.getLogger(__name__)

IN_MEMORY = 10_000
READ_AHEAD = 500
_COLUMNS = "topic, payload, qos, expires, session, run, seq"
_MOST_FILES = 16  # processes that talk to one broker under one prefix
_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL,
    expires REAL, session TEXT, run TEXT, seq INTEGER
);
CREATE INDEX IF NOT EXISTS provisional ON outbox (expires, id) WHERE expires IS NOT NULL;
"""


class _Entry(NamedTuple):
    number: int
    message: Message
    is_stored: bool  # in the file


class Outbox:
    """A queue in the order of `extend`, that outlives the process where it was `spilled`.

    Messages are taken from its front and stay here until they arrived, or are put back.

    path: the file; where another process holds it, one beside it. What was left there comes first.
    limit: messages in the file from which on the oldest that expire are let go, and counted in `num_dropped`;
    those that do not expire are kept past any limit. marks: kept beside it, of what arrived. One thread only.
    Raises ConfigError where no file can be made.
    """

    def __init__(self, path: Path, limit: int = 100_000) -> None:
        self.num_dropped = 0
        self._limit = limit
        self._memory: deque[_Entry] = deque()  # waits, and is not in the file
        self._ahead: deque[_Entry] = deque()  # waits, and was read from the file, where it still is
        self._taken: deque[_Entry] = deque()
        self.path, self._file = _open(path)
        self.marks = Marks(self._file)
        self._num_stored: int
        last, self._num_stored = self._file.execute("SELECT max(id), count(*) FROM outbox").fetchone()
        self._last = last or 0
        self._read_to = 0  # number up to which the file was read
        self._num_unread = self._num_stored
        self._is_spilling = False
        self._is_broken = False

    def __len__(self) -> int:
        """Messages that did not arrive, taken ones among them."""
        return self._num_stored + len(self._memory) + sum(not each.is_stored for each in self._taken)

    def extend(self, messages: Iterable[Message]) -> None:
        """Let these wait behind all others."""
        for message in messages:
            self._last += 1
            self._memory.append(_Entry(self._last, message, is_stored=False))
        if self._is_spilling or len(self._memory) > IN_MEMORY:
            self._store()

    def take(self, count: int, now: float) -> list[Message]:
        """The oldest that were not taken yet, at most `count`; those that expired by `now` are let go."""
        first = len(self._taken)
        while len(self._taken) < first + count and (queue := self._next(now)):
            entry = queue.popleft()
            if entry.is_stored or (entry.message.expires or now) >= now:
                self._taken.append(entry)
            else:
                self.num_dropped += 1
        return [entry.message for entry in islice(self._taken, first, None)]

    def arrived(self, count: int) -> None:
        """The first `count` of those that were taken are where they should be."""
        entries = [self._taken.popleft() for _ in range(count)]
        stored = [entry.number for entry in entries if entry.is_stored]
        if stored:
            done = self._file.execute("DELETE FROM outbox WHERE id BETWEEN ? AND ?", (stored[0], stored[-1]))
            self._num_stored -= done.rowcount
        self.marks.confirm(entry.message.source for entry in entries if entry.message.source is not None)

    def forget(self, sessions: Iterable[str]) -> None:
        """Let go of what was left there of these: it comes anew."""
        for session in sessions:
            gone = self._file.execute("DELETE FROM outbox WHERE session = ?", (session,)).rowcount
            self._num_stored -= gone
            self._num_unread -= gone

    def put_back(self) -> None:
        """Nothing that was taken arrived: it is the front again."""
        self._memory.extendleft(entry for entry in reversed(self._taken) if not entry.is_stored)
        self._taken.clear()
        self._ahead.clear()
        self._read_to, self._num_unread = 0, self._num_stored

    def spill(self, spilling: bool) -> None:
        """Whether to keep everything in the file from now on: nobody knows when the broker comes back."""
        self._is_spilling = spilling
        if spilling:
            self._store()

    def close(self) -> None:
        """Leave what did not arrive in the file."""
        self.put_back()
        self._store()
        self._file.close()

    def _next(self, now: float) -> "deque[_Entry]":
        """Where the oldest message is that waits; empty if none does."""
        if self._num_unread and not self._ahead:
            self._read_ahead(now)
        if not self._ahead or (self._memory and self._memory[0].number < self._ahead[0].number):
            return self._memory
        return self._ahead

    def _read_ahead(self, now: float) -> None:
        expired = self._file.execute(
            "DELETE FROM outbox WHERE expires < ? AND id > ?", (now, self._read_to)
        ).rowcount
        self._num_stored -= expired
        self._num_unread -= expired
        self.num_dropped += expired
        rows = self._file.execute(
            f"SELECT id, {_COLUMNS} FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (self._read_to, READ_AHEAD)
        )
        for number, topic, payload, qos, expires, *told in rows:
            source = Source(*told) if told[0] is not None else None
            message = Message(topic, payload, qos, expires=expires, source=source)
            self._ahead.append(_Entry(number, message, is_stored=True))
        self._num_unread -= len(self._ahead)
        if self._ahead:
            self._read_to = self._ahead[-1].number

    def _store(self) -> None:
        """Move what is in memory into the file, but for what comes before all that was read from there.

        Everything stays in memory where the disk is full.
        """
        moving = [entry for entry in self._memory if entry.number > self._read_to]
        try:
            with self._file:
                self._file.execute("BEGIN")
                self._file.executemany(
                    f"INSERT INTO outbox (id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        (number, m.topic, m.payload, m.qos, m.expires, *(m.source or (None, None, None)))
                        for number, m, _ in moving
                    ),
                )
        except sqlite3.Error as error:
            if not self._is_broken:
                logger.error("%s: %s; events for the broker wait in memory only", self.path, error)
            self._is_broken = True
            return
        self._is_broken = False
        self._num_stored += len(moving)
        self._num_unread += len(moving)
        for _ in moving:
            self._memory.pop()
        if self._num_stored > self._limit:
            self._let_go(self._num_stored - self._limit)

    def _let_go(self, count: int) -> None:
        dropped = self._file.execute(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox "
            "WHERE expires IS NOT NULL AND id > ? ORDER BY expires, id LIMIT ?)",
            (self._read_to, count),
        ).rowcount
        self._num_stored -= dropped
        self._num_unread -= dropped
        self.num_dropped += dropped


def _open(path: Path) -> tuple[Path, sqlite3.Connection]:
    """The file, or the first beside it that no other process holds; held until it is closed."""
    error: Exception | None = None
    for candidate in _candidates(path):
        try:
            candidate.parent.mkdir(parents=True, exist_ok=True)
            candidate.touch(mode=0o600)  # it may hold names
            file = sqlite3.connect(candidate, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as failure:
            raise _no_outbox(path, failure) from failure
        try:
            file.execute("PRAGMA locking_mode = EXCLUSIVE")
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            _prepare(file)
        except sqlite3.Error as failure:
            file.close()
            error = failure
            if "locked" in str(failure):
                continue
            break
        return candidate, file
    raise _no_outbox(path, error) from error


def _prepare(file: sqlite3.Connection) -> None:
    file.executescript(_SCHEMA)
    [version] = file.execute("PRAGMA user_version").fetchone()
    if version == 1:
        for column in ("session TEXT", "run TEXT", "seq INTEGER"):
            file.execute(f"ALTER TABLE outbox ADD COLUMN {column}")
    file.execute("PRAGMA user_version = 2")  # a write takes the lock, and exclusive mode keeps it


def _candidates(path: Path) -> Sequence[Path]:
    beside = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, _MOST_FILES + 1))
    return [path, *beside]


def _no_outbox(path: Path, error: Exception | None) -> ConfigError:
    return ConfigError(
        f"{path}: events cannot wait there for the broker: {error}; choose a file with outbox=FILE"
    )
