"""From what a user names (a pair, a model, a folder) to a segmenter and an embedder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .catalogue import (
    Card,
    DetectionCard,
    EmbeddingCard,
    Role,
    SegmentationCard,
    UtteranceCard,
    WindowCard,
    find_card,
    known_models,
    known_pairs,
    unknown,
)
from .detector import PackageDetector, SecondedSegmenter
from .embedder import PackageEmbedder
from .errors import ModelRoleError, UnknownModel
from .folder_card import card_in
from .mlpackage import read_package
from .open import Runtime, open_predictor
from .predictor import Predictor
from .roles import Embedder, Segmenter
from .segmenter import PackageSegmenter
from .store import is_ready, packages_of
from .utterance import UtteranceEmbedder
from .windowed import WindowEmbedder


@dataclass(frozen=True)
class ModelPair:
    """What a diarizer needs. names: per role the model's name in the catalogue, and its folder if given.

    The segmenter is a DetectingSegmenter where a speech detector came along.
    """

    segmenter: Segmenter
    embedder: Embedder
    names: dict[str, str]


@dataclass(frozen=True)
class Opening:
    """How packages are opened; see open_predictor."""

    runtime: Runtime = "auto"
    compute_units: str = "all"
    threads: int = 1
    providers: Sequence[str] | None = None

    def predictor(self, path: Path, *, free_batch: bool = False) -> Predictor:
        """The package at `path`, loaded."""
        return open_predictor(
            path,
            runtime=self.runtime,
            threads=self.threads,
            providers=self.providers,
            compute_units=self.compute_units,
            free_batch=free_batch,
        )


@dataclass(frozen=True)
class Chosen:
    """A model and where each of its packages lies. label: for people and logs."""

    card: Card
    paths: dict[str, Path]
    label: str


def open_models(
    models: str = "default",
    *,
    segmentation: str | Path | None = None,
    embedding: str | Path | None = None,
    detects: bool = True,
    runtime: Runtime = "auto",
    compute_units: str = "all",
    threads: int = 1,
    providers: Sequence[str] | None = None,
) -> ModelPair:
    """The segmenter and the embedder of a named pair, or others in their place.

    models: a pair of the catalogue, or a folder that holds both models. segmentation, embedding: instead of
        the pair's, a model of the catalogue or a folder: a package, or a folder of packages, which says what
        it is in card.toml or is recognised by its interfaces. Models of the catalogue come with hocket or
        were pulled. detects: whether the pair's speech detector, if it has one, comes along. runtime and what
        follows: see open_predictor.
    Raises UnknownModel for a name or folder that is not there, with the command that pulls it,
    ModelRoleError for a model that plays the other part or a pair that hears at two rates, PackageError for
    damaged files, ModelError for a card that is not sound, and what open_predictor raises.
    """
    pair: Mapping[Role, str | Path]
    if models in (pairs := known_pairs()):
        pair = pairs[models]
        if segmentation is None and embedding is None:
            _check_ready(models)
    elif Path(models).is_dir():
        pair = {"segmentation": Path(models), "embedding": Path(models)}
    else:
        raise unknown("pair of models", models, tuple(pairs))
    segmentation_model = choose(segmentation or pair["segmentation"], "segmentation")
    embedding_model = choose(embedding or pair["embedding"], "embedding")
    _check_rates(segmentation_model, embedding_model)
    names = {"segmentation": segmentation_model.label, "embedding": embedding_model.label}
    opening = Opening(runtime, compute_units, threads, providers)
    segmenter = open_segmenter(segmentation_model, opening)
    if detects and "speech" in pair:
        detector = choose(pair["speech"], "speech")
        if detector.card.numbers.spec.rate == segmenter.spec.rate:  # it hears no other
            segmenter = SecondedSegmenter(segmenter, open_detector(detector, opening))
            names["speech"] = detector.label
    return ModelPair(segmenter, open_embedder(embedding_model, opening), names)


def missing_from(pair: str) -> list[str]:
    """The names of a pair's models that are not on this machine."""
    return [name for name in known_pairs()[pair].values() if not is_ready(find_card(name))]


def _check_ready(pair: str) -> None:
    if missing := missing_from(pair):
        raise UnknownModel(
            f"{pair} needs {' and '.join(missing)}, not on this machine yet: hocket models pull {pair}"
        )


def _check_rates(*chosen: Chosen) -> None:
    rates = [model.card.numbers.spec.rate for model in chosen]
    if len(set(rates)) > 1:
        heard = ", ".join(f"{model.label} hears {rate} Hz" for model, rate in zip(chosen, rates))
        raise ModelRoleError(f"{heard}: a pair needs one rate")


def choose(wanted: str | Path, role: Role) -> Chosen:
    """The model that `wanted` names, by catalogue or by folder, for this role. Raises as open_models."""
    if isinstance(wanted, Path) or (
        wanted not in {card.name for card in known_models()} and Path(wanted).exists()
    ):
        return _choose_folder(Path(wanted), role)
    card = find_card(wanted)
    if card.role != role:
        raise ModelRoleError(f"{card.name} is a model for {card.role}, not for {role}")
    folder = packages_of(card)
    return Chosen(card, {part.part: folder / part.path for part in card.packages}, card.name)


def open_segmenter(model: Chosen, opening: Opening) -> Segmenter:
    """A chosen segmentation model, loaded."""
    numbers = model.card.numbers
    assert isinstance(numbers, SegmentationCard)
    net = opening.predictor(model.paths["net"], free_batch=numbers.free_batch)
    return PackageSegmenter(net, numbers.spec, scores=numbers.scores)


def open_detector(model: Chosen, opening: Opening) -> PackageDetector:
    """A chosen speech detector, loaded."""
    numbers = model.card.numbers
    assert isinstance(numbers, DetectionCard)
    return PackageDetector(opening.predictor(model.paths["net"]), numbers.spec)


def open_embedder(model: Chosen, opening: Opening) -> Embedder:
    """A chosen embedding model, loaded."""
    numbers = model.card.numbers
    if isinstance(numbers, UtteranceCard):
        return UtteranceEmbedder(
            opening.predictor(model.paths["net"]),
            numbers.spec,
            front_end=numbers.front_end,
            frames_per_weight=numbers.frames_per_weight,
        )
    if isinstance(numbers, WindowCard):
        front_end = model.paths.get("front_end")
        on_cpu = replace(opening, compute_units="cpu")  # energies pass what half precision holds
        return WindowEmbedder(
            opening.predictor(model.paths["net"], free_batch=numbers.free_batch),
            numbers.spec,
            mask_frames=numbers.mask_frames,
            front_end=on_cpu.predictor(front_end) if front_end else None,
        )
    assert isinstance(numbers, EmbeddingCard)
    return PackageEmbedder(
        opening.predictor(model.paths["trunk"]),
        opening.predictor(model.paths["head"]),
        numbers.spec,
        front_end=numbers.front_end,
        pool_sizes=numbers.pool_sizes,
    )


def _choose_folder(folder: Path, role: Role) -> Chosen:
    card = card_in(folder)
    if card is not None:
        if card.role != role:
            raise ModelRoleError(f"{folder} holds {card.name}, a model for {card.role}, not for {role}")
        paths = {package.part: folder / package.path for package in card.packages}
        return Chosen(card, paths, f"{card.name} ({folder})")
    packages = packages_in(folder)
    programs = {path: read_package(path) for path in packages}
    complete = []
    for card in known_models():
        paths = {
            part.part: path
            for part in card.packages
            for path, program in programs.items()
            if part.fits(program.inputs, program.outputs)
        }
        if len(paths) == len(card.packages):
            complete.append(Chosen(card, paths, f"{card.name} ({folder})"))
    for chosen in complete:
        if chosen.card.role == role:
            return chosen
    if complete:
        card = complete[0].card
        raise ModelRoleError(f"{folder} holds {card.name}, a model for {card.role}, not for {role}")
    found = "; ".join(
        f"{path.name} takes {', '.join(f'{spec.name} {spec.describe()}' for spec in program.inputs)} "
        f"and gives {', '.join(spec.name for spec in program.outputs)}"
        for path, program in programs.items()
    )
    raise ModelRoleError(f"{folder} holds no known model for {role}: {found}")


def packages_in(folder: Path) -> list[Path]:
    """The folder itself where it is a package, else the packages directly inside."""
    if not folder.is_dir():
        raise UnknownModel(f"{folder} is no folder; expected a Core ML package or a folder of packages")
    if folder.suffix in {".mlpackage", ".mlmodelc"}:
        return [folder]
    packages = sorted(path for path in folder.iterdir() if path.suffix in {".mlpackage", ".mlmodelc"})
    if not packages:
        raise UnknownModel(f"{folder} holds no Core ML package (.mlpackage or .mlmodelc)")
    return packages
