"""hocket serve: many sessions over websockets, kept on disk."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hocket.streaming.server.gathering import FILE_VARIABLE, Gathered, flag_of
from hocket.streaming.server.settings import ABOUT, DEFAULTS, Settings

from . import options
from .announcing import Announcer, announced, broker_of
from .log_lines import logged

if TYPE_CHECKING:
    import ssl

    from hocket.models.selection import ModelPair
    from hocket.streaming.clustering.people import Profile
    from hocket.streaming.server.door.access import Door
    from hocket.streaming.server.sessions.engines import Engines, Host
    from hocket.streaming.server.sessions.hub import Hub

logger = logging.getLogger(__name__)

GIGABYTE = 10**9


def _flag(name: str) -> Any:
    """The option of a setting, with what is known of it."""
    about, default = ABOUT[name], getattr(DEFAULTS, name)
    return typer.Option(
        flag_of(name),
        metavar="|".join(about.choices) or about.unit or None,
        help=about.meaning + ("" if default in (None, False, ()) else rf" \[default: {default}]"),
        rich_help_panel=about.group,
    )


def serve(
    context: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar=FILE_VARIABLE, exists=True, dir_okay=False, help="TOML of what follows."
        ),
    ] = None,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Say what would hold, and where it comes from; then stop.")
    ] = False,
    host: Annotated[str | None, _flag("host")] = None,
    port: Annotated[int | None, _flag("port")] = None,
    data_dir: Annotated[Path | None, _flag("data_dir")] = None,
    tokens: Annotated[Path | None, _flag("tokens")] = None,
    origin: Annotated[list[str] | None, _flag("origin")] = None,
    insecure: Annotated[bool | None, _flag("insecure")] = None,
    tls_cert: Annotated[Path | None, _flag("tls_cert")] = None,
    tls_key: Annotated[Path | None, _flag("tls_key")] = None,
    max_sessions: Annotated[int | None, _flag("max_sessions")] = None,
    idle: Annotated[float | None, _flag("idle")] = None,
    max_sessions_per_token: Annotated[int | None, _flag("max_sessions_per_token")] = None,
    max_connections: Annotated[int | None, _flag("max_connections")] = None,
    max_connections_per_address: Annotated[int | None, _flag("max_connections_per_address")] = None,
    max_speed: Annotated[float | None, _flag("max_speed")] = None,
    max_hours: Annotated[float | None, _flag("max_hours")] = None,
    threads: Annotated[int | None, _flag("threads")] = None,
    longest_hop: Annotated[float | None, _flag("longest_hop")] = None,
    keep_days: Annotated[float | None, _flag("keep_days")] = None,
    keep_gb: Annotated[float | None, _flag("keep_gb")] = None,
    log: Annotated[str | None, _flag("log")] = None,
    people: Annotated[Path | None, _flag("people")] = None,
    models: Annotated[str | None, _flag("models")] = None,
    segmentation_model: Annotated[str | None, _flag("segmentation_model")] = None,
    embedding_model: Annotated[str | None, _flag("embedding_model")] = None,
    runtime: Annotated[str | None, _flag("runtime")] = None,
    compute_units: Annotated[str | None, _flag("compute_units")] = None,
    mqtt: Annotated[str | None, _flag("mqtt")] = None,
    ray: Annotated[str | None, _flag("ray")] = None,
) -> None:
    """Take audio in and give events out over websockets, for many sessions, until Ctrl-C.

    Every event is on disk before it is sent, and a server that was killed
    goes on where it was. The protocol, and all about running it: docs/service.md.
    Every option may also be said in the environment, as HOCKET_SERVE_PORT,
    or in the file of --settings, as port = 8765; what is said here wins.

    hocket serve
    hocket publish meeting.wav ws://127.0.0.1:8765 --session monday
    hocket subscribe ws://127.0.0.1:8765 --session monday
    """
    flags = {name: value for name, value in context.params.items() if name in ABOUT}
    gathered = Gathered.of(flags, settings)
    if show_settings:
        typer.echo(gathered.show(), nl=False)
    else:
        with logged(gathered.settings.log):
            run(gathered.settings)


def run(settings: Settings) -> None:
    """Serve, with these settings, until SIGINT or SIGTERM."""
    from hocket.streaming.server.door.access import Door, Tokens, check_bind
    from hocket.streaming.server.sessions.hub import Hub
    from hocket.streaming.server.sessions.limits import Limits
    from hocket.streaming.server.sessions.store import hold

    from .people import profiles_in

    door = Door(
        host=settings.host,
        port=settings.port,
        tokens=Tokens() if settings.tokens is None else Tokens.read(settings.tokens),
        origins=settings.origin,
        insecure=settings.insecure,
        tls=_tls(settings),
        most_connections=settings.max_connections,
        most_per_address=settings.max_connections_per_address,
    )
    check_bind(door.host, door.tokens, insecure=door.insecure)
    limits = Limits(
        most_sessions=settings.max_sessions,
        most_sessions_per_token=settings.max_sessions_per_token,
        most_speed=settings.max_speed,
        idle_seconds=settings.idle,
        most_seconds=None if settings.max_hours is None else settings.max_hours * 3600,
        longest_hop=settings.longest_hop,
        keep_days=settings.keep_days,
        keep_bytes=None if settings.keep_gb is None else round(settings.keep_gb * GIGABYTE),
    )
    broker = None if settings.mqtt is None else broker_of(settings.mqtt)
    release = hold(settings.data_dir)
    pair = _open_pair(settings)
    known = profiles_in(settings.people, pair.names["embedding"]) if settings.people else []
    with (
        contextlib.suppress(KeyboardInterrupt),
        _hosts(settings, pair, known) as hosts,
        announced(broker, settings.data_dir) as announcer,
    ):
        open_hub = partial(Hub, pair, settings.data_dir, limits, known, hosts, announcer.tell)
        asyncio.run(_serve(open_hub, door, announcer))
    release()


def _tls(settings: Settings) -> "ssl.SSLContext | None":
    from hocket.streaming.errors import ConfigError
    from hocket.streaming.server.door.access import certified

    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise ConfigError("TLS wants both a certificate and its key: --tls-cert and --tls-key")
    return certified(settings.tls_cert, settings.tls_key)


def _open_pair(settings: Settings) -> "ModelPair":
    return options.open_pair(
        settings.models,
        settings.segmentation_model,
        settings.embedding_model,
        options.Runtime(settings.runtime),
        options.ComputeUnits(settings.compute_units),
    )


@contextlib.contextmanager
def _hosts(settings: Settings, pair: "ModelPair", people: "Sequence[Profile]") -> "Iterator[Sequence[Host]]":
    """Where the sessions' engines are to live, for as long as the context lasts."""
    from hocket.streaming.server.sessions.engines import Engines, num_cores

    if settings.ray is None:
        yield [Engines(pair, people) for _ in range(settings.threads or num_cores())]
        return
    from hocket.streaming.machines.connection import joined
    from hocket.streaming.machines.hosts import cluster_hosts

    with joined(settings.ray) as cores:
        yield cluster_hosts(partial(_engines, settings, people), settings.threads or cores)


def _engines(settings: Settings, people: "Sequence[Profile]") -> "Engines":
    """On a machine of a cluster: engines with models that are opened there."""
    from hocket.streaming.server.sessions.engines import Engines

    return Engines(_open_pair(settings), people)


async def _serve(open_hub: "Callable[[], Hub]", door: "Door", announcer: Announcer) -> None:
    from hocket.streaming.server.door.sockets import serving

    stop = asyncio.Event()
    hub = open_hub()
    async with serving(hub, door) as port, announcer.hearing(hub):
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows ends at once; what is stored, is stored
                loop.add_signal_handler(number, stop.set)
        secure = "" if door.tls is None else "s"
        address = f"ws{secure}://{door.address}:{port}"
        logger.info("listening on %s", address, extra={"event": "listening", "address": address})
        logger.info(
            "with a page to speak to at %s", address.replace("ws", "http", 1), extra={"event": "page"}
        )
        await stop.wait()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)  # the next one ends it at once
        logger.info("finishing sessions", extra={"event": "stopping"})
