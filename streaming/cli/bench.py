"""`hocket bench`: what a long session costs, and how many a server bears at once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options
from .demo import RECORDING
from .figures import Json, print_json, print_tables
from .progress import counted
from .report import say

_MANY = "Many sessions at once"
_LONG = "A server for hours"


class Talk(StrEnum):
    """How much is said in the sessions of a server."""

    EVERYONE = "everyone"
    USUAL = "usual"


def bench(
    minutes: Annotated[
        float, typer.Option(min=0.1, metavar="N", help="Minutes of conversation to hear, in one session.")
    ] = 10.0,
    json: Json = False,
    audio: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What is heard, over and over; by default the demo conversation."),
    ] = None,
    config_file: options.ConfigFile = None,
    hop: options.Hop = options.DEFAULTS.hop,
    sessions: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="So many live ones on a server.", rich_help_panel=_MANY),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=5, metavar="N", help="Measured, after a warm-up.", rich_help_panel=_MANY)
    ] = 30.0,
    talk: Annotated[
        Talk, typer.Option(help="All the time, or with the silences of meetings.", rich_help_panel=_MANY)
    ] = Talk.EVERYONE,
    stretch: Annotated[
        bool,
        typer.Option("--stretch/--no-stretch", help="The server may stretch hops.", rich_help_panel=_MANY),
    ] = True,
    search: Annotated[
        bool,
        typer.Option("--search", help="Find the largest N, beginning at --sessions.", rich_help_panel=_MANY),
    ] = False,
    disturb: Annotated[
        bool,
        typer.Option(
            "--disturb",
            help="Compare: one reader never reads, one producer is stuck.",
            rich_help_panel=_MANY,
        ),
    ] = False,
    server_hours: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="N", help="Hours in one session, as fast as they go.", rich_help_panel=_LONG
        ),
    ] = None,
    remember: Annotated[
        bool,
        typer.Option(
            "--remember/--think", help="Look up what the networks said before.", rich_help_panel=_LONG
        ),
    ] = True,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Measure time and memory of a long session, on one processor core.

    With --sessions: of a server instead, to which so many producers send at
    real time, and how far its events are behind. With --server-hours: whether
    the memory of a server stays flat.
    """
    heard = audio or _demo_audio()
    if server_hours is not None:
        from hocket.streaming.evaluation.load.hours import measure_hours

        _print(measure_hours(heard, server_hours, hop, thinking=not remember, say=say), json)
        return
    if sessions is not None:
        from hocket.streaming.evaluation.load.bare import Chosen
        from hocket.streaming.evaluation.load.measure import Plan
        from hocket.streaming.evaluation.load.measure import measure as measure_server

        chosen = Chosen(models, segmentation_model, embedding_model, runtime.value, compute_units.value)
        plan = Plan(
            sessions=sessions, seconds=seconds, hop=hop, silences=talk is Talk.USUAL, stretch=stretch,
            search=search, disturb=disturb, models=chosen,
        )  # fmt: skip
        _print(measure_server(plan, heard, say), json)
        return
    from hocket.streaming.evaluation.bench import bench as measure
    from hocket.streaming.evaluation.bench import clip, looped, one_core
    from hocket.streaming.evaluation.report import bench_table
    from hocket.streaming.sources.file import FileSource

    config = options.config(config_file, hop=hop)
    with one_core():
        pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
        rate = pair.segmenter.spec.rate
        num_steps = max(1, round(minutes * 60 / hop))
        blocks = looped(clip(FileSource(heard), rate), num_steps, round(hop * rate))
        with counted(num_steps, quiet=True) as advance:
            measured = measure(
                blocks, pair.segmenter, pair.embedder, config, progress=lambda step: advance("hearing")
            )
    if json:
        print_json(measured.to_dict())
    else:
        print_tables(bench_table(measured))


def _print(figures: dict[str, Any], json: bool) -> None:
    if json:
        print_json(figures)
        return
    from rich.table import Table

    table = Table("figure", "value")
    for name, value in figures.items():
        if not isinstance(value, list):
            shown = f"{value:.3g}" if isinstance(value, float) else str(value)
            table.add_row(name.replace("_", " "), shown)
    print_tables(table)


def _demo_audio() -> Path:
    from importlib.resources import files

    return Path(str(files("hocket.demo") / f"{RECORDING}.ogg"))
