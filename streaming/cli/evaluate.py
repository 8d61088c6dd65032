"""`hocket eval`: how good it is."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .figures import Json, print_json, print_tables
from .progress import counted


class Segmentation(StrEnum):
    """Who says which voices there are in a window."""

    MODEL = "model"
    ORACLE = "oracle"


class Published(StrEnum):
    """Conditions of published tables."""

    PYANNOTE = "pyannote"
    TITANET = "titanet"
    TITANET_KNOWN = "titanet-known"


COMPARED = (0.5, 1.0, 2.0, 5.0)  # latencies, where none is asked for


def evaluate(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Recordings with their references: NAME.flac, NAME.rttm, perhaps NAME.uem."
        ),
    ],
    latency: Annotated[
        list[float] | None,
        typer.Option(metavar="SECONDS", help="Latency to score at, 0 to 5; may be given several times."),
    ] = None,
    json: Json = False,
    segmentation: Annotated[
        Segmentation,
        typer.Option(help="oracle: the reference in the segmentation model's place; what is left is naming."),
    ] = Segmentation.MODEL,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Also with the whole recording at hand (offline), in one table; at 0.5, 1, 2 and 5 s if no "
            "latency is given.",
        ),
    ] = False,
    recipe: Annotated[
        bool,
        typer.Option("--recipe", help="Also the published offline recipe on the same models; --compare."),
    ] = False,
    conditions: Annotated[
        Published | None,
        typer.Option(
            help="Score as published tables do. pyannote (and diart): collar 0, overlap scored. titanet: "
            "when anybody speaks is given, collar 0.25 s each side, no overlap; titanet-known: and how many "
            "speakers there are.",
        ),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            metavar="turns|DIR",
            help="Caption each recording too, and score that. turns: words made of the reference's turns, "
            "0.3 s each, edges moved by up to 0.15 s. DIR: words in NAME.ctm or NAME.words.json; the truth "
            "in NAME.stm, else speakers in NAME.words.json, else the turns.",
        ),
    ] = None,
    config_file: options.ConfigFile = None,
    hop: options.Hop = options.DEFAULTS.hop,
    max_speakers: options.MaxSpeakers = None,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Score recordings against their references.

    Diarization error as first shown and as settled, names that flip, speakers that come late, changes that
    are missed, and with --words, words that go to others: docs/metrics.md says what each figure means. Needs
    the extra "eval" (pyannote.metrics).
    """
    from hocket.streaming.evaluation.conditions import CONDITIONS
    from hocket.streaming.evaluation.evaluate import evaluate as score
    from hocket.streaming.evaluation.recordings import find_recordings
    from hocket.streaming.evaluation.report import accuracy_table, captions_table, compare_table, live_table
    from hocket.streaming.evaluation.scripts import scripts_of

    against = ["offline", *(["recipe"] if recipe else [])] if compare or recipe else []
    if conditions and CONDITIONS[conditions].oracle_speech and segmentation is Segmentation.ORACLE:
        raise typer.BadParameter(
            "gives speech alone, --segmentation oracle every voice: choose one", param_hint="--conditions"
        )
    latencies = latency or list(COMPARED if against else [options.DEFAULTS.latency])
    # All of them now: a latency out of range should not wait for its turn.
    configs = [options.config(config_file, seconds, hop, max_speakers) for seconds in latencies]
    recordings = find_recordings(data)
    scripts = None if words is None else scripts_of(recordings, words)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    with counted(len(recordings) * len(latencies)) as advance:
        report = score(
            recordings,
            pair.segmenter,
            pair.embedder,
            latencies=latencies,
            config=configs[0],
            oracle=segmentation is Segmentation.ORACLE,
            conditions=CONDITIONS[conditions] if conditions else None,
            against=against,
            scripts=scripts,
            progress=lambda recording, seconds: advance(f"{recording.name} at {seconds:g} s"),
        )
    if json:
        print_json(report.to_dict())
    else:
        first = [compare_table(report)] if against or conditions else [accuracy_table(report)]
        print_tables(*first, live_table(report), *([captions_table(report)] if scripts else []))
        typer.echo(f"real-time factor {report.rtf:.3f}")
