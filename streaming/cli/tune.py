"""`hocket tune`: settings that do best on one's own recordings."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .figures import Json, print_json, print_tables
from .progress import counted
from .report import say


def tune(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Recordings with their references, as for hocket eval.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the settings go; give it to --config.")
    ] = Path("hocket.toml"),
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Recordings that the search does not see: is it better there too?"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Tune only settings so called, as clustering.slow.*; repeatable."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, metavar="N", help="Settings to try.")] = 100,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed, the same search.")] = 0,
    cache: options.KeptAnswers = None,
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
    """Search for settings that do best on recordings with references.

    Minimises the mean of the diarization error as first shown and as settled (collar 0, overlap scored). The
    models hear each recording once; every trial after that costs the engine alone. Needs the extra "tune"
    (optuna).

    hocket tune --data calls --held-out more-calls --out calls.toml
    hocket listen --config calls.toml
    """
    from hocket.streaming.config_file import write_config
    from hocket.streaming.engine.sections import nested
    from hocket.streaming.evaluation.recordings import find_recordings
    from hocket.streaming.evaluation.report import tuning_table
    from hocket.streaming.evaluation.search_space import chosen
    from hocket.streaming.evaluation.tuning import Bench
    from hocket.streaming.evaluation.tuning import tune as search

    space = chosen(only or [])
    config = options.config(config_file, latency, hop)
    recordings = find_recordings(data)
    others = find_recordings(held_out) if held_out is not None else []
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    with tempfile.TemporaryDirectory() as passing, counted(trials) as advance:
        bench = Bench(pair.segmenter, pair.embedder, cache or Path(passing), config)
        tuned = search(bench, recordings, others, space, trials=trials, seed=seed, progress=advance)
    plain = {"hop": hop, "latency": latency}
    remark = f"hocket tune: {trials} trials on {len(recordings)} recordings of {data.name}, seed {seed}"
    write_config(out, {**plain, **nested({**bench.defaults(), **tuned.settings})}, remark)
    if json:
        print_json(tuned.to_dict())
    else:
        print_tables(tuning_table(tuned))
        say(f"{out} written: {len(tuned.settings)} settings differ from those before")
