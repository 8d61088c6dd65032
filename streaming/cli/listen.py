"""hocket listen: the microphone, live."""

from typing import Annotated

import typer

from . import options
from .outputs import Outputs
from .pipe import StandardOutput
from .report import say

RECORDING = "microphone"


def listen(
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="NAME|NUMBER",
            help="A microphone by part of its name: see hocket devices.",
        ),
    ] = None,
    rttm: options.Rttm = None,
    jsonl: options.JsonLinesPath = None,
    plot: options.Plot = None,
    labels: options.Labels = None,
    mqtt: options.Mqtt = None,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    hop: options.Hop = options.DEFAULTS.hop,
    num_speakers: options.NumSpeakers = options.DEFAULTS.num_speakers,
    min_speakers: options.MinSpeakers = options.DEFAULTS.min_speakers,
    max_speakers: options.MaxSpeakers = options.DEFAULTS.max_speakers,
    people: options.People = None,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Who is speaking into the microphone, until Ctrl-C.

    A terminal shows a lane per speaker. A pipe or file gets a line per
    change and per final turn instead; --jsonl - gives it every event.
    Outputs are complete after Ctrl-C too.

    hocket listen
    hocket listen --device "USB" --rttm meeting.rttm
    hocket listen --mqtt mqtt://broker.local/office
    hocket listen --jsonl - | jq -c 'select(.type == "turn")'
    """
    outputs = Outputs(rttm, jsonl, plot, labels, mqtt)
    outputs.check([RECORDING])
    config = options.config(config_file, latency, hop, max_speakers, min_speakers, num_speakers)

    from hocket.streaming.sources.microphone import Microphone

    source = Microphone(device)
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)

    from hocket.streaming.commands import Commands
    from hocket.streaming.engine.diarizer import Diarizer

    from .people import profiles_in
    from .session import exit_code, hear
    from .views import live_views, summary_views

    diarizer = Diarizer(
        pair.segmenter,
        pair.embedder,
        config,
        session=RECORDING,
        models=pair.names,
        people=profiles_in(people, pair.names["embedding"]) if people else [],
    )
    stdout = StandardOutput(source.close)
    commands = Commands()
    sinks = [
        *live_views(source.name, None if outputs.on_stdout else stdout),
        *outputs.sinks(RECORDING, stdout, commands=commands),
        *summary_views(source.name),
    ]
    code = exit_code(hear(source, diarizer, sinks, commands))
    for path in outputs.files(RECORDING):
        if path.exists():
            say(f"{path} written")
    raise typer.Exit(code)
