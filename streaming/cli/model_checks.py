"""`hocket models verify` and `hocket models bench`: is a model what it should be, and what does it cost?"""

import json as json_text
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hocket.models.errors import MissingDependency

from .report import fail

if TYPE_CHECKING:
    from rich.table import Table

    from hocket.models.benchmark import Network, Timing
    from hocket.models.subject import Subject
    from hocket.models.verification import Verification

Wanted = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|FOLDER", help="A model, or a folder of packages; all that ship when left out."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Figures as JSON on standard output.")]


def verify(
    model: Wanted = None,
    json: Json = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Times and differences as a picture (needs matplotlib)."),
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --plot: a recording to run the model on; the picture then shows the time of each "
            "stage and the differences over the recording.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="SRC",
            help="With --audio: published checkpoints; differences are from PyTorch then, else from fp32.",
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="Of the portable runtime.")] = 1,
) -> None:
    """Check that a model gives here what it gave where it was made.

    Hashes of the files that ship; then every package, in every runtime and
    precision of this machine, against PyTorch's answers that lie beside it.
    Ends with exit code 1 when anything is off.
    """
    from hocket.models.verification import verify as check
    from hocket.models.verification_plot import check_plot, plot_verification

    if audio is not None and plot is None:
        raise typer.BadParameter("is drawn: name a picture with --plot", param_hint="--audio")
    if plot is not None:
        check_plot(plot)
    subjects = _subjects(model)
    with _status() as say_what:
        found = [check(subject, threads=threads, progress=say_what) for subject in subjects]
    if json:
        _print_json({"models": [verification.to_dict() for verification in found]})
    else:
        _print_table(_verification_table(found))
    faults = [fault for verification in found for fault in verification.faults]
    if plot is not None and audio is not None:
        faults += _draw_recorded(audio, plot, subjects, checkpoint, threads)
    elif plot is not None:
        plot_verification(plot, found)
    for fault in faults:
        fail(fault)
    if faults:
        raise typer.Exit(1)


def _draw_recorded(
    audio: Path, plot: Path, subjects: Sequence["Subject"], checkpoint: Path | None, threads: int
) -> list[str]:
    """Draw what the models make of a recording; what could not be run."""
    from hocket.models.recorded_check import check_recorded, choose_any
    from hocket.models.verification_plot import plot_recorded
    from hocket.streaming.evaluation.bench import clip
    from hocket.streaming.sources.file import FileSource

    networks = _networks(checkpoint) if checkpoint is not None else None
    recorded = []
    with _status() as say_what:
        for subject in subjects:
            model = choose_any(subject.label)
            samples = clip(FileSource(audio), model.card.numbers.spec.rate)
            recorded.append(
                check_recorded(model, samples, threads=threads, networks=networks, progress=say_what)
            )
    plot_recorded(plot, recorded)
    return [fault for one in recorded for fault in one.faults]


def bench(
    model: Wanted = None,
    json: Json = False,
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="N", help="Rows in a call; may be repeated; all admitted when left out."),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="N", help="Of the portable runtime and PyTorch; may be repeated."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Calls of each.")] = 20,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="SRC",
            help="Published checkpoints, as for hocket models convert: PyTorch is timed beside the packages.",
        ),
    ] = None,
) -> None:
    """Time the calls of a model by runtime, batch and threads.

    Milliseconds, median of rounds in which all take turns.
    """
    from hocket.models.benchmark import bench as measure

    subjects = _subjects(model)
    networks = _networks(checkpoint) if checkpoint is not None else {}
    with _status() as say_what:
        timings = [
            timing
            for subject in subjects
            for timing in measure(
                subject,
                threads=threads or [1],
                only_batches=batch,
                rounds=rounds,
                networks=networks,
                progress=say_what,
            )
        ]
    if json:
        _print_json({"machine": _machine(), "calls": [timing.to_dict() for timing in timings]})
    else:
        _print_table(_timing_table(timings))


def _subjects(model: str | None) -> list["Subject"]:
    from hocket.models.catalogue import known_models
    from hocket.models.subject import find_subject

    names = [card.name for card in known_models() if card.ships] if model is None else [model]
    return [find_subject(name) for name in names]


def _networks(checkpoint: Path) -> Mapping[str, "Network"]:
    """The networks of the published checkpoints, by the names of the packages they are converted to."""
    missing = [name for name in ("torch", "coremltools") if find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"PyTorch's times need {' and '.join(missing)}: pip install 'hocket[convert]'"
        )
    # coremltools greets every import with a page about libraries it has not been tested with.
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    import torch

    from hocket.models.convert.checkpoint import find_checkpoints
    from hocket.models.convert.recipes import parts_of

    def network(reference: Callable[[dict[str, Any]], object]) -> "Network":
        def run(inputs: Mapping[str, Any], threads: int) -> object:
            torch.set_num_threads(threads)
            return reference(dict(inputs))

        return run

    found = find_checkpoints(checkpoint)
    return {part.name: network(part.reference) for name, state in found for part in parts_of(name, state)}


@contextmanager
def _status() -> Iterator[Callable[[str], object]]:
    """What is done at the moment, on standard error where that is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _verification_table(found: Sequence["Verification"]) -> "Table":
    from rich.table import Table

    table = Table("Package", "Output", "Runtime", "Against", "Error", "At most", "Cosine", "ms", "")
    for verification in found:
        if verification.files:
            num_faults = sum(bool(check.fault) for check in verification.files)
            verdict = f"{num_faults} off" if num_faults else "ok"
            files = f"{len(verification.files)} files"
            table.add_row(verification.model, files, "", "catalogue", "", "", "", "", verdict)
        for check in verification.outputs:
            table.add_row(
                check.package,
                check.output,
                check.way,
                check.reference,
                _number(check.error, ".1e"),
                f"{check.tolerance:.0e}",
                _number(check.cosine, ".6f"),
                _number(check.milliseconds, ".1f"),
                "off" if check.fault else "ok",
            )
    return table


def _timing_table(timings: Sequence["Timing"]) -> "Table":
    from rich.table import Table

    table = Table("Package", "Runtime", "Threads", "Batch", "ms per call", "fastest", "ms per row")
    for timing in timings:
        table.add_row(
            timing.package,
            timing.runtime,
            "" if timing.threads is None else str(timing.threads),
            str(timing.batch),
            timing.fault or _number(timing.median, ".2f"),
            _number(timing.least, ".2f"),
            _number(timing.per_row, ".2f"),
        )
    return table


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _machine() -> dict[str, Any]:
    """What the figures depend on."""
    import os
    import platform
    from importlib.metadata import version

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
    }


def _print_json(figures: dict[str, Any]) -> None:
    json_text.dump(figures, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def _print_table(table: "Table") -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 150).print(table, highlight=False)
