"""`hocket tune`, `--config` and `hocket ablate` as typed, with models whose answers are known."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from hocket.streaming.cli import options
from hocket.streaming.cli.ablate import ablate
from hocket.streaming.cli.evaluate import evaluate
from hocket.streaming.cli.tune import tune
from hocket.streaming.config_file import read_config
from hocket.streaming.errors import ConfigError
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 4.0, "0"), Segment(5.0, 7.0, "1")]

app = typer.Typer(pretty_exceptions_enable=False)
app.command("eval")(evaluate)
app.command()(tune)
app.command()(ablate)


@pytest.fixture(autouse=True)
def level_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = SimpleNamespace(segmenter=LevelSegmenter(), embedder=LevelEmbedder())
    monkeypatch.setattr(options, "open_pair", lambda *arguments: pair)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", conversation(TURNS, 8.0), RATE)
    (tmp_path / "talk.rttm").write_text(format_rttm("talk", TURNS))
    return tmp_path


def typed(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_what_tune_writes_eval_takes(folder: Path) -> None:
    pytest.importorskip("optuna")
    pytest.importorskip("pyannote.metrics")
    out = folder / "tuned.toml"
    result = typed(
        "tune", "--data", folder, "--held-out", folder, "--out", out, "--trials", 2, "--only", "*.keep",
        "--latency", 2, "--json",
    )  # fmt: skip
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["after"].keys() == {"tuning", "held out"}
    assert out.read_text(encoding="utf-8").startswith("# hocket tune: 2 trials on 1 recordings")
    assert read_config(out).latency == 2.0
    scored = typed("eval", "--data", folder, "--config", out, "--json")
    assert list(json.loads(scored.stdout)["total"]) == ["2"]
    other = typed("eval", "--data", folder, "--latency", 0.5, "--config", out, "--json")
    assert list(json.loads(other.stdout)["total"]) == ["0.5"]


def test_a_name_that_is_no_setting_is_answered_with_the_nearest(folder: Path) -> None:
    config = folder / "mine.toml"
    config.write_text("[clustering]\nbrith = 1.0\n", encoding="utf-8")
    result = typed("eval", "--data", folder, "--config", config)
    assert isinstance(result.exception, ConfigError)
    message = f"{config}: unknown setting clustering.brith: did you mean clustering.birth?"
    assert str(result.exception).startswith(message)


def test_ablate_draws_what_it_prints(folder: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    picture = folder / "stages.svg"
    result = typed("ablate", "--data", folder, "--plot", picture)
    assert result.exit_code == 0
    assert "no slow path" in result.stdout
    assert picture.stat().st_size > 10_000
