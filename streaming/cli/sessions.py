"""hocket sessions: what a service has kept."""

import json as json_text
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
    from hocket.streaming.server.sessions.store import Store

app = typer.Typer(
    help="""Sessions that hocket serve has kept, beside a running one or without.

[bold]hocket sessions list[/]
[bold]hocket sessions show monday[/]
[bold]hocket sessions export monday --vtt > monday.vtt[/]""",
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
    """Every session, the newest first: when it began, how long it is, how many events it has."""
    from hocket.streaming.server.sessions.document import summary_of

    listings = _store(data_dir).listings()
    if json:
        print_json({"sessions": [summary_of(listing) for listing in listings]})
        return
    for listing in listings:
        state = "going on" if listing.ended is None else "ended"
        typer.echo(
            f"{listing.id:24}  {_date(listing.created)}  {listing.seconds:9.1f} s  {listing.seq:7}  {state}"
        )


@app.command()
def show(session: Name, data_dir: DataDir = DATA_DIR, json: Json = False) -> None:
    """One session: when, how long, who spoke."""
    from hocket.streaming.server.sessions.document import document_of

    store = _store(data_dir)
    listing = store.listing(session)
    document = document_of(listing, _events(store, session))
    counts = {kind: len(document.pop(kind)) for kind in ("turns", "captions", "gaps")}
    if json:
        print_json(document | counts)
        return
    state = "going on" if listing.ended is None else f"to {_date(listing.ended)}"
    typer.echo(f"{session}: {_date(listing.created)} {state}, {listing.seconds:.1f} s, {listing.seq} events")
    typer.echo("  " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    for speaker in document["speakers"]:
        typer.echo(f"  {speaker.get('name', speaker['id'])}: {speaker['seconds']:.1f} s")


@app.command()
def export(
    session: Name,
    data_dir: DataDir = DATA_DIR,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help="Every event as JSON, one a line: what is written if nothing is said."),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="All that is known now as one document: speakers, turns, captions, gaps."
        ),
    ] = False,
    rttm: Annotated[bool, typer.Option("--rttm", help="Turns as RTTM.")] = False,
    vtt: Annotated[
        bool, typer.Option("--vtt", help="Captions as WebVTT; who speaks, where there are no words.")
    ] = False,
    srt: Annotated[bool, typer.Option("--srt", help="The same as SubRip.")] = False,
    txt: Annotated[bool, typer.Option("--txt", help="The same as a transcript to read.")] = False,
) -> None:
    """A session on standard output, as it is known now, in one of these formats."""
    from hocket.streaming.captions.shown import cues_of
    from hocket.streaming.captions.srt import format_srt
    from hocket.streaming.captions.transcript import format_transcript
    from hocket.streaming.captions.vtt import format_vtt
    from hocket.streaming.replay import Replay
    from hocket.streaming.rttm import format_rttm
    from hocket.streaming.server.sessions.document import document_of
    from hocket.streaming.sinks.palette import SPEAKER_COLOURS

    if sum((jsonl, json, rttm, vtt, srt, txt)) > 1:
        raise typer.BadParameter("one format at a time, for there is one standard output")
    store = _store(data_dir)
    listing, events = store.listing(session), _events(store, session)
    if json:
        print_json(document_of(listing, events))
    elif rttm:
        replay = Replay()
        for event in events:
            replay.add(event)
        sys.stdout.write(format_rttm(session, replay.annotation(), replay.names))
    elif vtt:
        sys.stdout.write(format_vtt(cues_of(events), SPEAKER_COLOURS))
    elif srt:
        sys.stdout.write(format_srt(cues_of(events)))
    elif txt:
        sys.stdout.write(format_transcript(cues_of(events)))
    else:
        for _, line in store.events(session):
            sys.stdout.write(f"{line}\n")


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
    from hocket.streaming.server.sessions.store import DATABASE, Store

    if not (folder / DATABASE).exists():
        raise StoreError(f"no sessions in {folder}: name the folder of hocket serve with --data-dir")
    return Store(folder)


def _events(store: "Store", session: str) -> "Iterator[Event]":
    from hocket.streaming.events import Event

    for _, event in store.events(session):
        yield Event.from_dict(json_text.loads(event))


def _date(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
