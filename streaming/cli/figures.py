"""Figures on standard output, for programs or for people."""

import json as json_text
import sys
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Figures as JSON on standard output.")]


def print_json(figures: dict[str, Any]) -> None:
    """Indented JSON on standard output. Raises ValueError for figures that are not finite."""
    json_text.dump(figures, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_tables(*tables: Any) -> None:
    """Tables on standard output, 150 columns wide where that is no terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 150)
    for table in tables:
        console.print(table)
