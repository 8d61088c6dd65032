"""What every sink takes: events, in order, one at a time."""

from typing import Protocol

from ..events import Event


class Sink(Protocol):
    """A reader of the log.

    write: takes the next event; must return quickly. An exception closes this sink alone: the engine
        and the other sinks go on, and the failure is reported.
    close: flushes; called once, after the last event or on the way out.
    """

    name: str

    def write(self, event: Event) -> None: ...

    def close(self) -> None: ...
