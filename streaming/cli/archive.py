"""hocket diarize --ray: the recordings of an archive, heard by a cluster."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from hocket.streaming.sinks.base import Sink
from hocket.streaming.stream import Engine, Outlets

from .progress import counted
from .report import fail


def hear_on_cluster(
    address: str,
    files: Mapping[str, str],
    open_engines: Callable[[], Callable[[str], Engine]],
    sinks: Callable[[str], Sequence[Sink]],
    *,
    quiet: bool,
) -> int:
    """Have all heard, and tell the sinks of each recording its events once it is done; the exit code.

    address, files, open_engines: see `cluster.connection.joined` and `cluster.archive.hear_all`. What goes
    wrong with a recording is said, and the others go on.
    """
    from hocket.streaming.machines.archive import hear_all
    from hocket.streaming.machines.connection import joined

    code = 0
    with joined(address) as cores, counted(len(files), quiet=quiet) as done:
        for heard in hear_all(files, open_engines, cores):
            if heard.events:
                with closing(Outlets(sinks(heard.recording))) as outlets:
                    outlets.write(heard.events)
                code = 1 if outlets.failures else code
            if heard.error is not None:
                fail(heard.error)
                code = 1
            done(heard.recording)
    return code
