"""`hocket ablate`: which stage loses what."""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .figures import Json, print_json, print_tables
from .progress import counted


def ablate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Recordings with their references, as for hocket eval.")
    ],
    plot: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The table as a picture: .svg, .png or .pdf.")
    ] = None,
    cache: options.KeptAnswers = None,
    json: Json = False,
    latency: options.Latency = options.DEFAULTS.latency,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Say which stage loses what.

    Parts of the engine are replaced by the reference, or left out, one at a time, and scored like hocket
    eval. Needs the extra "eval" (pyannote.metrics).
    """
    from hocket.streaming.evaluation.ablation import ABLATIONS
    from hocket.streaming.evaluation.ablation import ablate as measure
    from hocket.streaming.evaluation.ablation_plot import plot_ablation
    from hocket.streaming.evaluation.recordings import find_recordings
    from hocket.streaming.evaluation.report import ablation_table

    recordings = find_recordings(data)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    with counted(len(recordings) * len(ABLATIONS)) as advance:
        tallies = measure(
            recordings,
            pair.segmenter,
            pair.embedder,
            latency=latency,
            cache=cache,
            progress=lambda recording, ablation: advance(f"{recording.name}, {ablation.name}"),
        )
    if plot is not None:
        plot_ablation(plot, tallies)
    if json:
        print_json({name: found.to_dict() for name, found in tallies.items()})
    else:
        print_tables(ablation_table(tallies))
