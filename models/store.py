"""The models pulled to this machine: a folder each, and in it pulled.json, which says what it should hold.

    <models folder>/titanet-large/
        pulled.json     from where, at which revision, and size and hash of every file below
        published/      the files as their publisher has them
        converted/      packages made of them, where what is published is a checkpoint

A folder is complete or not there: what is being pulled lies in a hidden one until it is.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from . import known_files
from .catalogue import Card, check_sizes, weights_folder
from .errors import PackageError, UnknownModel
from .known_files import KnownFile, known_files_in

FOLDER_VARIABLE = "HOCKET_MODELS_DIR"
RECEIPT = "pulled.json"
PUBLISHED = "published"
CONVERTED = "converted"


@dataclass(frozen=True)
class Pulled:
    """One model as it was pulled. revision: the commit. files: relative to `folder`."""

    folder: Path
    repository: str
    revision: str
    files: tuple[KnownFile, ...]

    @property
    def num_bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def is_converted(self) -> bool:
        """Whether packages were made of what was published."""
        return any(file.path.startswith(f"{CONVERTED}/") for file in self.files)

    @property
    def published(self) -> Path:
        """Where the publisher's paths begin."""
        return self.folder / PUBLISHED

    @property
    def packages(self) -> Path:
        """Where the paths of the model's packages begin."""
        return self.folder / CONVERTED if self.is_converted else self.published

    def has_packages_of(self, card: Card) -> bool:
        """Whether the model can be run, not merely converted."""
        return all((self.packages / package.path).is_dir() for package in card.packages)

    def check_sizes(self) -> None:
        """Raise PackageError where a file is absent or of another size than when it was pulled."""
        known_files.check_sizes(self.folder, self.files, self._remedy)

    def check_hashes(self) -> None:
        """Raise PackageError where a file is not byte for byte what was pulled."""
        known_files.check_hashes(self.folder, self.files, self._remedy)

    @property
    def _remedy(self) -> str:
        return f"hocket models pull {self.folder.name}"


def models_folder() -> Path:
    """Where pulled models lie: $HOCKET_MODELS_DIR, else the system's place for a user's data."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_data_path("hocket") / "models"


def find_pulled(name: str) -> Pulled | None:
    """What is recorded of the pulled model of that name; None where there is none.

    Raises PackageError when the record cannot be read.
    """
    folder = models_folder() / name
    path = folder / RECEIPT
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(_recorded(file) for file in content["files"])
        return Pulled(folder, str(content["repository"]), str(content["revision"]), files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackageError(
            f"{path} cannot be read ({error}): hocket models remove {name}, then pull it again"
        ) from error


def _recorded(fields: dict[str, Any]) -> KnownFile:
    file = KnownFile(str(fields["path"]), int(fields["size"]), str(fields["sha256"]))
    if not is_inside(file.path):
        raise ValueError(f"{file.path!r} is outside")
    return file


def is_inside(path: str) -> bool:
    """Whether a path with slashes stays below the folder that it is relative to, on every system."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and not set(path) & set("\\:\0")


def record(folder: Path, repository: str, revision: str) -> None:
    """Write down what `folder` holds now."""
    files = [asdict(file) for file in known_files_in(folder) if file.path != RECEIPT]
    content = {"repository": repository, "revision": revision, "files": files}
    (folder / RECEIPT).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def packages_of(card: Card) -> Path:
    """The folder that holds the packages of a model, their sizes checked.

    Raises UnknownModel where they are not on this machine, PackageError where they are damaged.
    """
    if card.ships:
        check_sizes(card)
        return weights_folder()
    pulled = find_pulled(card.name)
    if pulled is None:
        raise UnknownModel(f"{card.name} is not on this machine: hocket models pull {card.name}")
    pulled.check_sizes()
    if not pulled.has_packages_of(card):
        raise UnknownModel(
            f"of {card.name} only the checkpoint is here, not converted: hocket models pull {card.name}"
        )
    return pulled.packages


def is_ready(card: Card) -> bool:
    """Whether the model seems to be on this machine; opening it checks more."""
    if card.ships:
        return True
    pulled = find_pulled(card.name)
    return pulled is not None and pulled.has_packages_of(card)


def drafts(name: str) -> Path:
    """Where a model lies while it is being pulled, and what is left of a pull that was interrupted."""
    return models_folder() / f".{name}.part"


def replaced(name: str) -> Path:
    """Where a model lies for the moment in which another takes its place."""
    return models_folder() / f".{name}.old"


def remove_pulled(name: str) -> int:
    """Remove what was pulled of a model, finished or not; the number of bytes that this frees."""
    freed = 0
    for folder in (models_folder() / name, drafts(name), replaced(name)):
        if folder.is_dir():
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
    return freed
