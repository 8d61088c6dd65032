"""What the hub has at a revision, and whether it is what was expected there."""

from collections.abc import Iterable
from dataclasses import dataclass

from huggingface_hub import HfApi

from ..errors import PullError
from ..known_files import KnownFile
from ..sources import Source, SourceFile
from ..store import is_inside
from .explained import explained


@dataclass(frozen=True)
class Wanted:
    """One file to fetch. sha256: None where the hub only tells the git object id of the contents."""

    path: str
    size: int
    sha256: str | None
    git_oid: str

    @property
    def key(self) -> str:
        """A name for the contents."""
        return self.sha256 or self.git_oid


@dataclass(frozen=True)
class Listing:
    """A repository at one commit."""

    revision: str
    files: dict[str, Wanted]


def ask_hub(source: Source, revision: str, token: str | None) -> Listing:
    """What the hub says of a repository at a revision. Raises PullError."""
    with explained(source, revision, token):
        found = HfApi(token=token, library_name="hocket").model_info(
            source.repository, revision=revision, files_metadata=True
        )
    if not found.sha:
        raise PullError(f"the hub tells no commit of {source.repository} at {revision}: try again later")
    files = {
        file.rfilename: Wanted(
            file.rfilename, file.size, file.lfs.sha256 if file.lfs is not None else None, file.blob_id
        )
        for file in found.siblings or ()
        if is_inside(file.rfilename) and file.size is not None and file.blob_id
    }
    return Listing(found.sha, files)


def wanted_of(source: Source, listing: Listing, known: Iterable[KnownFile | SourceFile]) -> list[Wanted]:
    """The files that a model needs, with the hash that each must have.

    known: what the catalogue or an earlier pull says of them, which the hub must not contradict.
    Raises PullError where it does, or lacks a file.
    """
    at = f"{source.repository} at {listing.revision[:12]}"
    newest = "--revision main takes what is newest there"
    expected = {file.path: file for file in known}
    wanted = []
    for file in source.files:
        if file.path not in listing.files:
            if file.optional:
                continue
            raise PullError(f"{at} has no file {file.path}: the catalogue is out of date; {newest}")
        told = listing.files[file.path]
        known_of_it = expected.get(file.path)
        size = known_of_it.size if known_of_it else None
        sha256 = known_of_it.sha256 if known_of_it else None
        if size not in (None, told.size) or (sha256 and told.sha256 and sha256 != told.sha256):
            raise PullError(
                f"{at} has another {file.path} than expected ({told.size} bytes, {told.key}; expected "
                f"{size or 'any'} bytes, sha256 {sha256}): nothing was kept; {newest}"
            )
        wanted.append(Wanted(file.path, told.size, told.sha256 or sha256, told.git_oid))
    return wanted
