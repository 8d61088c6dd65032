"""Options that several commands share, and what they stand for."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.errors import ConfigError

if TYPE_CHECKING:
    from hocket.models.selection import ModelPair

_MODELS = "Models"
_SPEAKERS = "Speakers and timing"
_OUTPUT = "Output"


class Runtime(StrEnum):
    """How models are run."""

    AUTO = "auto"
    NATIVE = "native"
    PORTABLE = "portable"


class ComputeUnits(StrEnum):
    """Where the native runtime may run models."""

    ALL = "all"
    CPU = "cpu"
    CPU_AND_GPU = "cpu-and-gpu"
    CPU_AND_NE = "cpu-and-ne"


Latency = Annotated[
    float,
    typer.Option(
        "--latency",
        metavar="SECONDS",
        help="How long a turn may stay provisional, 0 to 5: at 0 the newest window decides, later more "
        "windows vote.",
        rich_help_panel=_SPEAKERS,
    ),
]
Hop = Annotated[
    float,
    typer.Option(
        "--hop",
        metavar="SECONDS",
        help="Time between looks at the sound, 0.1 to 2: shorter is quicker and costs more.",
        rich_help_panel=_SPEAKERS,
    ),
]
NumSpeakers = Annotated[
    int | None,
    typer.Option(
        "--speakers", metavar="N", help="Exactly so many speakers, where you know.", rich_help_panel=_SPEAKERS
    ),
]
MinSpeakers = Annotated[
    int | None,
    typer.Option(
        "--min-speakers", metavar="N", help="No fewer speakers in the end.", rich_help_panel=_SPEAKERS
    ),
]
People = Annotated[
    Path | None,
    typer.Option(
        "--people",
        metavar="STORE",
        help="Call those by name whose voices this store knows: see hocket people.",
        exists=True,
        dir_okay=False,
        rich_help_panel=_SPEAKERS,
    ),
]
MaxSpeakers = Annotated[
    int | None,
    typer.Option(
        "--max-speakers", metavar="N", help="Never more than so many speakers.", rich_help_panel=_SPEAKERS
    ),
]
Models = Annotated[
    str,
    typer.Option(
        "--models",
        metavar="NAME|FOLDER",
        help="A pair of models: see hocket models list. Or a folder that holds both.",
        rich_help_panel=_MODELS,
    ),
]
SegmentationModel = Annotated[
    str | None,
    typer.Option(
        "--segmentation-model",
        metavar="NAME|FOLDER",
        help="Another model for who speaks when within a window, instead of the pair's.",
        rich_help_panel=_MODELS,
    ),
]
EmbeddingModel = Annotated[
    str | None,
    typer.Option(
        "--embedding-model",
        metavar="NAME|FOLDER",
        help="Another model for telling voices apart, instead of the pair's.",
        rich_help_panel=_MODELS,
    ),
]
RuntimeChoice = Annotated[
    Runtime,
    typer.Option(
        "--runtime",
        help="Core ML (native, on macOS), onnxruntime (portable), or what is best here.",
        rich_help_panel=_MODELS,
    ),
]
ComputeUnitsChoice = Annotated[
    ComputeUnits,
    typer.Option(
        "--compute-units",
        metavar="UNITS",
        help="What the native runtime may use: all, cpu, cpu-and-gpu or cpu-and-ne (Neural Engine).",
        rich_help_panel=_MODELS,
    ),
]
KeptAnswers = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Where the models' answers are kept, for the next time: 1 GB for an hour of speech.",
    ),
]
Whole = Annotated[
    bool,
    typer.Option(
        "--whole", help="Take what is no speech too, as TitaNet's own tools do.", rich_help_panel=_MODELS
    ),
]
Rttm = Annotated[
    str | None,
    typer.Option(
        "--rttm", metavar="PATH", help="Turns as RTTM, written at the end.", rich_help_panel=_OUTPUT
    ),
]
JsonLinesPath = Annotated[
    str | None,
    typer.Option(
        "--jsonl",
        metavar="PATH",
        help="Every event as a line of JSON, written as it happens; - is standard output.",
        rich_help_panel=_OUTPUT,
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot",
        metavar="PATH",
        help="The timeline as a picture: .svg, .png or .pdf (needs matplotlib).",
        rich_help_panel=_OUTPUT,
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels", metavar="PATH", help="Turns as a label track for Audacity.", rich_help_panel=_OUTPUT
    ),
]

Mqtt = Annotated[
    str | None,
    typer.Option(
        "--mqtt",
        metavar="URL",
        help="Every event to a broker: mqtt://user:password@host:port/prefix, mqtts:// for TLS.",
        envvar="HOCKET_MQTT",
        show_envvar=True,
        rich_help_panel=_OUTPUT,
    ),
]

Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS|local",
        help="Have a Ray cluster hear the recordings, many at a time: HOST:PORT of its head, auto where "
        "this machine is part of it, local for all cores here.",
        rich_help_panel="Past one machine",
    ),
]

DEFAULTS = DiarizerConfig()


def _read(context: typer.Context, path: Path | None) -> Path | None:
    """Makes a file's settings the defaults of the command's options; see `config` for those without one."""
    if path is not None:
        from hocket.streaming.config_file import read_config

        settings = read_config(path)
        context.default_map = {
            option.name: [value] if getattr(option, "multiple", False) else value
            for option in context.command.params
            if option.name and (value := getattr(settings, option.name, None)) is not None
        }
    return path


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings as TOML, as hocket tune writes them; other options go before it.",
        is_eager=True,
        callback=_read,
        exists=True,
        dir_okay=False,
        rich_help_panel=_SPEAKERS,
    ),
]


def open_pair(
    models: str,
    segmentation_model: str | None,
    embedding_model: str | None,
    runtime: Runtime,
    compute_units: ComputeUnits,
) -> "ModelPair":
    """The models that the options name. Raises ModelError."""
    from hocket.models.selection import open_models

    return open_models(
        models,
        segmentation=segmentation_model,
        embedding=embedding_model,
        runtime=runtime.value,
        compute_units=compute_units.value,
    )


def config(
    file: Path | None,
    latency: float | None = None,
    hop: float | None = None,
    max_speakers: int | None = None,
    min_speakers: int | None = None,
    num_speakers: int | None = None,
) -> DiarizerConfig:
    """The settings that `--config` and the options name; what is None is as in the file, or the default.

    Raises BadParameter for one that is out of range.
    """
    from hocket.streaming.config_file import read_config

    settings = DEFAULTS if file is None else read_config(file)
    given = {"latency": latency, "hop": hop, "max_speakers": max_speakers}
    given |= {"min_speakers": min_speakers, "num_speakers": num_speakers}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        return replace(settings, **chosen)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error
