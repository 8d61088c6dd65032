"""Recordings heard on a cluster, through Ray Data: many at a time, each by itself, in no order."""

import asyncio
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError
from ray.util.annotations import RayDeprecationWarning

from ..errors import HocketError, ServiceError
from ..events import Event
from ..sources.file import FileSource
from ..stream import Engine, stream
from .hosts import reason

MOST_DEATHS = 2  # of the process that hears a recording, before that is left out
MakeEngine = Callable[[str], Engine]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recording gave: its events or, where it could not be heard to its end, why not."""

    recording: str
    events: list[Event]
    error: str | None


class _Listener:
    """What runs over there: one core, models opened once, a recording at a time."""

    def __init__(self, open_engines: Callable[[], MakeEngine]) -> None:
        self._make = open_engines()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        events, error = _Events(), ""
        try:
            asyncio.run(stream(FileSource(row["file"]), self._make(row["recording"]), [events]))
        except HocketError as problem:
            error = str(problem)
        return {"recording": row["recording"], "events": "\n".join(events.lines), "error": error}


class _Events:
    """A sink that keeps what it is told."""

    name = "events"

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, event: Event) -> None:
        self.lines.append(json.dumps(event.to_dict()))

    def close(self) -> None:
        pass


def hear_all(
    files: Mapping[str, str], open_engines: Callable[[], MakeEngine], num_processes: int
) -> Iterator[Heard]:
    """The recordings as they are done; those whose process or machine dies are begun again elsewhere.

    files: by the recordings' names, where every machine of the cluster finds them. open_engines: called in
    each of at most num_processes; what it gives makes an engine for a recording.
    Raises ServiceError where none of them can begin.
    """
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # one that cannot be heard is no reason to give up the others
    rows = [{"recording": recording, "file": file} for recording, file in files.items()]
    with warnings.catch_warnings():
        # the two last arguments are to get names of their own by 2.64, which is why the extra ends there
        warnings.simplefilter("ignore", RayDeprecationWarning)
        heard = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Listener,
            fn_constructor_args=[open_engines],
            compute=ActorPoolStrategy(size=min(num_processes, len(rows)), max_tasks_in_flight_per_actor=1),
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=MOST_DEATHS,
        )
    missing = dict(files)
    try:
        for row in heard.iter_rows():
            del missing[row["recording"]]
            events = [Event.from_dict(json.loads(line)) for line in row["events"].splitlines()]
            yield Heard(row["recording"], events, row["error"] or None)
    except RayError as error:
        raise ServiceError(f"the cluster cannot hear recordings: {reason(error)}") from error
    for recording, file in missing.items():
        yield Heard(recording, [], f"{file}: the process that heard it died {MOST_DEATHS + 1} times")
