"""Settings: where they come from, who wins, and what is said of mistakes."""

import inspect
import tomllib
from pathlib import Path

import pytest

from hocket.streaming.cli.serve import serve
from hocket.streaming.errors import ConfigError
from hocket.streaming.server.gathering import Gathered
from hocket.streaming.server.settings import ABOUT, DEFAULTS, Settings, kind_of

EXAMPLE = Path(__file__).parents[4] / "examples" / "deploy" / "serve.toml"


def gathered(
    file: str | None = None, path: Path | None = None, flags: object = None, **environment: str
) -> Gathered:
    if file is not None and path is not None:
        path = path / "serve.toml"
        path.write_text(file)
    assert flags is None or isinstance(flags, dict)
    return Gathered.of(
        flags or {}, path, {f"HOCKET_SERVE_{name.upper()}": text for name, text in environment.items()}
    )


def test_flags_win_over_the_environment_that_over_the_file_that_over_defaults(tmp_path: Path) -> None:
    file = "host = '::1'\nport = 1\nidle = 5\nmax_sessions = 9\n"
    found = gathered(file, tmp_path, {"port": 3, "keep_days": None}, port="2", idle="7", insecure="1")
    settings = found.settings
    assert (settings.host, settings.port, settings.idle, settings.max_sessions) == ("::1", 3, 7.0, 9)
    assert settings.insecure
    assert settings.models == DEFAULTS.models
    assert [found.sources[name] for name in ("host", "port", "idle", "models")] == [
        str(tmp_path / "serve.toml"), "--port", "HOCKET_SERVE_IDLE", "default",
    ]  # fmt: skip


def test_what_is_shown_is_a_file_that_gives_the_same(tmp_path: Path) -> None:
    first = gathered("origin = ['https://a', 'https://b']\nkeep_gb = 2\ntokens = '/t.toml'", tmp_path)
    second = gathered(first.show(), tmp_path)
    assert second.settings == Settings(
        origin=("https://a", "https://b"),
        keep_gb=2.0,
        tokens=Path("/t.toml"),
        data_dir=tmp_path / DEFAULTS.data_dir,
    )
    assert tomllib.loads(first.show()).keys() | {"keep_days"} <= ABOUT.keys()


def test_passwords_are_not_shown() -> None:
    shown = gathered(models="https://me:secret@models.example/pair").show()
    assert "secret" not in shown
    assert 'models = "https://me:…@models.example/pair"' in shown


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    assert gathered("data_dir = 'kept'", tmp_path).settings.data_dir == tmp_path / "kept"
    assert gathered("data_dir = '~/kept'", tmp_path).settings.data_dir == Path.home() / "kept"
    assert gathered(data_dir="kept").settings.data_dir == Path("kept")


def test_lists_come_with_commas_in_the_environment() -> None:
    assert gathered(origin="https://a, https://b").settings.origin == ("https://a", "https://b")
    assert gathered(origin="").settings.origin == ()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("prot = 1", r"serve\.toml: no setting 'prot': did you mean port\?"),
        ("zebra = 1", r"serve\.toml: no setting 'zebra': see hocket serve --show-settings"),
        ("[limits]\nidle = 1", "no setting 'limits'"),
        ("port = '1'", r'serve\.toml: port = "1": expected a whole number'),
        ("port = true", "port = true: expected a whole number"),
        ("insecure = 1", "insecure = 1: expected true or false"),
        ("origin = 'https://a'", 'origin = "https://a": expected a list of texts'),
        ("port = 70000", r"serve\.toml: port 70000: expected 0 to 65535"),
        ("idle = inf", "idle inf: expected 1 or more"),
        ("keep_days = nan", "keep_days nan: expected 0 or more"),
        ("runtime = 'fast'", "runtime 'fast': expected auto or native or portable"),
        ("port =", r"serve\.toml is not TOML"),
    ],
)
def test_mistakes_in_a_file_name_it_and_what_was_expected(tmp_path: Path, file: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gathered(file, tmp_path)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"prot": "1"}, "no setting HOCKET_SERVE_PROT in the environment: did you mean HOCKET_SERVE_PORT"),
        ({"port": "http"}, "HOCKET_SERVE_PORT='http': expected a whole number"),
        ({"insecure": "maybe"}, "HOCKET_SERVE_INSECURE='maybe': expected true or false"),
        ({"max_sessions": "0"}, "HOCKET_SERVE_MAX_SESSIONS: max_sessions 0: expected 1 or more"),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gathered(**environment)


def test_every_setting_has_its_flag_and_is_explained() -> None:
    assert list(inspect.signature(serve).parameters) == ["context", "settings", "show_settings", *ABOUT]
    assert all(about.meaning.endswith(".") for about in ABOUT.values())
    assert {kind_of(name) for name in ABOUT} <= {str, int, float, bool, Path, tuple}


def test_the_example_of_a_file_is_one() -> None:
    settings = Gathered.of({}, EXAMPLE, {}).settings
    assert settings.max_hours == 12
    assert settings.tokens == EXAMPLE.parent / "tokens.toml"
