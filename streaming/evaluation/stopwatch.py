"""Time spent inside methods of a class, whoever calls them: for measuring what no seam shows."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Stopwatch:
    """seconds: by `clock`, inside the watched methods so far; calls among themselves count once."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._depth = 0

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, its time counted here."""

        @wraps(function)
        def timed(*args: Any, **keywords: Any) -> Any:
            self._depth += 1
            started = self._clock()
            try:
                return function(*args, **keywords)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += self._clock() - started

        return timed


@contextmanager
def timing(
    *watched: tuple[type, Sequence[str]], clock: Callable[[], float] = time.perf_counter
) -> Iterator[Stopwatch]:
    """Counts the time in these methods, given as (class, names), until the block is left."""
    stopwatch = Stopwatch(clock)
    methods = [(kind, name) for kind, names in watched for name in names]
    own = {(kind, name): vars(kind)[name] for kind, name in methods if name in vars(kind)}
    for kind, name in methods:
        setattr(kind, name, stopwatch.watched(getattr(kind, name)))
    try:
        yield stopwatch
    finally:
        for kind, name in methods:
            if (kind, name) in own:
                setattr(kind, name, own[kind, name])
            else:
                delattr(kind, name)  # the base class's shows again


def public_methods(kind: type) -> list[str]:
    """Names of the plain methods that the class itself defines, without leading underscore."""
    return [name for name, value in vars(kind).items() if callable(value) and not name.startswith("_")]
