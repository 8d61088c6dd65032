"""What README.md says can be done: its Python runs as it stands, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def run(program: str) -> str:
    """What a program prints, run in the root of the repository and in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_first_program_hears_three_people() -> None:
    said = run(PROGRAMS[0])
    spoken = re.findall(r"^ +(S\d+) spoke from [\d.]+ to [\d.]+$", said, re.MULTILINE)
    settled = re.findall(r"^(S\d+) [\d.]+ [\d.]+$", said, re.MULTILINE)
    assert len(spoken) > 10
    assert len(set(settled)) == 3


def test_the_second_program_feeds_the_engine() -> None:
    said = run(PROGRAMS[1])
    assert "'type': 'session.start'" in said
    assert "SessionEnd(" in said
    assert len(PROGRAMS) == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    assert missing == []
