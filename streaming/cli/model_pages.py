"""`hocket models list` and `hocket models info`: what there is to run, and all that is known of it."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from hocket.models.catalogue import Card
    from hocket.models.sources import Source
    from hocket.models.store import Pulled

_UNKNOWN = "unknown until it is pulled"


def list_models() -> None:
    """Every model by name, where it is, and the pairs that --models takes.

    A name goes into --segmentation-model or --embedding-model. What is not on
    this machine yet comes with hocket models pull NAME.
    """
    from rich.table import Table

    from hocket.models.catalogue import known_models, known_pairs
    from hocket.models.selection import missing_from

    table = Table("Name", "Role", "Here", "MB", "Licence")
    for card in known_models():
        table.add_row(card.name, card.role, *_whereabouts(card), card.license)
    _print(table)
    pairs = Table("--models", "Segmentation", "Embedding", "")
    for name, pair in known_pairs().items():
        verdict = "ready" if not missing_from(name) else f"hocket models pull {name}"
        pairs.add_row(name, pair["segmentation"], pair["embedding"], verdict)
    _print(pairs)


def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from hocket models list.")],
) -> None:
    """All that is known of one model: numbers, files, origin, licence, citations."""
    from rich.table import Table

    from hocket.models.catalogue import find_card
    from hocket.models.store import find_pulled

    card = find_card(name)
    table = Table(title=card.name, title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("role", card.role)
    table.add_row("what it does", card.summary)
    for what, value in _numbers(card):
        table.add_row(what, value)
    for package in card.packages:
        inputs = ", ".join(f"{name} {shape}" for name, shape in package.inputs.items())
        table.add_row(f"package {package.part}", f"{inputs} → {', '.join(package.outputs)}")
    for what, value in _files(card):
        table.add_row(what, value)
    table.add_row("origin", card.origin)
    if card.source is not None:
        for what, value in _publication(card.source):
            table.add_row(what, value)
    pulled = find_pulled(card.name)
    if pulled is not None:
        for what, value in _pulled(pulled):
            table.add_row(what, value)
    table.add_row("licence", f"{card.license}\n{card.copyright}")
    table.add_row("cite", "\n".join(card.citations))
    _print(table)


def _whereabouts(card: "Card") -> tuple[str, str]:
    """Whether the model is on this machine, and its size in MB there or at its publisher's."""
    from hocket.models.store import find_pulled

    if card.ships:
        return "with hocket", _megabytes(sum(file.size for file in card.files))
    pulled = find_pulled(card.name)
    if pulled is not None:
        kept = "pulled" if pulled.has_packages_of(card) else "checkpoint only"
        return kept, _megabytes(pulled.num_bytes)
    if card.source is None or not card.source.on_hub:
        return "no", ""
    return "no, gated" if card.source.gated else "no", _megabytes(card.source.num_bytes)


def _files(card: "Card") -> Iterator[tuple[str, str]]:
    from hocket.models.catalogue import weights_folder

    if card.ships:
        yield "files", "\n".join(str(weights_folder() / package.path) for package in card.packages)
        yield "size", f"{_megabytes(sum(file.size for file in card.files))} MB"


def _publication(source: "Source") -> Iterator[tuple[str, str]]:
    yield "repository", f"{source.repository} on {source.site}"
    yield "revision", source.revision or _UNKNOWN
    yield "gated", _gate(source)
    if source.checkpoint:
        yield "checkpoint", f"{source.checkpoint}, converted when it is pulled"
    for file in source.files:
        size = f"{file.size} bytes" if file.size is not None else f"size {_UNKNOWN}"
        sha256 = file.sha256 or _UNKNOWN
        yield "published", f"{file.path}, {size}{', if there' if file.optional else ''}\nsha256 {sha256}"
    yield "known from", source.evidence


def _gate(source: "Source") -> str:
    if not source.gated:
        return "no"
    return (
        f"yes: sign in and accept the conditions on {source.page}, then give hocket a token (hf auth login)"
    )


def _pulled(pulled: "Pulled") -> Iterator[tuple[str, str]]:
    yield "pulled", f"{pulled.folder}, {_megabytes(pulled.num_bytes)} MB"
    yield "at revision", pulled.revision
    for file in pulled.files:
        yield "kept", f"{file.path}, {file.size} bytes\nsha256 {file.sha256}"


def _megabytes(num_bytes: int | None) -> str:
    return "" if num_bytes is None else f"{num_bytes / 1e6:.1f}"


def _numbers(card: "Card") -> Iterator[tuple[str, str]]:
    from hocket.models.catalogue import DetectionCard, SegmentationCard

    numbers = card.numbers
    yield "rate", f"{numbers.spec.rate} Hz"
    if isinstance(numbers, SegmentationCard):
        spec = numbers.spec
        yield "windows", ", ".join(f"{length / spec.rate:g}" for length in spec.lengths) + " s"
        yield "frames", f"every {spec.frame_step} samples, the first centred on sample {spec.frame_offset}"
        classes = ("{" + ", ".join(str(s + 1) for s in members) + "}" for members in spec.classes)
        yield "classes", " ".join(classes)
        yield "thresholds", f"speech begins at {spec.onset:g}, ends at {spec.offset:g}"
        yield "gives", numbers.scores
        return
    if isinstance(numbers, DetectionCard):
        detector = numbers.spec
        yield "chunks", f"of {detector.chunk} samples, each heard with {detector.lookback} before it"
        yield "remembers", f"{detector.memory} numbers from one call to the next"
        yield "counts", f"{detector.share:g} of what is speech, {detector.lean:+g}"
        return
    voice = numbers.spec
    noise = voice.calibration
    least, step, new, past = (
        f"{samples / voice.rate:g} s"
        for samples in (voice.min_frames * voice.frame_step, voice.frame_step, voice.hop, voice.lookback)
    )
    yield "front end", str(getattr(numbers, "front_end", "in the package"))
    yield "vectors", f"{voice.size} numbers from at least {least}"
    yield "frames", f"{voice.channels} channels every {step}"
    yield "looks at", f"{new} of new audio with {past} before it"
    yield (
        "calibration",
        f"cosine of two speakers {noise.different:g}; "
        f"noise {noise.noise_floor:g} + {noise.noise_per_second:g} / seconds",
    )
    if voice.threshold is not None:
        yield "threshold", f"one voice from a score of {voice.threshold:g} on"


def _print(table: "Table") -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 150).print(table, highlight=False)
