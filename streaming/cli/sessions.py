"""hocket sessions: what a service has kept."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hocket.streaming.server.gathering import variable_of
from hocket.streaming.server.settings import DEFAULTS

from .figures import Json, print_json
from .report import say

if TYPE_CHECKING:
    from hocket.streaming.events import Event
    from hocket.streaming.replay import Replay
    from hocket.streaming.server.store import Listing, Store

app = typer.Typer(
    help="""Sessions that hocket serve has kept, beside a running one or without.

[bold]hocket sessions list[/]
[bold]hocket sessions export monday --rttm > monday.rttm[/]""",
    no_args_is_help=True,
)

DATA_DIR = DEFAULTS.data_dir
DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        help="Where sessions are kept.",
        envvar=variable_of("data_dir"),
        file_okay=False,
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a session: see hocket sessions list.")]


@app.command("list")
def list_sessions(data_dir: DataDir = DATA_DIR, json: Json = False) -> None:
    """Every session, the newest first."""
    listings = _store(data_dir).listings()
    if json:
        print_json({"sessions": [_described(listing) for listing in listings]})
        return
    for listing in listings:
        state = "going on" if listing.ended is None else "ended"
        typer.echo(
            f"{listing.id:24}  {_date(listing.created)}  {listing.seconds:9.1f} s  {listing.seq:7}  {state}"
        )


@app.command()
def show(session: Name, data_dir: DataDir = DATA_DIR, json: Json = False) -> None:
    """One session: when, how long, who spoke."""
    store = _store(data_dir)
    listing, replay = store.listing(session), _replayed(store, session)
    spoken: dict[str, float] = {}
    for turn in replay.annotation():
        spoken[turn.speaker] = round(spoken.get(turn.speaker, 0.0) + turn.end - turn.start, 2)
    if json:
        print_json(_described(listing) | {"speakers": spoken, "names": replay.names})
        return
    state = "going on" if listing.ended is None else f"to {_date(listing.ended)}"
    typer.echo(f"{session}: {_date(listing.created)} {state}, {listing.seconds:.1f} s, {listing.seq} events")
    for speaker, seconds in spoken.items():
        typer.echo(f"  {replay.names.get(speaker, speaker)}: {seconds:.1f} s")


@app.command()
def export(
    session: Name,
    data_dir: DataDir = DATA_DIR,
    rttm: Annotated[
        bool, typer.Option("--rttm", help="Turns as RTTM, instead of all events as JSON.")
    ] = False,
    vtt: Annotated[
        bool, typer.Option("--vtt", help="Captions as WebVTT; who speaks, where there are no words.")
    ] = False,
) -> None:
    """A session's events as JSON Lines, its turns as RTTM or its captions as WebVTT, on standard output."""
    from hocket.streaming.captions.shown import cues_of
    from hocket.streaming.captions.vtt import format_vtt
    from hocket.streaming.rttm import format_rttm
    from hocket.streaming.sinks.palette import SPEAKER_COLOURS

    store = _store(data_dir)
    store.listing(session)
    if rttm:
        replay = _replayed(store, session)
        sys.stdout.write(format_rttm(session, replay.annotation(), replay.names))
        return
    if vtt:
        sys.stdout.write(format_vtt(cues_of(_events(store, session)), SPEAKER_COLOURS))
        return
    for _, event in store.events(session):
        sys.stdout.write(f"{event}\n")


@app.command()
def delete(
    sessions: Annotated[list[str], typer.Argument(metavar="NAME")], data_dir: DataDir = DATA_DIR
) -> None:
    """Forget sessions that have ended."""
    store = _store(data_dir)
    for session in sessions:
        store.delete(session)
        say(f"{session} deleted")


def _store(folder: Path) -> "Store":
    from hocket.streaming.errors import StoreError
    from hocket.streaming.server.store import DATABASE, Store

    if not (folder / DATABASE).exists():
        raise StoreError(f"no sessions in {folder}: name the folder of hocket serve with --data-dir")
    return Store(folder)


def _replayed(store: "Store", session: str) -> "Replay":
    from hocket.streaming.replay import Replay

    replay = Replay()
    for event in _events(store, session):
        replay.add(event)
    return replay


def _events(store: "Store", session: str) -> "Iterator[Event]":
    from hocket.streaming.events import Event

    for _, event in store.events(session):
        yield Event.from_dict(json.loads(event))


def _described(listing: "Listing") -> dict[str, object]:
    return {
        "session": listing.id,
        "created": _date(listing.created),
        "ended": None if listing.ended is None else _date(listing.ended),
        "seconds": round(listing.seconds, 3),
        "events": listing.seq,
    }


def _date(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
