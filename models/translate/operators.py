"""The table of operators, as docs/operators.md shows it:

python -m hocket.models.translate.operators > docs/operators.md
"""

import sys
from collections.abc import Iterable
from itertools import groupby
from textwrap import fill

from .constants import ENCODINGS
from .registry import TABLE

_HEAD = """# Operators of the portable runtime

Core ML packages run off the Mac as far as their operators have a translation to ONNX. This table is made from
the code (`python -m hocket.models.translate.operators`); a test keeps it current. A package with any other
operator, or with a form that the last section excludes, is refused by name. Control flow, lists, states,
random numbers, classifiers and image warps are not translated.

Every operator is tested against numpy or a calculation by hand, and against coremltools' own tests.
"""


def markdown() -> str:
    """The operators of each group, and a table of the forms that are refused."""
    entries = sorted(TABLE.values(), key=lambda entry: (entry.group, entry.kind))
    sections = [_HEAD]
    for group, members in groupby(entries, key=lambda entry: entry.group):
        names = _listed(entry.kind for entry in members)
        sections.append(f"## {group.capitalize()}\n\n{names}\n")
    sections.append(f"## Compressed constants\n\nExpanded when translating:\n{_listed(sorted(ENCODINGS))}\n")
    rows = "\n".join(f"| `{entry.kind}` | {entry.limits} |" for entry in entries if entry.limits)
    sections.append(f"## Limits\n\n| operator | forms |\n|---|---|\n{rows}\n")
    return "\n".join(sections)


def _listed(names: Iterable[str]) -> str:
    return fill(", ".join(f"`{name}`" for name in names), 110, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(markdown())
