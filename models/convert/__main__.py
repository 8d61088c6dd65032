"""`python -m hocket.models.convert SOURCE DESTINATION`: convert, and print the files for the catalogue."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import get_args

from ..errors import ModelError
from . import Interface, convert


def main() -> int:
    """Exit status: 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="hocket.models.convert", description=__doc__)
    parser.add_argument("source", type=Path, help="checkpoint, wheel or folder")
    parser.add_argument("destination", type=Path, help="folder for the packages")
    parser.add_argument("--interface", choices=get_args(Interface), default="hocket", help="whose packages")
    arguments = parser.parse_args()
    try:
        for package in convert(arguments.source, arguments.destination, interface=arguments.interface):
            print(_catalogue_lines(arguments.destination, package.path), flush=True)  # noqa: T201
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _catalogue_lines(root: Path, package: Path) -> str:
    """The `files` of one package in catalogue.toml."""
    files = sorted(path for path in package.rglob("*") if path.is_file())
    rows = [
        f'    {{ path = "{path.relative_to(root).as_posix()}", size = {path.stat().st_size}, '
        f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}" }},'
        for path in (*files, package.with_suffix(".golden.npz"))
    ]
    return "\n".join(["files = [", *rows, "]"])


if __name__ == "__main__":
    sys.exit(main())
