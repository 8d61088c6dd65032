"""The models hocket knows: cards from catalogue.toml, and the files that ship with them."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from . import known_files
from .errors import UnknownModel
from .fbank import Fbank
from .known_files import KnownFile
from .nemo_mel import NemoMel
from .predictor import TensorSpec
from .roles import Calibration, DetectorSpec, EmbedderSpec, SegmenterSpec
from .segmenter import ScoreKind
from .sources import Source, known_sources
from .utterance import FrontEnd

Role = Literal["segmentation", "embedding", "speech"]
HERE = Path(__file__).parent
DAMAGED = "the installation is damaged; install hocket again"  # what the errors about shipped files end with


@dataclass(frozen=True)
class PackageCard:
    """One Core ML package of a model, and the interface by which a folder is recognised as it.

    part: what it is to its model: "net", "front_end" and "net", or "trunk" and "head".
    inputs: default shapes by name. outputs: names.
    files: what ships, relative to the weights folder; empty where nothing does.
    """

    part: str
    path: str
    inputs: dict[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    files: tuple[KnownFile, ...] = ()

    def fits(self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> bool:
        """Whether a package of this declared interface may be this one. It may give more than is needed."""
        shapes = {spec.name: spec.shape for spec in inputs}
        return shapes == self.inputs and {spec.name for spec in outputs} >= set(self.outputs)


@dataclass(frozen=True)
class SegmentationCard:
    """What turns a segmentation package into a Segmenter. free_batch: see open_predictor."""

    spec: SegmenterSpec
    scores: ScoreKind
    free_batch: bool = False


@dataclass(frozen=True)
class DetectionCard:
    """What turns a package into a SpeechDetector."""

    spec: DetectorSpec


@dataclass(frozen=True)
class EmbeddingCard:
    """What turns a trunk and a head into an Embedder."""

    spec: EmbedderSpec
    front_end: Fbank
    pool_sizes: tuple[int, ...]


@dataclass(frozen=True)
class UtteranceCard:
    """What turns one embedding package into an Embedder; see UtteranceEmbedder."""

    spec: EmbedderSpec
    front_end: FrontEnd
    frames_per_weight: int


@dataclass(frozen=True)
class WindowCard:
    """What turns a package over windows, and its front end if apart, into an Embedder; see WindowEmbedder.

    free_batch: of the network; see open_predictor.
    """

    spec: EmbedderSpec
    mask_frames: int
    free_batch: bool = False


Numbers = SegmentationCard | DetectionCard | EmbeddingCard | UtteranceCard | WindowCard


@dataclass(frozen=True)
class Card:
    """Everything known about one model.

    origin: the page that tells of it. source: from where it can be had; None for a user's own.
    """

    name: str
    summary: str
    origin: str
    license: str
    copyright: str
    citations: tuple[str, ...]
    numbers: Numbers
    packages: tuple[PackageCard, ...]
    source: Source | None = None

    @property
    def role(self) -> Role:
        """Which part of a pair this model plays."""
        match self.numbers:
            case SegmentationCard():
                return "segmentation"
            case DetectionCard():
                return "speech"
            case _:
                return "embedding"

    @property
    def ships(self) -> bool:
        """Whether the packages come with hocket."""
        return all(package.files for package in self.packages)

    @property
    def files(self) -> tuple[KnownFile, ...]:
        """What ships of it, relative to the weights folder."""
        return tuple(file for package in self.packages for file in package.files)


def known_models() -> tuple[Card, ...]:
    """Every card, in the catalogue's order."""
    return _catalogue()[0]


def known_pairs() -> dict[str, dict[Role, str]]:
    """The named pairs: for each role the name of a model."""
    return {name: dict(pair) for name, pair in _catalogue()[1].items()}


def find_card(name: str) -> Card:
    """The card of that name. Raises UnknownModel with the nearest name."""
    cards = {card.name: card for card in known_models()}
    if name not in cards:
        raise unknown("model", name, tuple(cards))
    return cards[name]


def unknown(kind: str, name: str, known: tuple[str, ...]) -> UnknownModel:
    """The error for a name that is not known: with a suggestion where one is near, else with all names."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return UnknownModel(f"no {kind} {name!r} in the catalogue and no such folder; {hint}", known)


def weights_folder() -> Path:
    """Where the shipped packages lie. hocket must be installed as files, not imported from a zip archive."""
    return HERE / "weights"


def check_sizes(card: Card) -> None:
    """Raise PackageError where a shipped file is absent or of another size."""
    known_files.check_sizes(weights_folder(), card.files, DAMAGED)


def check_hashes(card: Card) -> None:
    """Raise PackageError where a shipped file is not byte for byte what the catalogue names."""
    known_files.check_hashes(weights_folder(), card.files, DAMAGED)


@cache
def _catalogue() -> tuple[tuple[Card, ...], dict[str, dict[Role, str]]]:
    content = tomllib.loads((HERE / "catalogue.toml").read_text(encoding="utf-8"))
    sources = known_sources()
    cards = tuple(read_card(name, fields, sources.get(name)) for name, fields in content["models"].items())
    return cards, content["pairs"]


def read_card(name: str, fields: dict[str, Any], source: Source | None = None) -> Card:
    """A card from its section in TOML. Raises KeyError, TypeError or ValueError for one that is not sound."""
    return Card(
        name=name,
        summary=fields["summary"],
        origin=fields["origin"],
        license=fields["license"],
        copyright=fields["copyright"],
        citations=tuple(fields["citations"]),
        numbers=_numbers(fields),
        packages=tuple(_package(part, package) for part, package in fields["packages"].items()),
        source=source,
    )


def _numbers(fields: dict[str, Any]) -> Numbers:
    if fields["role"] == "segmentation":
        return _segmentation(fields["segmentation"])
    if fields["role"] == "speech":
        return DetectionCard(DetectorSpec(**fields["speech"]))
    if "window" in fields:
        return _window(fields["window"])
    return _utterance(fields["utterance"]) if "utterance" in fields else _embedding(fields["embedding"])


def _segmentation(fields: dict[str, Any]) -> SegmentationCard:
    numbers = dict(fields)
    scores = numbers.pop("scores")
    numbers["lengths"] = tuple(numbers["lengths"])
    numbers["classes"] = tuple(map(tuple, numbers["classes"]))
    free_batch = numbers.pop("free_batch", False)
    return SegmentationCard(SegmenterSpec(**numbers), scores, free_batch)


def _embedding(fields: dict[str, Any]) -> EmbeddingCard:
    numbers = dict(fields)
    pool_sizes = tuple(numbers.pop("pool_sizes"))
    front_end = Fbank(rate=numbers["rate"], **numbers.pop("front_end"))
    numbers["calibration"] = Calibration(**numbers["calibration"])
    return EmbeddingCard(EmbedderSpec(**numbers, max_frames=max(pool_sizes)), front_end, pool_sizes)


def _utterance(fields: dict[str, Any]) -> UtteranceCard:
    numbers = dict(fields)
    front_end = numbers.pop("front_end")
    kinds: dict[str, type[FrontEnd]] = {"kaldi": Fbank, "nemo": NemoMel}
    make = kinds[front_end["kind"]]
    options = {key: value for key, value in front_end.items() if key != "kind"}
    frames_per_weight = numbers.pop("frames_per_weight", 1)
    numbers["calibration"] = Calibration(**numbers["calibration"])
    return UtteranceCard(EmbedderSpec(**numbers), make(rate=numbers["rate"], **options), frames_per_weight)


def _window(fields: dict[str, Any]) -> WindowCard:
    numbers = dict(fields)
    mask_frames, free_batch = numbers.pop("mask_frames"), numbers.pop("free_batch", False)
    numbers["calibration"] = Calibration(**numbers["calibration"])
    return WindowCard(EmbedderSpec(**numbers), mask_frames, free_batch)


def _package(part: str, fields: dict[str, Any]) -> PackageCard:
    return PackageCard(
        part=part,
        path=fields["path"],
        inputs={name: tuple(shape) for name, shape in fields["inputs"].items()},
        outputs=tuple(fields["outputs"]),
        files=tuple(KnownFile(**item) for item in fields.get("files", ())),
    )
