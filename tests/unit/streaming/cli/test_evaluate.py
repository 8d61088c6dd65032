"""`hocket eval` and `hocket bench` as typed, with models whose answers are known."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from hocket.streaming.cli import options
from hocket.streaming.cli.bench import bench
from hocket.streaming.cli.evaluate import evaluate
from hocket.streaming.errors import AudioFileError, FormatError
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 5.0, "0"), Segment(6.0, 10.0, "1")]
WORDS = [(1.0, "0"), (2.5, "0"), (4.0, "0"), (6.5, "1"), (9.0, "1")]  # start, speaker
TOTALS = {
    "der_first", "der_final", "false_alarm", "missed", "confusion", "jer", "count_accuracy", "revision_rate",
    "flips_per_minute", "change_f1", "change_delay_p50", "change_delay_p95", "new_speaker_delay_p50",
}  # fmt: skip

app = typer.Typer(pretty_exceptions_enable=False)
app.command("eval")(evaluate)
app.command()(bench)


@pytest.fixture(autouse=True)
def level_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = SimpleNamespace(segmenter=LevelSegmenter(), embedder=LevelEmbedder())
    monkeypatch.setattr(options, "open_pair", lambda *arguments: pair)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", conversation(TURNS, 12.0), RATE)
    (tmp_path / "talk.rttm").write_text(format_rttm("talk", TURNS))
    (tmp_path / "talk.vocal.rttm").write_text(format_rttm("talk", TURNS[:1]))
    return tmp_path


def typed(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("segmentation", ["model", "oracle"])
def test_eval_puts_json_on_stdout_and_progress_on_stderr(folder: Path, segmentation: str) -> None:
    pytest.importorskip("pyannote.metrics")
    result = typed(
        "eval", "--data", folder, "--latency", 0.5, "--latency", 2, "--json", "--segmentation", segmentation
    )
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert list(report) == ["files", "total", "rtf"]
    assert list(report["files"]) == ["talk"]
    assert list(report["total"]) == ["0.5", "2"]
    assert set(report["total"]["2"]) >= TOTALS
    assert report["total"]["2"]["der_final"] < 0.1
    assert result.stderr.splitlines() == ["talk at 0.5 s", "talk at 2 s"]


def test_eval_prints_tables_for_people(folder: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    result = typed("eval", "--data", folder)
    assert result.exit_code == 0
    assert "2 of 2" in result.stdout
    assert "real-time factor" in result.stdout


def test_eval_refuses_a_latency_out_of_range_before_it_hears_anything(folder: Path) -> None:
    result = typed("eval", "--data", folder, "--latency", 1, "--latency", 9)
    assert result.exit_code == 2
    assert "latency 9.0: expected 0.0 to 5.0" in result.stderr
    assert "talk" not in result.stderr


def test_eval_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    result = typed("eval", "--data", tmp_path / "nowhere")
    assert isinstance(result.exception, AudioFileError)


def test_bench_puts_json_on_stdout_and_nothing_else(folder: Path) -> None:
    result = typed("bench", "--minutes", 0.5, "--audio", folder / "talk.wav", "--json")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["audio_seconds"] == 30.0
    assert set(figures["stages_ms"]) == {"segmentation", "embedder", "clustering", "rest"}
    for part in (figures, figures["first_tenth"], figures["last_tenth"]):
        assert {"rtf", "processor_rtf", "step_ms", "memory_mb", "stages_ms", "step_over_runtime"} <= set(part)
        assert set(part["step_ms"]) == {"mean", "p50", "p95", "max"}
    assert result.stderr == ""


def test_bench_prints_a_table_for_people(folder: Path) -> None:
    result = typed("bench", "--minutes", 0.2, "--audio", folder / "talk.wav")
    assert result.exit_code == 0
    assert "last tenth" in result.stdout


def test_compare_adds_the_whole_recording_to_every_row(folder: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    result = typed("eval", "--data", folder, "--compare", "--json", "--conditions", "titanet")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["conditions"]["oracle_speech"] is True
    assert list(report["total"]) == ["0.5", "1", "2", "5"]
    for row in report["total"].values():
        assert row["der_offline"] < 0.1
        assert {"der_first", "der_final", "der_offline"} <= set(row["conditions"])
        assert "der_recipe" not in row


def test_compare_prints_one_table_with_a_row_per_latency(folder: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    result = typed("eval", "--data", folder, "--compare", "--recipe", "--latency", 1)
    assert result.exit_code == 0
    for heading in ("first shown", "settled", "offline", "recipe"):
        assert heading in result.stdout


@pytest.mark.parametrize("beside", [False, True])
def test_captions_of_words_are_scored_beside_the_turns(folder: Path, beside: bool) -> None:
    pytest.importorskip("pyannote.metrics")
    words = [
        {"text": f"w{k}", "start": t, "end": t + 0.5, "speaker": who} for k, (t, who) in enumerate(WORDS)
    ]
    (folder / "talk.words.json").write_text(json.dumps(words))
    given = folder if beside else "turns"
    report = json.loads(typed("eval", "--data", folder, "--words", given, "--json").stdout)
    captions = report["total"]["1"]["captions"]
    assert captions["words"] == (len(WORDS) if beside else 26)
    assert captions["speaker_error"] == captions["cpwer"] == captions["wer"] == 0.0
    assert captions["speaker_error_first"] < 0.2
    assert report["files"]["talk"]["1"]["captions"] == captions


def test_captions_have_a_table_of_their_own(folder: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    result = typed("eval", "--data", folder, "--words", "turns")
    assert result.exit_code == 0
    for heading in ("words first", "words settled", "cpWER"):
        assert heading in result.stdout
    assert "cpWER" not in typed("eval", "--data", folder).stdout


def test_a_recording_without_words_is_refused_before_anything_is_heard(folder: Path) -> None:
    result = typed("eval", "--data", folder, "--words", folder)
    assert isinstance(result.exception, FormatError)
    assert "no words of talk; expected talk.ctm or talk.words.json" in str(result.exception)
    assert result.stderr == ""


def test_conditions_that_give_speech_exclude_an_oracle_that_gives_voices(folder: Path) -> None:
    result = typed("eval", "--data", folder, "--segmentation", "oracle", "--conditions", "titanet")
    assert result.exit_code == 2
