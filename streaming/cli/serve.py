"""hocket serve: many sessions over websockets, kept on disk."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .report import say

if TYPE_CHECKING:
    from hocket.streaming.server.access import Door
    from hocket.streaming.server.hub import Hub

GIGABYTE = 10**9

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        help="Where sessions are kept.",
        envvar="HOCKET_DATA_DIR",
        file_okay=False,
    ),
]
DATA_DIR = Path("hocket-sessions")


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8765,
    data_dir: DataDir = DATA_DIR,
    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="TOML: produce = […], subscribe = […]"
        ),
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Let pages from there in; may be repeated.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let other machines in without tokens.")
    ] = False,
    max_sessions: Annotated[int, typer.Option(min=1, metavar="N", help="No more at the same time.")] = 64,
    idle: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="A producer may be silent or away for so long.")
    ] = 60.0,
    keep_days: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="Forget sessions so long after their end.")
    ] = None,
    keep_gb: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="Forget the oldest beyond so many gigabytes.")
    ] = None,
    people: options.People = None,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Take audio in and give events out over websockets, for many sessions, until Ctrl-C.

    Every event is on disk before it is sent, and a server that was killed
    goes on where it was. The protocol: docs/service.md.

    hocket serve
    hocket publish meeting.wav ws://127.0.0.1:8765 --session monday
    hocket subscribe ws://127.0.0.1:8765 --session monday
    """
    from hocket.streaming.server.access import Door, Tokens, check_bind
    from hocket.streaming.server.hub import Hub, Limits
    from hocket.streaming.server.store import hold

    from .people import profiles_in

    door = Door(
        host=host,
        port=port,
        tokens=Tokens() if tokens is None else Tokens.read(tokens),
        origins=tuple(origin or ()),
        insecure=insecure,
    )
    check_bind(door.host, door.tokens, insecure=insecure)
    release = hold(data_dir)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    limits = Limits(
        most_sessions=max_sessions,
        idle_seconds=idle,
        keep_days=keep_days,
        keep_bytes=None if keep_gb is None else round(keep_gb * GIGABYTE),
    )
    known = profiles_in(people, pair.names["embedding"]) if people else []
    with _lifecycle_on_standard_error(), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Hub(pair, data_dir, limits, known), door))
    release()


async def _serve(hub: "Hub", door: "Door") -> None:
    from hocket.streaming.server.sockets import serving

    stop = asyncio.Event()
    async with serving(hub, door) as port:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows ends at once; what is stored, is stored
                loop.add_signal_handler(number, stop.set)
        host = f"[{door.host}]" if ":" in door.host else door.host
        say(f"listening on ws://{host}:{port}")
        await stop.wait()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)  # the next one ends it at once
        say("finishing sessions")


@contextlib.contextmanager
def _lifecycle_on_standard_error() -> Iterator[None]:
    """Sessions that begin and end, as lines, beside the warnings that every command shows."""
    logger, handler = logging.getLogger("hocket.streaming.server"), _Lines()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Lines(logging.Handler):
    """What is below a warning; `LogToPeople` has the rest."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.addFilter(lambda record: record.levelno < logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())
