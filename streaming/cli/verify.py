"""hocket verify: whether two recordings hold one voice, or how often that is told wrong of a whole list."""

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hocket.streaming.errors import AudioError

from . import options
from .progress import counted
from .report import fail

if TYPE_CHECKING:
    from rich.table import Table

    from hocket.streaming.verification.hearing import Voice
    from hocket.streaming.verification.trials import TrialReport
    from hocket.streaming.verification.voices import Verdict, VoiceEmbedder

_TRIALS = "Lists of trials"
LITTLE_SPEECH = 1.0  # seconds; a cosine of less says little


def verify(
    files: Annotated[list[str] | None, typer.Argument(metavar="A B", help="Two recordings.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Figures as JSON on standard output.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="One speaker from this score on, 0 to 1; by default the model's own.",
            min=0,
            max=1,
        ),
    ] = None,
    trials: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST",
            help="Pairs in VoxCeleb's form, a line each: 1 a.wav b.wav is one speaker, 0 a.wav b.wav two.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the list's paths start from; by default where the list lies.",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The DET curve as a picture: .svg, .png or .pdf (needs matplotlib).",
            rich_help_panel=_TRIALS,
        ),
    ] = None,
    whole: options.Whole = False,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Tell whether two recordings hold one voice, or how well a list is told.

    The score is (cosine + 1) / 2 of the two voice vectors; from the threshold
    on they are taken for one speaker. With --trials every recording of the
    list is heard once, and out come the equal error rate and the least
    detection cost: docs/metrics.md says what they mean.

    hocket verify monday.wav tuesday.wav
    hocket verify --trials veri_test.txt --root voxceleb1/wav --plot det.svg
    """
    from hocket.streaming.verification.voices import VoiceEmbedder

    _check_usage(files or [], trials, root, plot)
    if trials is not None:
        from hocket.streaming.verification.trials import find_recordings, read_trials, recordings_of

        pairs = read_trials(trials)
        recordings = find_recordings(recordings_of(pairs), root or trials.parent)
        _check_plot(plot)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    voices = VoiceEmbedder(pair, whole=whole, threshold=threshold)
    if trials is None:
        first, second = (voices.embed(file) for file in files or [])
        verdict = voices.compare(first, second)
        if json:
            _print_json(_verdict_figures(verdict, first, second, voices))
        else:
            typer.echo(_sentence(verdict, first, second, voices))
        return

    from hocket.streaming.verification.trials import score_trials

    report = score_trials(pairs, _embed_all(voices, recordings), voices.threshold)
    if json:
        _print_json({"model": voices.model, **report.to_dict()})
    else:
        from rich.console import Console

        Console().print(_table(report, f"{trials.name} by {voices.model}"))
    if plot is not None:
        from hocket.streaming.verification.det_plot import plot_det

        plot_det(plot, report, f"{trials.name} by {voices.model}")
    if report.num_left_out:
        fail(f"{report.num_left_out} of {len(pairs)} trials are left out: not every recording has a voice")
        raise typer.Exit(1)


def _check_usage(files: list[str], trials: Path | None, root: Path | None, plot: Path | None) -> None:
    """Raise BadParameter for what does not go together."""
    if trials is None and len(files) != 2:
        raise typer.BadParameter(
            f"{len(files)} recordings: expected two, or a list with --trials", param_hint="A B"
        )
    if trials is not None and files:
        raise typer.BadParameter(
            "expected no recordings beside --trials: the list names them", param_hint="A B"
        )
    for option, value in {"--root": root, "--plot": plot}.items():
        if trials is None and value is not None:
            raise typer.BadParameter("belongs to a list of trials: --trials LIST", param_hint=option)


def _check_plot(plot: Path | None) -> None:
    if plot is not None:
        from hocket.streaming.verification.det_plot import check_plot

        check_plot(plot)
        if not plot.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {str(plot.parent)!r}", param_hint="--plot")


def _embed_all(voices: "VoiceEmbedder", recordings: dict[str, Path]) -> "dict[str, Voice]":
    """The voice of each recording by its name in the list; what cannot be heard is said and left out."""
    found = {}
    with counted(len(recordings), quiet=True) as advance:
        for name, path in recordings.items():
            try:
                found[name] = voices.embed(path)
            except AudioError as error:
                fail(str(error))
            advance(name)
    return found


def _sentence(verdict: "Verdict", first: "Voice", second: "Voice", voices: "VoiceEmbedder") -> str:
    known = {True: "one speaker", False: "two speakers", None: "undecided"}[verdict.is_same]
    least = (
        f"threshold {verdict.threshold:.3f}"
        if verdict.threshold is not None
        else f"{voices.model} has no threshold: choose one with --threshold"
    )
    speech = f"{first.speech:.1f} s and {second.speech:.1f} s of speech"
    little = ": too little to be sure" if min(first.speech, second.speech) < LITTLE_SPEECH else ""
    return f"{known}: score {verdict.score:.3f} (cosine {verdict.cosine:.3f}), {least}\n{speech}{little}"


def _verdict_figures(
    verdict: "Verdict", first: "Voice", second: "Voice", voices: "VoiceEmbedder"
) -> dict[str, Any]:
    return {
        "model": voices.model,
        "same": verdict.is_same,
        "score": verdict.score,
        "cosine": verdict.cosine,
        "threshold": verdict.threshold,
        "speech": [first.speech, second.speech],
    }


def _table(report: "TrialReport", title: str) -> "Table":
    from rich.table import Table

    table = Table("", "", "at threshold", title=title, title_justify="left", show_header=True)
    same, different = report.curve.num_same, report.curve.num_different
    table.add_row("trials of one speaker / of two", f"{same} / {different}", "")
    equal = report.equal_errors
    table.add_row("equal error rate", f"{equal.value:.2%}", f"{equal.threshold:.3f}")
    for p_target, cost in report.costs.items():
        table.add_row(f"minDCF, p_target {p_target:g}", f"{cost.value:.3f}", f"{cost.threshold:.3f}")
    if report.decisions is not None:
        misses, alarms = report.decisions
        table.add_row("misses / false alarms", f"{misses:.2%} / {alarms:.2%}", f"{report.threshold:.3f}")
    return table


def _print_json(figures: dict[str, Any]) -> None:
    json_text.dump(figures, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")
