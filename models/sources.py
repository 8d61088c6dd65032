"""Where models are published, as sources.toml tells: repository, revision, files, and what is unknown."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "sources.toml"
_UNKNOWN = "unknown"
HUB = "Hugging Face"
_PAGES = {
    HUB: "https://huggingface.co/{}",
    "ModelScope": "https://modelscope.cn/models/{}",
    "GitHub": "https://github.com/{}",
}


@dataclass(frozen=True)
class SourceFile:
    """One published file. size, sha256: None where nobody could say without asking the publisher.

    optional: taken where the repository has it; no model needs it to run.
    """

    path: str
    size: int | None
    sha256: str | None
    optional: bool = False


@dataclass(frozen=True)
class Source:
    """A repository and what a model needs of it.

    revision: a commit; None where unknown. gated: whether its owner wants conditions accepted first.
    checkpoint: the file that packages are converted from; empty where packages themselves are published.
    evidence: where the values are from, for a person.
    """

    site: str
    repository: str
    revision: str | None
    files: tuple[SourceFile, ...]
    evidence: str
    checkpoint: str = ""
    gated: bool = False

    @property
    def page(self) -> str:
        """The address at which a person reads about it."""
        return _PAGES[self.site].format(self.repository)

    @property
    def on_hub(self) -> bool:
        """Whether hocket can pull it."""
        return self.site == HUB

    @property
    def num_bytes(self) -> int | None:
        """Of all files that a pull must bring; None where one is unknown."""
        sizes = [file.size for file in self.files if not file.optional]
        return None if None in sizes else sum(size or 0 for size in sizes)


@cache
def known_sources() -> dict[str, Source]:
    """By the name of the model in the catalogue."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: read_source(fields) for name, fields in content.items()}


def read_source(fields: dict[str, Any]) -> Source:
    """A source from its section in TOML. Raises KeyError for one that is not complete."""
    return Source(
        site=fields.get("site", HUB),
        repository=fields["repository"],
        revision=_known(fields["revision"]),
        files=tuple(
            SourceFile(
                file["path"], _known(file["size"]), _known(file["sha256"]), file.get("optional", False)
            )
            for file in fields["files"]
        ),
        evidence=fields["evidence"],
        checkpoint=fields.get("checkpoint", ""),
        gated=fields.get("gated", False),
    )


def _known(value: Any) -> Any:
    return None if value == _UNKNOWN else value
