"""A sink to test with, and what its log must look like at the end."""

from hocket.streaming.events import Event, SessionEnd


class Notebook:
    """A sink that keeps what it is told, and breaks where it is told to."""

    def __init__(
        self, name: str = "notebook", *, fail_at: int | None = None, fail_on_close: bool = False
    ) -> None:
        self.name = name
        self.events: list[Event] = []
        self.num_closes = 0
        self._fail_at, self._fail_on_close = fail_at, fail_on_close

    def write(self, event: Event) -> None:
        if event.seq == self._fail_at:
            raise OSError(28, "No space left on device")
        self.events.append(event)

    def close(self) -> None:
        self.num_closes += 1
        if self._fail_on_close:
            raise BrokenPipeError(32, "Broken pipe")


def assert_whole(notebook: Notebook, reason: str) -> None:
    """The log is there from its first number to its end, and the sink was closed once."""
    assert [event.seq for event in notebook.events] == list(range(1, len(notebook.events) + 1))
    assert isinstance(end := notebook.events[-1], SessionEnd)
    assert end.reason == reason
    assert notebook.num_closes == 1
