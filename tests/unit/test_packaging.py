"""What `pip install` brings: every module, every weight, page, demo and licences, and nothing else."""

import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from hocket.models.catalogue import known_models

ROOT = Path(__file__).parents[2]
FOLDERS = {"hocket.demo": "examples/demo", "hocket.models": "models", "hocket.streaming": "streaming"}
MODULES = {
    path: (Path(*package.split(".")) / path.relative_to(ROOT / folder)).as_posix()
    for package, folder in FOLDERS.items()
    for path in (ROOT / folder).rglob("*.py")
}
WEB = sorted(path.name for path in (ROOT / "streaming" / "server" / "web").iterdir())
DEMO = ("README.md", "conversation.ogg", "conversation.rttm", "conversation.words.json", "dialogue.toml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a wheel built from a copy of the tree: sha256 by name."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in FOLDERS.values():
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("hocket-*.whl")
    with zipfile.ZipFile(built) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_every_folder_with_python_files_is_a_listed_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-dir"] == FOLDERS
    folders = {name.rpartition("/")[0].replace("/", ".") for name in MODULES.values()}
    assert settings["packages"] == sorted(folders)


def test_wheel_holds_all_that_belongs_to_hocket_and_nothing_else(wheel: dict[str, str]) -> None:
    shipped = [card for card in known_models() if card.ships]
    weights = [item.path for card in shipped for package in card.packages for item in package.files]
    papers = [f"{card.name}.{kind}" for card in shipped for kind in ("md", "LICENSE")]
    marks = ["models/py.typed", "streaming/py.typed", "models/catalogue.toml", "models/sources.toml"]
    expected = {
        *MODULES.values(),
        *(f"hocket/{name}" for name in marks),
        *(f"hocket/models/weights/{name}" for name in (*weights, *papers)),
        *(f"hocket/streaming/server/web/{name}" for name in WEB),
        *(f"hocket/demo/{name}" for name in DEMO),
    }
    assert {name for name in wheel if name.startswith("hocket/")} == expected


def test_wheel_holds_the_weights_byte_for_byte(wheel: dict[str, str]) -> None:
    files = [item for card in known_models() for package in card.packages for item in package.files]
    assert files
    assert [wheel[f"hocket/models/weights/{item.path}"] for item in files] == [item.sha256 for item in files]


def test_wheel_brings_licences_and_the_command(wheel: dict[str, str]) -> None:
    (info,) = {name.partition("/")[0] for name in wheel if not name.startswith("hocket/")}
    assert info.endswith(".dist-info")
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE", f"{info}/entry_points.txt"} <= wheel.keys()
