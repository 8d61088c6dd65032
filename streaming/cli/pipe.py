"""Standard output when it may be a pipe, whose reader may leave."""

import os
import sys
from collections.abc import Callable


class StandardOutput:
    """Passes text on to what is standard output now, until nobody reads it, as in `hocket listen | head`.

    on_gone: called once then; what is written after it is let go. is_gone: whether that has happened.
    """

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self.is_gone = False
        self._on_gone = on_gone
        self._stream = sys.stdout

    def write(self, text: str) -> int:
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._attempt(lambda: self._stream.flush())

    def _attempt(self, action: Callable[[], object]) -> None:
        if self.is_gone:
            return
        try:
            action()
        except BrokenPipeError:
            self.is_gone = True
            # Python flushes what is left when it ends, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            self._on_gone()
