"""hocket demo: a conversation that comes with hocket, heard as if it were live."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .outputs import Outputs
from .pipe import StandardOutput

if TYPE_CHECKING:
    from hocket.streaming.replay import Segment
    from hocket.streaming.sources.base import Block, Lost, Source

RECORDING = "conversation"
RTTM = "demo.rttm"


def demo(
    speed: Annotated[float, typer.Option(min=0.1, help="How many times faster than it was spoken.")] = 8.0,
    mqtt: options.Mqtt = None,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Hear a short conversation, see who speaks, and compare with the truth.

    Needs no microphone and no network. Writes the turns to demo.rttm in
    the current folder.
    """
    outputs = Outputs(rttm=RTTM, mqtt=mqtt)
    outputs.check([RECORDING])
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)

    from rich.console import Console

    from hocket.streaming.engine.diarizer import Diarizer
    from hocket.streaming.rttm import read_rttm
    from hocket.streaming.sinks.summary import SummaryTable
    from hocket.streaming.sources.file import FileSource

    from .session import exit_code, hear
    from .views import live_views

    folder = files("hocket.demo")
    truth = read_rttm(Path(str(folder / f"{RECORDING}.rttm")))[RECORDING]
    source = Hurried(FileSource(Path(str(folder / f"{RECORDING}.ogg"))), speed)
    config = options.config(config_file, latency)
    diarizer = Diarizer(pair.segmenter, pair.embedder, config, session=RECORDING, models=pair.names)
    sinks = [
        *live_views(f"a conversation, {speed:g} × faster", StandardOutput(source.close)),
        *outputs.sinks(RECORDING),
        SummaryTable(Console(), RECORDING),
    ]
    code = exit_code(hear(source, diarizer, sinks))
    if code:
        raise typer.Exit(code)
    typer.echo(_verdict(diarizer.annotation(), truth))
    typer.echo(f"The turns are in {RTTM}. Your turn: hocket listen")


class Hurried:
    """A file heard at `speed` times the pace of the clock."""

    live = False

    def __init__(self, source: "Source", speed: float) -> None:
        self._source = source
        self._speed = speed
        self.rate_hz, self.channels, self.num_samples = source.rate_hz, source.channels, source.num_samples

    def close(self) -> None:
        self._source.close()

    async def blocks(self) -> "AsyncGenerator[Block | Lost, None]":
        from hocket.streaming.sources.base import Block

        loop = asyncio.get_running_loop()
        started, position = loop.time(), 0
        async with contextlib.aclosing(self._source.blocks()) as pieces:
            async for piece in pieces:
                position += len(piece.samples) if isinstance(piece, Block) else piece.num_samples
                await asyncio.sleep(started + position / self.rate_hz / self._speed - loop.time())
                yield piece


def _verdict(annotation: "list[Segment]", truth: "list[Segment]") -> str:
    """How right that was, in a sentence."""
    from hocket.streaming.grid import to_cells
    from hocket.streaming.metrics import Lanes, diarization_errors

    num_cells = to_cells(max(segment.end for segment in [*annotation, *truth]))
    reference, said = Lanes.of(truth, num_cells), Lanes.of(annotation, num_cells)
    errors = diarization_errors(reference, said)
    found, there = len(said.labels), len(reference.labels)
    return (
        f"{found} speakers found, {there} there. Diarization error rate {errors.rate:.1%}, overlap counted."
    )
