"""What sessions say, for their readers: the newest events in memory, the others from the store."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from hocket.streaming.errors import UnknownSession

from .store import Store

TAIL = 512  # events of a session that are kept in memory for its readers
PAGE = 64


class Log:
    """A session's events for any number of readers, each at its own pace; a slow one costs nothing.

    is_live: whether the session goes on in this process. store: read where the newest events in memory do not
    reach back far enough; for the event loop's use.
    """

    def __init__(self, store: Store, session: str) -> None:
        self.is_live = self.is_over = False
        self.seq = 0
        self.lag = self.rtf = 0.0
        self.num_readers = 0
        self._store = store
        self._session = session
        self._tail: deque[tuple[int, str]] = deque(maxlen=TAIL)
        self._changed = asyncio.Event()

    def publish(self, events: Sequence[tuple[int, str]], *, is_last: bool) -> None:
        """Stored events, numbers and JSON, to all who wait for them."""
        self._tail += events
        self.seq = events[-1][0] if events else self.seq
        self.is_over = self.is_over or is_last
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, seq: int) -> list[tuple[int, str]]:
        """The next events after that number, a page at most; waits for one; none after the last."""
        while True:
            changed = self._changed
            if self._tail and self._tail[0][0] <= seq + 1:
                skipped = seq + 1 - self._tail[0][0]
                found = list(islice(self._tail, skipped, skipped + PAGE))
            else:
                found = self._store.events(self._session, seq, PAGE)
            if found or self.is_over:
                return found
            await changed.wait()


class Logs:
    """The logs of a store's sessions that somebody reads or that go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._logs: dict[str, Log] = {}

    def open(self, name: str) -> Log:
        """The log of a session, which may have ended, or not begun."""
        if name not in self._logs:
            log = self._logs[name] = Log(self._store, name)
            with contextlib.suppress(UnknownSession):
                listing = self._store.listing(name)
                log.seq, log.is_over = listing.seq, listing.ended is not None
        return self._logs[name]

    def open_new(self, name: str) -> Log:
        """The log of a session that is about to begin; one of that name may have ended, and been deleted."""
        if name in self._logs and self._logs[name].is_over:
            del self._logs[name]
        return self.open(name)

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[Log]:
        """The same, kept as long as the context lasts."""
        log = self.open(name)
        log.num_readers += 1
        try:
            yield log
        finally:
            log.num_readers -= 1
            self.close(name)

    def followed(self) -> set[str]:
        """Sessions that somebody reads."""
        return {name for name, log in self._logs.items() if log.num_readers}

    def close(self, name: str) -> None:
        """Forget a log that is over and nobody reads."""
        log = self._logs.get(name)
        if log is not None and not log.num_readers and not log.is_live:
            del self._logs[name]
