"""`hocket meetings make`, `bench` and `score`: meetings of hours, made on demand."""

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from hocket.streaming.errors import ConfigError

from . import options
from .figures import Json, print_json, print_tables
from .progress import counted

app = typer.Typer(
    help="Meetings of hours, made on demand from a folder of labelled speech.", no_args_is_help=True
)

Speech = Annotated[
    Path,
    typer.Option(
        metavar="DIR", help="Labelled speech: index.json, the speakers' files, perhaps rirs/ and noise/."
    ),
]


@app.command()
def make(
    speech: Speech,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The audio; NAME.rttm, NAME.uem and NAME.json go beside it."),
    ],
    hours: Annotated[float, typer.Option(min=0.01, max=24, metavar="N", help="How long.")] = 2.0,
    speakers: Annotated[int, typer.Option(min=1, metavar="N", help="How many people in all.")] = 6,
    returning: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many of them leave and come back.")
    ] = 2,
    away: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long they are away at least.")
    ] = 3600.0,
    late: Annotated[int, typer.Option(min=0, metavar="N", help="How many join late.")] = 1,
    leaving: Annotated[int, typer.Option(min=0, metavar="N", help="How many leave early.")] = 1,
    rare: Annotated[bool, typer.Option(help="Whether one says only 1 % of it all.")] = True,
    same_sex: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many pairs of one sex are picked first.")
    ] = 2,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of turns begun before the last ends.")
    ] = 0.15,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed makes the same meeting.")] = 0,
) -> None:
    """Write a meeting: audio, reference and plan.

    hocket meetings make --speech speech --out long.flac --hours 4 --speakers 8
    """
    from hocket.streaming.evaluation.simulated.audio import num_blocks, write_meeting
    from hocket.streaming.evaluation.simulated.plan import MeetingRules, plan_meeting
    from hocket.streaming.evaluation.simulated.pool import read_pool

    pool = read_pool(speech)
    try:
        rules = MeetingRules(
            duration=hours * 3600, speakers=speakers, returning=returning, away=away, late=late,
            leaving=leaving, rare=rare, same_sex=same_sex, overlap=overlap,
        )  # fmt: skip
        meeting = plan_meeting(pool.voices, rules, seed)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error
    with counted(num_blocks(meeting), quiet=True) as advance:
        write_meeting(out, meeting, pool, rules, seed, lambda: advance("writing"))
    plan = meeting.to_dict(rules, seed)
    typer.echo(json_text.dumps({"audio": str(out), "speech": plan["speech"], "speakers": plan["speakers"]}))


@app.command()
def bench(
    speech: Speech,
    meetings: Annotated[int, typer.Option(min=1, metavar="N", help="How many meetings are scored.")] = 9,
    hours: Annotated[
        float, typer.Option(min=1.3, max=24, metavar="N", help="How long each of them is.")
    ] = 2.5,
    voices: Annotated[
        int, typer.Option(min=12, metavar="N", help="How many people of the folder they are made of.")
    ] = 24,
    returning: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="So many leave and come back in each meeting, beside two who stay; costs are left out.",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where what the models heard is kept, for the next time."),
    ] = None,
    json: Json = False,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    hop: options.Hop = options.DEFAULTS.hop,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Measure what hours do to who is who.

    Ids after an hour away, speakers found, and what naming and the slow path cost. Every voice is heard once
    by the models (40 s each); what they made of it is arranged into meetings, which the engine then hears in
    seconds.
    """
    from hocket.streaming.evaluation.simulated.bench import Stage, long_bench
    from hocket.streaming.evaluation.simulated.pool import read_pool
    from hocket.streaming.evaluation.simulated.tables import cost_table, session_table
    from hocket.streaming.evaluation.simulated.voices import hear_voices, heard_part

    config = options.config(config_file, latency, hop)
    pool = read_pool(speech).some(voices)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    with counted(len(pool.voices) + meetings + 1) as advance:
        heard = hear_voices(pool, pair.segmenter, pair.embedder, cache, advance)
        cast = [heard_part(voice) for voice in pool.voices]
        stage = Stage(pair.segmenter, pair.embedder, cast, heard, config)
        measured = long_bench(stage, meetings, hours, advance, returning)
    if json:
        print_json(measured.to_dict())
    else:
        arranged = session_table(measured.outcomes, "long meetings, perception arranged")
        print_tables(arranged, *([cost_table(measured)] if measured.cost else []))


@app.command()
def score(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of what hocket meetings make wrote.")],
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the models' answers are kept, for the next time."),
    ] = None,
    json: Json = False,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    hop: options.Hop = options.DEFAULTS.hop,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Score meetings heard as audio, by the whole engine.

    The same figures as of hocket meetings bench, and what models mishear is in them. An hour takes as long as
    in hocket diarize; with all answers in the cache, under a minute.
    """
    from hocket.streaming.evaluation.recordings import find_recordings
    from hocket.streaming.evaluation.simulated.heard import hear_meetings
    from hocket.streaming.evaluation.simulated.tables import session_table

    recordings = find_recordings(data)
    config = options.config(config_file, latency, hop)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    with counted(len(recordings)) as advance:
        outcomes = hear_meetings(recordings, pair.segmenter, pair.embedder, config, cache, advance)
    if json:
        print_json(outcomes.to_dict())
    else:
        print_tables(session_table(outcomes, "long meetings, heard"))
