"""What a running session is told from outside: who somebody is, that two are one, that it is enough."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from .errors import ConfigError, HocketError, SessionOver
from .events import Event


@runtime_checkable
class Tellable(Protocol):
    """An engine that takes the user's word. See Diarizer for what it does with it."""

    def name(self, speaker: str, name: str) -> list[Event]: ...

    def merge(self, speaker: str, into: str) -> list[Event]: ...


Step = Callable[[Tellable], list[Event]]


@dataclass(frozen=True, slots=True)
class Order:
    """One command. step: what to do with the engine, None to end the session. answer: how many events."""

    step: Step | None
    answer: "Future[int]" = field(default_factory=Future)

    def obey(self, engine: Any) -> list[Event]:
        """Do it, in the engine's thread. What was wrong with the order only its asker hears."""
        if self.step is None or not self.answer.set_running_or_notify_cancel():
            return []
        try:
            if not isinstance(engine, Tellable):
                raise ConfigError("this session cannot be told who is who: expected one that is heard live")
            events = self.step(engine)
        except HocketError as error:
            self.answer.set_exception(error)
            return []
        self.answer.set_result(len(events))
        return events


class Commands:
    """A way into a running session, for any thread: hand it to `stream`, or use the methods of Session.

    A command is done between two blocks of audio; what it changes comes out as events. The answer is the
    number of those, or what the engine raised: UnknownSpeaker, ConfigError, SessionOver after the end.
    """

    def __init__(self) -> None:
        self._waiting: deque[Order] = deque()
        self._lock = threading.Lock()
        self._wake: Callable[[], object] | None = None
        self._is_over = False

    def name(self, speaker: str, name: str) -> "Future[int]":
        """A speaker is called so."""
        return self._put(Order(lambda engine: engine.name(speaker, name)))

    def merge(self, speaker: str, into: str) -> "Future[int]":
        """Two speakers are one, who goes by the second id."""
        return self._put(Order(lambda engine: engine.merge(speaker, into)))

    def finish(self) -> "Future[int]":
        """Nothing more is to be heard: what was heard becomes final, and the session ends."""
        return self._put(Order(None))

    def _put(self, order: Order) -> "Future[int]":
        with self._lock:
            if self._is_over:
                order.answer.set_exception(_over())
            else:
                self._waiting.append(order)
                if self._wake is not None:
                    self._wake()
        return order.answer

    async def orders(self) -> AsyncGenerator[Order, None]:
        """The commands as they come, without end; once closed, all others are answered by SessionOver."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._wake = lambda: loop.call_soon_threadsafe(changed.set)
        try:
            while True:
                changed.clear()
                while self._waiting:
                    yield self._waiting.popleft()
                await changed.wait()
        finally:
            with self._lock:
                self._is_over, self._wake = True, None
            for order in self._waiting:
                order.answer.set_exception(_over())


def _over() -> SessionOver:
    return SessionOver("the session has ended: it takes no more commands")
