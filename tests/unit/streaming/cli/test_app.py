"""The command line from outside: what it says, and with which exit code it ends."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hocket.streaming.cli import app, main
from hocket.streaming.cli.diarize import _true_turns
from hocket.streaming.errors import FormatError
from hocket.streaming.replay import Segment


@dataclass(frozen=True)
class Run:
    """A command that has ended."""

    code: object
    out: str
    err: str


Hocket = Callable[..., Run]


@pytest.fixture
def hocket(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Hocket:
    """Runs `hocket` with these arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")

    def run(*arguments: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["hocket", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Run(ended.value.code, printed.out, printed.err)

    return run


def test_help_names_every_command_and_how_to_start(hocket: Hocket) -> None:
    run = hocket("--help")
    assert run.code == 0
    for command in (
        "demo",
        "listen",
        "diarize",
        "devices",
        "eval",
        "bench",
        "models",
        "hocket diarize meeting.wav",
    ):
        assert command in run.out


@pytest.mark.parametrize("command", ["demo", "listen", "diarize", "devices", "eval", "bench"])
def test_every_command_explains_itself(hocket: Hocket, command: str) -> None:
    run = hocket(command, "--help")
    assert (run.code, run.err) == (0, "")
    assert f"hocket {command}" in run.out


def test_help_needs_no_model_runtime_and_no_picture_library(hocket: Hocket) -> None:
    heavy = {"onnxruntime", "coremltools", "torch", "matplotlib", "sounddevice"}
    before = heavy & sys.modules.keys()
    hocket("diarize", "--help")
    assert heavy & sys.modules.keys() == before


def test_the_version_is_printed(hocket: Hocket) -> None:
    assert hocket("--version").out.startswith("hocket 0.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sing"], "No such command 'sing'"),
        (["diarize"], "Missing argument 'FILE'"),
        (["diarize", "talk.wav", "--loud"], "No such option: --loud"),
        (["diarize", "talk.wav", "--latency", "9"], "latency 9.0: expected 0.0 to 5.0"),
        (["diarize", "talk.wav", "--hop", "fast"], "Invalid value for '--hop'"),
        (["diarize", "talk.wav", "--runtime", "magic"], "Invalid value for '--runtime'"),
        (["diarize", "talk.wav", "--rttm", "no/talk.rttm"], "there is no folder 'no'"),
        (["diarize", "a/talk.wav", "b/talk.wav"], "more than one recording is called 'talk'"),
        (["listen", "--plot", "-"], "only RTTM and JSON Lines go to standard output"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    hocket: Hocket, arguments: list[str], message: str
) -> None:
    run = hocket(*arguments)
    assert run.code == 2
    assert message in " ".join(run.err.replace("│", " ").split())


def test_a_file_that_is_not_there_ends_with_1_and_one_line(hocket: Hocket) -> None:
    assert hocket("diarize", "talk.wav") == Run(1, "", "error: no such file: talk.wav\n")


def test_text_that_is_called_wav_is_refused_with_a_remedy(hocket: Hocket, tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_text("not sound at all")
    run = hocket("diarize", "talk.wav")
    assert run.code == 1
    assert run.err.startswith("error: talk.wav is not audio that can be read")


def test_every_file_that_cannot_be_read_is_named(hocket: Hocket) -> None:
    run = hocket("diarize", "one.wav", "two.wav")
    assert run == Run(1, "", "error: no such file: one.wav\nerror: no such file: two.wav\n")


def test_a_malformed_reference_is_named_by_line(hocket: Hocket, tmp_path: Path) -> None:
    (tmp_path / "true.rttm").write_text("SPEAKER talk 1 0.0\n")
    run = hocket("diarize", "talk.wav", "--reference", "true.rttm")
    assert run == Run(1, "", "error: true.rttm, line 1: expected 10 fields, got 4: 'SPEAKER talk 1 0.0'\n")


def test_a_bug_is_reported_as_one_without_a_traceback(
    hocket: Hocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(app, "app", broken)
    run = hocket("demo")
    assert run.code == 1
    assert run.err.startswith("error: unexpected RuntimeError: the sky fell; this is a bug in hocket")


def test_what_the_system_refuses_is_said_with_the_file(
    hocket: Hocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise PermissionError(13, "Permission denied", "demo.rttm")

    monkeypatch.setattr(app, "app", refused)
    assert hocket("demo") == Run(1, "", "error: demo.rttm: Permission denied\n")


def test_a_reference_may_be_of_this_recording_or_the_only_one_there_is() -> None:
    turns = [Segment(0.0, 1.0, "ann")]
    assert _true_turns({"talk": turns, "other": []}, "talk", None) == turns
    assert _true_turns({"other": turns}, "talk", None) == turns
    assert _true_turns({}, "talk", None) == []
    with pytest.raises(FormatError, match=r"^true\.rttm: no turns of 'talk'; it holds one, two$"):
        _true_turns({"one": turns, "two": turns}, "talk", Path("true.rttm"))
