"""Where foreign threads (a sound card's, one that reads a pipe) hand things to an event loop."""

import asyncio
import contextlib
import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A bounded queue, first in first out: any thread fills it, one coroutine empties it.

    `offer` and `close` never wait, so a sound card's callback and a signal handler may call them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._closed = False
        self._changed = threading.Condition()  # re-entrant: a signal may strike while this thread holds it
        self._arrived = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def closed(self) -> bool:
        return self._closed

    def offer(self, item: Item) -> bool:
        """Leave an item; False when the inbox is full or closed and the item was not taken."""
        with self._changed:
            if self._closed or len(self._items) >= self._limit:
                return False
            self._items.append(item)
        self._wake()
        return True

    def put(self, item: Item) -> bool:
        """Leave an item, waiting for room; False when the inbox was closed and the item was not taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._limit)
            return self.offer(item)

    def close(self) -> None:
        """Take nothing more; what is inside is still delivered. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._wake()

    async def get(self, timeout: float | None = None) -> Item | None:
        """The next item, None once the inbox is closed and empty.

        Raises TimeoutError when nothing arrives for `timeout` seconds.
        """
        self._loop = asyncio.get_running_loop()
        while True:
            self._arrived.clear()
            with self._changed:
                if self._items:
                    self._changed.notify()
                    return self._items.popleft()
                if self._closed:
                    return None
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                if not self._items:  # else the loop itself was late, not the item
                    raise

    def _wake(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and its reader with it
                self._loop.call_soon_threadsafe(self._arrived.set)
