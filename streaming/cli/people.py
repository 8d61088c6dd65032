"""hocket people: whose voices are known, kept in one file that is yours."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hocket.streaming.errors import StoreError, VoicePrintError

from . import options
from .report import say, warn

if TYPE_CHECKING:
    from hocket.models.selection import ModelPair
    from hocket.streaming.clustering.people import Profile
    from hocket.streaming.speakers.store import PeopleStore, Person

KEY = "HOCKET_PEOPLE_KEY"

app = typer.Typer(
    help=f"""People whom hocket knows by their voices, kept in one file of yours.

With a key in {KEY} a new store is encrypted; the same key opens it.

[bold]hocket people add Anna anna.wav[/]
[bold]hocket diarize meeting.wav --people people.db[/]""",
    no_args_is_help=True,
)

Store = Annotated[
    Path,
    typer.Option("--store", metavar="STORE", help="The file they are kept in.", envvar="HOCKET_PEOPLE"),
]
Who = Annotated[str, typer.Argument(metavar="NAME", help="Of a person in the store, or the id.")]
STORE = Path("people.db")
SOON = 2.0  # seconds of speech within which an enrolled person should be named


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the person.")],
    recording: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The person alone, for 20 s or more; 3 s at least."),
    ],
    store: Store = STORE,
    models: options.Models = "default",
    embedding_model: options.EmbeddingModel = None,
) -> None:
    """Know a person by a recording of the voice; of one already there, hear more of it."""
    from hocket.streaming.errors import UnknownSpeaker
    from hocket.streaming.speakers.enrolment import voice_print

    with _open(store, make=True) as people:
        voice = voice_print(recording, _pair(models, embedding_model))
        try:
            person = people.learn(name, voice)
        except UnknownSpeaker:
            person = people.add(name, voice)
        say(f"{person.name} ({person.id}): {voice.clean:.1f} s of clean speech heard, by {voice.model}")


@app.command()
def learn(
    recording: Annotated[Path, typer.Argument(metavar="FILE", help="A conversation.")],
    names: Annotated[
        list[str],
        typer.Argument(metavar="SPEAKER=NAME", help="Who is who, by the ids that hocket diarize FILE shows."),
    ],
    store: Store = STORE,
    models: options.Models = "default",
    embedding_model: options.EmbeddingModel = None,
) -> None:
    """Know the speakers of a conversation.

    hocket diarize meeting.wav              shows S1, S2 …
    hocket people learn meeting.wav S1=Anna S2=Bert
    """
    from hocket.streaming.errors import UnknownSpeaker
    from hocket.streaming.speakers.enrolment import voices_in

    named = dict(_named(pair) for pair in names)
    with _open(store, make=True) as people:
        for speaker, voice in voices_in(recording, _pair(models, embedding_model), list(named)).items():
            try:
                person = people.learn(named[speaker], voice)
            except UnknownSpeaker:
                person = people.add(named[speaker], voice)
            say(f"{speaker} is {person.name} ({person.id}): {voice.clean:.1f} s of clean speech")


@app.command("list")
def list_people(store: Store = STORE) -> None:
    """Everybody in the store."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Name", "Id", "Since", "Clean speech", "By")
    with _open(store) as people:
        for person in people.people():
            for voice in person.prints.values():
                table.add_row(person.name, person.id, person.created, f"{voice.clean:.1f} s", voice.model)
    Console().print(table)


@app.command()
def show(who: Who, store: Store = STORE) -> None:
    """What is kept of one person."""
    with _open(store) as people:
        typer.echo("\n".join(_lines(people.find(who))))


@app.command()
def rename(
    who: Who,
    name: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    store: Store = STORE,
) -> None:
    """Call a person otherwise; the id stays."""
    with _open(store) as people:
        say(f"{people.rename(who, name).id} is {name} now")


@app.command()
def export(who: Who, store: Store = STORE) -> None:
    """All that is kept of one person, as JSON on standard output, not encrypted.

    hocket people export Anna > anna.json
    """
    with _open(store) as people:
        typer.echo(json.dumps(people.find(who).to_dict(), indent=2))


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What hocket people export wrote.")],
    store: Store = STORE,
) -> None:
    """Take in a person that was exported."""
    from hocket.streaming.speakers.store import Person

    try:
        person = Person.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, UnicodeDecodeError) as error:
        raise StoreError(f"{file}: {error}") from error
    with _open(store, make=True) as people:
        say(f"{people.take_in(person).name} ({person.id}) is in {store}")


@app.command()
def measure(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A folder of labelled speech: index.json says of whom.")
    ],
    sessions: Annotated[int, typer.Option(metavar="N", help="How many conversations.", min=1)] = 20,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the models' answers are kept, for the next time."),
    ] = None,
    models: options.Models = "default",
    embedding_model: options.EmbeddingModel = None,
) -> None:
    """How soon enrolled people are named, and how often strangers are.

    Each conversation has 10 people enrolled, 2 of whom speak, and 3
    strangers; the whole engine hears it.
    """
    from hocket.streaming.evaluation.recognition import measured
    from hocket.streaming.evaluation.simulated.pool import read_pool
    from hocket.streaming.speakers.enrolment import voice_print

    pair = _pair(models, embedding_model)
    receptions = measured(
        read_pool(data),
        sessions,
        lambda samples: voice_print(samples, pair),
        pair.segmenter,
        pair.embedder,
        cache=cache,
        said=say,
    )
    enrolled = [one for one in receptions if one.is_enrolled]
    strangers = [one for one in receptions if not one.is_enrolled]
    soon = [one for one in enrolled if one.named_after is not None and one.named_after <= SOON]
    for count, people, what in (
        (len(soon), enrolled, f"enrolled people named within {SOON:g} s of their speech"),
        (sum(one.is_named for one in enrolled), enrolled, "enrolled people named in the end"),
        (
            sum(one.mistaken_at_end for one in enrolled),
            enrolled,
            "enrolled people under another name in the end",
        ),
        (sum(one.mistaken_at_end for one in strangers), strangers, "strangers under a name in the end"),
        (sum(one.mistaken for one in strangers), strangers, "strangers under a name at any moment"),
    ):
        typer.echo(f"{count:4} of {len(people):4}  {100 * count / max(1, len(people)):5.1f} %  {what}")


@app.command()
def forget(who: Who, store: Store = STORE) -> None:
    """Delete a person: everything of theirs in the store is overwritten."""
    with _open(store) as people:
        person = people.forget(who)
        say(f"{person.name} ({person.id}) is forgotten")


def profiles_in(store: Path, model: str) -> "list[Profile]":
    """Whom a session with this embedding model can recognise; warns of those whom it cannot.

    Raises StoreError for a file that is no store or does not open, VoicePrintError where it knows nobody by
    that model.
    """
    with _open(store) as people:
        profiles = people.profiles(model)
        known = {profile.id for profile in profiles}
        unknown = [person.name for person in people.people() if person.id not in known]
    if unknown:
        warn(f"{store} has no voice print of {model} for {', '.join(unknown)}: hear them again with it")
    if not profiles:
        raise VoicePrintError(f"{store} holds nobody yet: hocket people add NAME FILE")
    return profiles


def _open(store: Path, *, make: bool = False) -> "PeopleStore":
    from hocket.streaming.speakers.store import PeopleStore

    if not make and not store.exists():
        raise StoreError(
            f"no store of people at {store}: name it with --store, or make it with hocket people add"
        )
    try:
        return PeopleStore(store, os.environ.get(KEY))
    except StoreError as error:
        raise StoreError(f"{error}; the key is taken from {KEY}") from error


def _pair(models: str, embedding_model: str | None) -> "ModelPair":
    return options.open_pair(models, None, embedding_model, options.Runtime.AUTO, options.ComputeUnits.ALL)


def _named(pair: str) -> tuple[str, str]:
    speaker, sign, name = pair.partition("=")
    if not (speaker and sign and name.strip()):
        raise typer.BadParameter(f"{pair!r}: expected a speaker's id and a name, as in S1=Anna")
    return speaker, name.strip()


def _lines(person: "Person") -> list[str]:
    voices = [
        f"voice  {voice.clean:.1f} s of clean speech in {len(voice.seconds)} stretches, by {voice.model}"
        for voice in person.prints.values()
    ]
    return [f"name   {person.name}", f"id     {person.id}", f"since  {person.created}", *voices]
