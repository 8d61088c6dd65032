"""One pull: into a draft folder, which takes the model's place once everything in it is right."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from huggingface_hub.utils import WeakFileLock

from ..convert import convert
from ..errors import PackageError
from ..known_files import KnownFile
from ..sources import Source, SourceFile
from ..store import CONVERTED, PUBLISHED, Pulled, drafts, find_pulled, models_folder, record, replaced
from .download import Downloads
from .listing import Wanted, ask_hub, wanted_of

_NEWEST = "main"
_PARTIAL = "partial"
_COMMIT_DIGITS = 40


class Pull:
    """A model on its way here. revision: instead of the one known; see hocket.models.hub.pull."""

    def __init__(
        self, name: str, source: Source, revision: str | None, token: str | None, say: Callable[[str], object]
    ) -> None:
        self._name = name
        self._source = source
        self._revision = revision
        self._token = token
        self._say = say
        self._folder = models_folder() / name
        self._draft = drafts(name)

    def run(self, *, converts: bool) -> Pulled:
        """Pull, and convert what was pulled if it `converts`. Two processes take turns."""
        models_folder().mkdir(parents=True, exist_ok=True)
        with WeakFileLock(models_folder() / f".{self._name}.lock"):
            earlier = find_pulled(self._name)
            if earlier is not None and self._is_done(earlier, converts):
                self._say(f"{self._name} is here already, at revision {earlier.revision[:12]}")
                return earlier
            revision = self._fetch_all(earlier)
            if converts:
                self._convert()
            shutil.rmtree(self._draft / _PARTIAL, ignore_errors=True)
            record(self._draft, self._source.repository, revision)
            self._put_in_place()
        pulled = find_pulled(self._name)
        assert pulled is not None  # it was just put there
        return pulled

    def _is_done(self, earlier: Pulled, converts: bool) -> bool:
        if self._revision not in (None, earlier.revision) or (converts and not earlier.is_converted):
            return False
        try:
            earlier.check_hashes()
        except PackageError as error:
            self._say(f"{error.args[0].rpartition(':')[0]}; mending it")
            return False
        return True

    def _fetch_all(self, earlier: Pulled | None) -> str:
        """Every file into the draft; the commit that they are of."""
        known: Iterable[KnownFile | SourceFile] = ()
        revision = self._revision or _NEWEST
        if earlier is not None and self._revision in (None, earlier.revision):
            revision, known = earlier.revision, _published(earlier)
        elif self._revision in (None, self._source.revision):
            revision, known = self._source.revision or _NEWEST, self._source.files
        downloads = self._downloads(revision)
        wanted = _known_wanted(self._source, revision, known)
        if not wanted or not all(downloads.has(file) for file in wanted):
            listing = ask_hub(self._source, revision, self._token)
            wanted = wanted_of(self._source, listing, known)
            downloads = self._downloads(listing.revision)
        for file in wanted:
            if downloads.fetch(file):
                self._say(f"downloaded {file.path}, {file.size / 1e6:.1f} MB")
        self._remove_all_but({file.path for file in wanted})
        return downloads.revision

    def _downloads(self, revision: str) -> Downloads:
        return Downloads(
            self._source,
            revision,
            self._token,
            folder=self._draft / PUBLISHED,
            partial=self._draft / _PARTIAL,
            earlier=self._folder / PUBLISHED,
        )

    def _remove_all_but(self, paths: set[str]) -> None:
        """What an interrupted pull of another revision has left in the draft."""
        published = self._draft / PUBLISHED
        for path in published.rglob("*"):
            if path.is_file() and path.relative_to(published).as_posix() not in paths:
                path.unlink()

    def _convert(self) -> None:
        converted = self._draft / CONVERTED
        shutil.rmtree(converted, ignore_errors=True)
        self._say(f"converting {self._source.checkpoint}")
        for package in convert(self._draft / PUBLISHED / self._source.checkpoint, converted):
            self._say(
                f"converted {package.path.name}, {package.num_bytes / 1e6:.1f} MB {package.precision}, "
                f"error {package.parity.error:.1e} of scale"
            )

    def _put_in_place(self) -> None:
        old = replaced(self._name)
        shutil.rmtree(old, ignore_errors=True)
        if self._folder.exists():
            self._folder.rename(old)
        self._draft.rename(self._folder)
        shutil.rmtree(old, ignore_errors=True)


def _published(pulled: Pulled) -> list[KnownFile]:
    """The files of an earlier pull, under their published paths."""
    return [
        KnownFile(Path(file.path).relative_to(PUBLISHED).as_posix(), file.size, file.sha256)
        for file in pulled.files
        if file.path.startswith(f"{PUBLISHED}/")
    ]


def _known_wanted(
    source: Source, revision: str, known: Iterable[KnownFile | SourceFile]
) -> list[Wanted] | None:
    """What to fetch, where all of it is known without asking the hub."""
    if len(revision) != _COMMIT_DIGITS:
        return None
    expected = {file.path: file for file in known}
    wanted = []
    for file in source.files:
        found = expected.get(file.path)
        if found is not None and found.size is not None and found.sha256 is not None:
            wanted.append(Wanted(file.path, found.size, found.sha256, ""))
        elif not file.optional:
            return None
    return wanted
