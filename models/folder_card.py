"""card.toml: what a folder of packages says of itself, so that hocket can run a model it has never seen.

The same fields as a section of catalogue.toml, without what only shipping or citing needs. Interfaces are
read from the packages.
"""

import tomllib
from pathlib import Path
from typing import Any

from .catalogue import Card, EmbeddingCard, SegmentationCard, UtteranceCard, WindowCard, read_card
from .errors import ModelError, PackageError
from .mlpackage import read_package

FILE_NAME = "card.toml"
# What a card in the catalogue must say and a user's own need not.
_OPTIONAL: dict[str, Any] = {"summary": "", "origin": "", "license": "", "copyright": "", "citations": ()}
_REMEDY = "docs/your-own-model.md lists the fields"
PARTS: dict[type, tuple[set[str], ...]] = {
    SegmentationCard: ({"net"},),
    EmbeddingCard: ({"trunk", "head"},),
    UtteranceCard: ({"net"},),
    WindowCard: ({"net"}, {"front_end", "net"}),
}


def card_in(folder: Path) -> Card | None:
    """The card in that folder; None where there is none.

    Raises ModelError for a card that lacks something or says what it cannot mean, PackageError and
    UnknownModel for a package that it names and that is damaged or not there.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        fields = _OPTIONAL | tomllib.loads(path.read_text(encoding="utf-8"))
        fields["packages"] = {
            part: _with_interface(folder, package) for part, package in fields["packages"].items()
        }
        card = read_card(fields.get("name", folder.resolve().name), fields)
    except KeyError as error:
        raise ModelError(f"{path} does not say {error}; {_REMEDY}") from error
    except (TypeError, ValueError, AttributeError) as error:  # of another type, an unknown field, no TOML
        raise ModelError(
            f"{path} cannot be read: {error}; docs/your-own-model.md lists the fields"
        ) from error
    parts = {package.part for package in card.packages}
    expected = PARTS[type(card.numbers)]
    if parts not in expected:
        has = " or ".join(str(sorted(names)) for names in expected)
        raise ModelError(f"{path} names packages {sorted(parts)}, a model for {card.role} has {has}")
    return card


def _with_interface(folder: Path, package: dict[str, Any]) -> dict[str, Any]:
    path = folder / package["path"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise PackageError(f"{folder / FILE_NAME} names {package['path']!r}, which is outside its folder")
    program = read_package(path)
    return {
        "path": package["path"],
        "inputs": {spec.name: spec.shape for spec in program.inputs},
        "outputs": [spec.name for spec in program.outputs],
    }
