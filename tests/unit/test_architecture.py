"""Who may import whom: read from the source, where an arrow is easiest to break and hardest to see."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("models", "streaming") for path in (ROOT / room).rglob("*.py"))

# Rooms that are folders need no list; those that share streaming/ with others do.
MEMBERS = {
    "language": {"errors", "events", "grid", "replay"},
    "paper": {"files", "metrics", "rttm"},
    "settings": {"config_file"},
    "shell": {"backlog", "commands", "resample", "stream"},
    "face": {"", "api"},
}  # fmt: skip
ROOM_OF = {name: room for room, names in MEMBERS.items() for name in names}

# A room may always import itself. A single module may stand for the part of its room that is open to all.
MAY_IMPORT = {
    "models": {"models.mlpackage", "models.translate"},
    "models.mlpackage": {"models.errors", "models.predictor"},
    "models.translate": {"models.errors", "models.mlpackage", "models.predictor", "models.specs"},
    "models.convert": {"models"},
    "models.hub": {"models", "models.convert"},
    "language": {"models.errors"},
    "hearing": {"language", "models.roles"},
    "clustering": {"language", "hearing", "models.roles"},
    "engine": {"language", "hearing", "clustering", "models.roles"},
    "offline": {"language", "hearing", "clustering", "engine", "models.roles"},
    "paper": {"language"},
    "settings": {"language", "engine", "paper"},
    "sources": {"language"},
    "captions": {"language", "paper", "shell"},
    "sinks": {"language", "paper", "captions"},
    "shell": {"language", "sources.base", "sinks.base"},
    "mqtt": {"language", "commands"},
    "evaluation": {
        "language", "hearing", "clustering", "engine", "offline", "paper", "settings", "shell", "sources",
        "models", "captions", "server",
    },
    "speakers": {"language", "clustering", "engine", "shell", "sources", "models"},
    "server": {
        "language", "hearing", "clustering", "engine", "paper", "shell", "sources", "captions",
        "models.roles",
    },
    "machines": {"language", "shell", "sources", "server"},
    "verification": {"language", "hearing", "engine", "paper", "shell", "sources", "models"},
    "face": {
        "language", "clustering", "engine", "offline", "shell", "sources", "models", "mqtt", "speakers",
        "verification",
    },
    "cli": {
        "language", "clustering", "engine", "offline", "paper", "shell", "sources", "sinks", "evaluation",
        "models", "models.convert", "models.hub", "mqtt", "settings", "server", "speakers", "verification",
        "captions", "machines",
    },
}  # fmt: skip

# The same inside the service; what lies beside these rooms sees them all.
SERVICE = {
    "protocol": set[str](),
    "sessions": {"protocol"},
    "rooms": {"protocol", "sessions"},
    "door": {"protocol", "sessions"},
    "clients": {"protocol"},
}
COMPUTING = {"language", "hearing", "clustering", "engine", "offline"}
# What would give them a clock, a thread, a file, a socket, chance or a log.
OUTSIDE_WORLD = {
    "asyncio", "concurrent", "datetime", "logging", "multiprocessing", "os", "pathlib", "queue", "random",
    "secrets", "select", "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
}  # fmt: skip
# Heavy, or absent on some machines: imported inside the function that needs it, but for rooms around them.
WHERE_USED = {
    "aiomqtt", "av", "coremltools", "faster_whisper", "huggingface_hub", "matplotlib", "onnxruntime",
    "optuna", "platformdirs", "pyannote", "ray", "sounddevice", "soundfile", "soxr", "torch",
}  # fmt: skip
AROUND_IT = {"machines", "models.convert", "models.hub", "mqtt"}
AT_HOME = {"rich": {"sinks", "cli", "evaluation"}, "typer": {"cli"}}


@dataclass(frozen=True)
class Import:
    """One import: where it stands, of what, and whether importing the module runs it."""

    path: Path
    line: int
    target: str
    at_import: bool

    @property
    def room(self) -> str:
        """The room it stands in."""
        return room_of(module_of(self.path))

    @property
    def package(self) -> str:
        return self.target.split(".")[0]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.target}"


def imports_of(path: Path) -> list[Import]:
    """Every import of a file, relative ones resolved."""
    tree = ast.parse(path.read_text())
    return [
        Import(path, node.lineno, target, node in tree.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in _targets(node, path)
    ]


def _targets(node: ast.Import | ast.ImportFrom, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = ["hocket", *path.relative_to(ROOT).parts[: -node.level]] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        # `from . import compute` names a module, `from .grid import Grid` something inside one.
        is_module = ROOT.joinpath(*base.split(".")[1:], f"{alias.name}.py").exists()
        yield f"{base}.{alias.name}" if is_module and base.startswith("hocket") else base


def module_of(path: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = ["hocket", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The room of a module of hocket."""
    _, top, *rest = module.split(".")
    is_folder = bool(rest) and (ROOT / top / rest[0]).is_dir()
    if top == "models":
        return f"models.{rest[0]}" if is_folder else "models"
    return rest[0] if is_folder else ROOM_OF[rest[0] if rest else ""]


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return [imported for path in SOURCES for imported in imports_of(path)]


def test_every_module_has_a_room() -> None:
    beside = {path.stem for path in SOURCES if path.parent == ROOT / "streaming"} - {"__init__"}
    assert beside == ROOM_OF.keys() - {""}
    assert {room_of(module_of(path)) for path in SOURCES} == MAY_IMPORT.keys()


def test_arrows_between_rooms_point_inwards(imports: list[Import]) -> None:
    wrong = []
    for imported in imports:
        if imported.package == "hocket":
            module = imported.target.removeprefix("hocket.").removeprefix("streaming.")
            if not {room_of(imported.target), module} & {imported.room, *MAY_IMPORT[imported.room]}:
                wrong.append(str(imported))
    assert wrong == []


def test_arrows_inside_the_service_point_inwards(imports: list[Import]) -> None:
    wrong = []
    for imported in imports:
        here, there = _service_room(module_of(imported.path)), _service_room(imported.target)
        if here and there and there not in {here, *SERVICE[here]}:
            wrong.append(str(imported))
    assert wrong == []


def _service_room(module: str) -> str | None:
    parts = module.removeprefix("hocket.streaming.server.").split(".")
    return parts[0] if parts[0] in SERVICE else None


def test_heavy_packages_are_imported_where_they_are_used(imports: list[Import]) -> None:
    early = [imported for imported in imports if imported.at_import]
    at_home = [str(i) for i in early if i.package in AT_HOME and i.room not in AT_HOME[i.package]]
    assert at_home == []
    assert [str(i) for i in early if i.package in WHERE_USED and i.room not in AROUND_IT] == []


def test_the_engine_knows_numbers_and_nothing_of_the_world(imports: list[Import]) -> None:
    own = [imported for imported in imports if imported.room in COMPUTING]
    assert [str(imported) for imported in own if imported.package in OUTSIDE_WORLD] == []
    known = {"hocket", "numpy", "scipy", *sys.stdlib_module_names}
    assert [str(imported) for imported in own if imported.package not in known] == []


def test_relative_imports_and_names_of_modules_are_understood() -> None:
    engine = {imported.target for imported in imports_of(ROOT / "streaming" / "engine" / "diarizer.py")}
    assert {"hocket.streaming.engine.session", "hocket.streaming.grid", "hocket.models.roles"} <= engine
    source = {imported.target for imported in imports_of(ROOT / "streaming" / "sources" / "file.py")}
    assert {"hocket.streaming.errors", "hocket.streaming.sources.base", "soundfile"} <= source
