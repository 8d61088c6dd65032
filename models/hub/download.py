"""One published file to its place, from whatever is nearest, and only if it is what it should be."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import hf_hub_url, try_to_load_from_cache
from huggingface_hub.utils import build_hf_headers

from ..errors import PullError
from ..known_files import sha256_of
from ..sources import Source
from .explained import explained
from .listing import Wanted
from .receiving import receive


@dataclass(frozen=True)
class Downloads:
    """Where the files of one repository are taken from and put.

    folder: takes them, under their published paths. partial: keeps what was interrupted.
    earlier: a folder that may hold some from an earlier pull.
    """

    source: Source
    revision: str
    token: str | None
    folder: Path
    partial: Path
    earlier: Path

    def has(self, wanted: Wanted) -> bool:
        """Whether a file can be had without the network."""
        return is_as_wanted(self.folder / wanted.path, wanted) or self._at_hand(wanted) is not None

    def fetch(self, wanted: Wanted) -> bool:
        """Put one file into its place, if it is not there; whether it had to be downloaded.

        Raises PullError; a download that was cut short goes on at the next try.
        """
        target = self.folder / wanted.path
        if is_as_wanted(target, wanted):
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        if at_hand := self._at_hand(wanted):
            _copy(at_hand, target)
            return False
        self._download(wanted).replace(target)
        return True

    def _at_hand(self, wanted: Wanted) -> Path | None:
        return next((path for path in self._candidates(wanted) if is_as_wanted(path, wanted)), None)

    def _candidates(self, wanted: Wanted) -> Iterator[Path]:
        yield self.earlier / wanted.path
        cached = try_to_load_from_cache(self.source.repository, wanted.path, revision=self.revision)
        if isinstance(cached, str):
            yield Path(cached)

    def _download(self, wanted: Wanted) -> Path:
        self.partial.mkdir(parents=True, exist_ok=True)
        partial = self.partial / wanted.key
        url = hf_hub_url(self.source.repository, wanted.path, revision=self.revision)
        headers = build_hf_headers(token=self.token, library_name="hocket", library_version=version("hocket"))
        # Sizes are of the file as it is, so it must come as it is.
        headers["Accept-Encoding"] = "identity"
        with explained(self.source, self.revision, self.token):
            receive(url, headers, partial, wanted.size, wanted.path)
        if not is_as_wanted(partial, wanted):
            found = sha256_of(partial)
            partial.unlink()
            raise PullError(
                f"{self.source.repository} sent another {wanted.path} than it should (sha256 {found}, "
                f"expected {wanted.key}): nothing was kept; pull again, and report it if it stays"
            )
        return partial


def is_as_wanted(path: Path, wanted: Wanted) -> bool:
    """Whether a file is there and has the contents that it should."""
    if not path.is_file() or path.stat().st_size != wanted.size:
        return False
    if wanted.sha256 is not None:
        return sha256_of(path) == wanted.sha256
    return _git_oid(path) == wanted.git_oid


def _git_oid(path: Path) -> str:
    """The name that git gives to these contents."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _copy(source: Path, target: Path) -> None:
    """As a second name of the same file where the file system can, else byte for byte."""
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
