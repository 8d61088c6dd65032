"""Messages that wait for the broker: in memory while it answers, in a file while it does not."""

import logging
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import ConfigError
from .message import Message

logger = logging.getLogger(__name__)

IN_MEMORY = 10_000
_MOST_FILES = 16  # processes that talk to one broker under one prefix
_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL,
    expires REAL
);
CREATE INDEX IF NOT EXISTS provisional ON outbox (expires, id) WHERE expires IS NOT NULL;
"""


class Outbox:
    """A queue in the order of `extend`, that outlives the process where it was `spilled`.

    path: the file; where another process holds it, one beside it. What was left there comes first.
    limit: messages in the file from which on the oldest that expire are let go, and counted in `num_dropped`;
    those that do not expire are kept past any limit. One thread only.
    Raises ConfigError where no file can be made.
    """

    def __init__(self, path: Path, limit: int = 100_000) -> None:
        self.num_dropped = 0
        self._limit = limit
        self._memory: deque[tuple[int, Message]] = deque()
        self.path, self._file = _open(path)
        self._num_stored: int
        last, self._num_stored = self._file.execute("SELECT max(id), count(*) FROM outbox").fetchone()
        self._last = last or 0
        self._is_spilling = False
        self._is_broken = False

    def __len__(self) -> int:
        return self._num_stored + len(self._memory)

    def extend(self, messages: Iterable[Message]) -> None:
        """Let these wait behind all others."""
        for message in messages:
            self._last += 1
            self._memory.append((self._last, message))
        if self._is_spilling or self._num_stored or len(self._memory) > IN_MEMORY:
            self._store()

    def head(self, count: int, now: float) -> list[tuple[int, Message]]:
        """The oldest messages and their numbers, at most `count`; those that expired by `now` are let go."""
        if self._num_stored:
            expired = self._file.execute("DELETE FROM outbox WHERE expires < ?", (now,)).rowcount
            self._num_stored -= expired
            self.num_dropped += expired
            rows = self._file.execute(
                "SELECT id, topic, payload, qos, expires FROM outbox ORDER BY id LIMIT ?", (count,)
            )
            stored = [
                (number, Message(topic, payload, qos, expires=expires))
                for number, topic, payload, qos, expires in rows
            ]
            if stored:
                return stored
        while self._memory and (self._memory[0][1].expires or now) < now:
            self._memory.popleft()
            self.num_dropped += 1
        return [self._memory[i] for i in range(min(count, len(self._memory)))]

    def release(self, number: int) -> None:
        """The message of this number, and all before it, arrived."""
        if self._num_stored:
            self._num_stored -= self._file.execute("DELETE FROM outbox WHERE id <= ?", (number,)).rowcount
        while self._memory and self._memory[0][0] <= number:
            self._memory.popleft()

    def spill(self, spilling: bool) -> None:
        """Whether to keep everything in the file from now on: nobody knows when the broker comes back."""
        self._is_spilling = spilling
        if spilling:
            self._store()

    def close(self) -> None:
        """Leave what still waits in the file."""
        self._store()
        self._file.close()

    def _store(self) -> None:
        """Move what is in memory behind what is in the file; it stays in memory where the disk is full."""
        try:
            with self._file:
                self._file.execute("BEGIN")
                self._file.executemany(
                    "INSERT INTO outbox (id, topic, payload, qos, expires) VALUES (?, ?, ?, ?, ?)",
                    ((number, m.topic, m.payload, m.qos, m.expires) for number, m in self._memory),
                )
        except sqlite3.Error as error:
            if not self._is_broken:
                logger.error("%s: %s; events for the broker wait in memory only", self.path, error)
            self._is_broken = True
            return
        self._is_broken = False
        self._num_stored += len(self._memory)
        self._memory.clear()
        if self._num_stored > self._limit:
            self._let_go(self._num_stored - self._limit)

    def _let_go(self, count: int) -> None:
        dropped = self._file.execute(
            "DELETE FROM outbox WHERE id IN "
            "(SELECT id FROM outbox WHERE expires IS NOT NULL ORDER BY expires, id LIMIT ?)",
            (count,),
        ).rowcount
        self._num_stored -= dropped
        self.num_dropped += dropped


def _open(path: Path) -> tuple[Path, sqlite3.Connection]:
    """The file, or the first beside it that no other process holds; held until it is closed."""
    error: Exception | None = None
    for candidate in _candidates(path):
        try:
            candidate.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(candidate, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as failure:
            raise _no_outbox(path, failure) from failure
        try:
            file.execute("PRAGMA locking_mode = EXCLUSIVE")
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.executescript(_SCHEMA)
            file.execute("PRAGMA user_version = 1")  # a write takes the lock, and exclusive mode keeps it
        except sqlite3.Error as failure:
            file.close()
            error = failure
            if "locked" in str(failure):
                continue
            break
        return candidate, file
    raise _no_outbox(path, error) from error


def _candidates(path: Path) -> Sequence[Path]:
    beside = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, _MOST_FILES + 1))
    return [path, *beside]


def _no_outbox(path: Path, error: Exception | None) -> ConfigError:
    return ConfigError(
        f"{path}: events cannot wait there for the broker: {error}; choose a file with outbox=FILE"
    )
