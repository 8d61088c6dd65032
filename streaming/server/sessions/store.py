"""Sessions on disk: events before anybody sees them, and what it takes to go on after a crash.

One SQLite file in write-ahead mode. A step of a session is one transaction: what it was given, what it said,
and now and then a snapshot, after which the inputs before it are forgotten. So a killed process leaves a
snapshot, the inputs since, and exactly the events that those inputs gave. A commit survives the death of the
process; whether it survives a power failure is the file system's word (`synchronous=NORMAL`).
"""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hocket.streaming.errors import StoreError, UnknownSession
from hocket.streaming.events import Event

from .inputs import Absence, Input, Sound, read_input, write_input

DATABASE, LOCK = "sessions.db", "lock.db"
SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, token BLOB NOT NULL, declared TEXT NOT NULL, created REAL NOT NULL, ended REAL,
    sample INTEGER NOT NULL, seconds REAL NOT NULL, seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE events (
    session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, seq INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    session TEXT PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    seq INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE TABLE inputs (
    number INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    kind TEXT NOT NULL, content BLOB NOT NULL
);
CREATE INDEX inputs_of ON inputs (session);
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """A session as the store knows it.

    token: SHA-256 of what resumes it. declared: how its audio comes, as JSON. created, ended: seconds since
    1970; None while it goes on. sample: of the source, up to which all is stored. seconds: heard. seq: of
    the newest event.
    """

    id: str
    token: bytes
    declared: str
    created: float
    ended: float | None
    sample: int
    seconds: float
    seq: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction adds to a session.

    sample, seconds: as in `Listing`, afterwards. snapshot: of the session after this step; the inputs so far
    are then forgotten.
    """

    session: str
    inputs: Sequence[Input]
    events: Sequence[Event]
    sample: int
    seconds: float
    snapshot: bytes | None = None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What a session goes on from: a snapshot, the number of the last event before it, the inputs since."""

    snapshot: bytes
    seq: int
    inputs: list[Input] = field(default_factory=list)

    @property
    def num_samples(self) -> int:
        """That the inputs hold, at the engine's rate, lost ones among them."""
        lengths = (
            len(given.samples) if isinstance(given, Sound) else given.num_samples
            for given in self.inputs
            if isinstance(given, Sound | Absence)
        )
        return sum(lengths)


class Store:
    """The sessions in a folder, which is made if need be and readable to its owner only.

    Threads take turns to write; other processes may read and delete beside it.
    Raises StoreError for a file that is no such store, is damaged, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}") from error
        self._turn = threading.Lock()
        with self._explained():
            self._db = _connect(self.path)
            self._prepare()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _prepare(self) -> None:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0 and not self._db.execute("SELECT name FROM sqlite_schema").fetchall():
            self.path.chmod(0o600)
            self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
        elif version != SCHEMA_VERSION:
            raise StoreError(f"{self.path} is of version {version}: expected {SCHEMA_VERSION}")

    # Writing

    def create(
        self, session: str, token: bytes, declared: str, snapshot: bytes, events: Sequence[Event]
    ) -> None:
        """A new session, with its first events, in the place of an empty one.

        Raises StoreError where one of that name exists.
        """
        with self._transaction():
            self._db.execute(f"DELETE FROM sessions WHERE id = ? AND {_EMPTY}", (session,))
            if self._db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone():
                raise StoreError(f"a session {session!r} exists: choose another name, or delete it first")
            self._db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, NULL, 0, 0, 0)",
                (session, token, declared, time.time()),
            )
            self._add(Step(session, (), events, 0, 0.0, snapshot))

    def add(self, steps: Iterable[Step]) -> None:
        """All steps in one transaction: stored together or not at all."""
        steps = list(steps)
        with self._transaction():
            for step in steps:
                self._add(step)
        if any(step.is_last for step in steps):
            self._wipe()

    def _add(self, step: Step) -> None:
        rows = [(step.session, event.seq, json.dumps(event.to_dict())) for event in step.events]
        self._db.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
        self._db.execute(
            "UPDATE sessions SET sample = ?, seconds = ?, seq = max(seq, ?), ended = ? WHERE id = ?",
            (
                step.sample,
                step.seconds,
                max([event.seq for event in step.events], default=0),
                time.time() if step.is_last else None,
                step.session,
            ),
        )
        if step.is_last or step.snapshot is not None:
            self._db.execute("DELETE FROM inputs WHERE session = ?", (step.session,))
            self._db.execute("DELETE FROM snapshots WHERE session = ?", (step.session,))
        if step.snapshot is not None and not step.is_last:
            self._db.execute(
                "INSERT INTO snapshots SELECT id, seq, ? FROM sessions WHERE id = ?",
                (step.snapshot, step.session),
            )
        elif not step.is_last:
            self._db.executemany(
                "INSERT INTO inputs (session, kind, content) VALUES (?, ?, ?)",
                [(step.session, *write_input(given)) for given in step.inputs],
            )

    def delete(self, session: str) -> None:
        """Forget a session that has ended. Raises UnknownSession, StoreError while it goes on."""
        if self.listing(session).ended is None:
            raise StoreError(f"session {session!r} is going on: stop its producer first")
        with self._transaction():
            self._db.execute("DELETE FROM sessions WHERE id = ?", (session,))
        self._shrink()

    def retire(
        self,
        *,
        keep_seconds: float | None = None,
        keep_bytes: int | None = None,
        spared: Collection[str] = (),
    ) -> list[str]:
        """Forget ended sessions: those that ended longer ago, then the oldest until the rest fits.

        Sessions that go on are kept, whatever their size, and those spared. Returns the names of those
        forgotten.
        """
        retired: list[str] = []
        if keep_seconds is not None:
            before = time.time() - keep_seconds
            retired += self._forget([name for name, ended in self._ended(spared) if ended < before])
        while keep_bytes is not None and self.num_bytes() > keep_bytes:
            oldest = [name for name, _ in self._ended(spared)[:1]]
            if not oldest:
                break
            retired += self._forget(oldest)
        if retired:
            self._shrink()
        return retired

    def _ended(self, spared: Collection[str]) -> list[tuple[str, float]]:
        """Names and ends of ended sessions, the oldest first."""
        with self._explained():
            rows = self._db.execute("SELECT id, ended FROM sessions WHERE ended NOTNULL ORDER BY ended")
            return [(name, ended) for name, ended in rows if name not in spared]

    def _forget(self, sessions: list[str]) -> list[str]:
        with self._transaction():
            self._db.executemany("DELETE FROM sessions WHERE id = ?", [(session,) for session in sessions])
        return sessions

    def _shrink(self) -> None:
        self._db.execute("PRAGMA incremental_vacuum").fetchall()
        self._wipe()

    def _wipe(self) -> None:
        """Have the log of writes forget what was deleted: `secure_delete` overwrites only the file itself."""
        # where somebody reads just then, the next one does it
        with self._turn, contextlib.suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # Reading

    def num_bytes(self) -> int:
        """Size of what is stored, free pages not counted."""
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def listings(self) -> list[Listing]:
        """All sessions, the newest first."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM sessions ORDER BY created DESC, id")
        return [Listing(*row) for row in rows]

    def listing(self, session: str) -> Listing:
        """One session. Raises UnknownSession."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM sessions WHERE id = ?", (session,)).fetchone()
        if row is None:
            raise UnknownSession(f"no session {session!r}: see hocket sessions list")
        return Listing(*row)

    def has(self, session: str) -> bool:
        """Whether there is such a session."""
        return self._db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).fetchone() is not None

    def keeps(self, session: str) -> bool:
        """Whether there is such a session, and more to it than that it began and ended."""
        query = f"SELECT 1 FROM sessions WHERE id = ? AND NOT ({_EMPTY})"
        return self._db.execute(query, (session,)).fetchone() is not None

    def events(self, session: str, after: int = 0, limit: int = -1) -> list[tuple[int, str]]:
        """Number and JSON of a session's events after that number, in order; none for an unknown session."""
        query = "SELECT seq, event FROM events WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?"
        return self._db.execute(query, (session, after, limit)).fetchall()

    def kept(self, session: str) -> Kept:
        """What an unfinished session goes on from. Raises UnknownSession."""
        row = self._db.execute("SELECT content, seq FROM snapshots WHERE session = ?", (session,)).fetchone()
        if row is None:
            raise UnknownSession(f"no session {session!r} that could go on")
        query = "SELECT kind, content FROM inputs WHERE session = ? ORDER BY number"
        inputs = [read_input(kind, content) for kind, content in self._db.execute(query, (session,))]
        return Kept(row[0], row[1], inputs)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn, self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error


_COLUMNS = "id, token, declared, created, ended, sample, seconds, seq"
_EMPTY = (
    "ended NOTNULL AND sample = 0 AND seq <= 2"  # of which nothing is known but its beginning and its end
)


def hold(folder: Path) -> Callable[[], None]:
    """Claim a folder for this process, until it ends or calls what comes back.

    Raises StoreError where another process has it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        db.close()
        raise StoreError(
            f"{folder} is in use by another hocket serve: stop it, or choose another folder"
        ) from error
    return db.close


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA secure_delete = ON")
    return db
