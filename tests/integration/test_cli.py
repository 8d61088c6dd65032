"""The command line with its real models on real sound: what is left behind, and how it ends."""

import json
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import soundfile

from hocket.streaming.rttm import read_rttm

HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")
CONVERSATION = Path(str(files("hocket.demo") / "conversation.ogg"))
CLIP_SECONDS = 8


def hocket(*arguments: str, cwd: Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [*HOCKET, *arguments], cwd=cwd, capture_output=True, text=True, timeout=200, check=False, **more
    )


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    """Hear the demo conversation at the pace of the clock, without waiting for the end."""
    return subprocess.Popen(
        [*HOCKET, "diarize", "--realtime", str(CONVERSATION), *arguments],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_a_turn(log: Path, process: "subprocess.Popen[str]") -> None:
    while not (log.exists() and '"type": "turn"' in log.read_text()):
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.1)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """The first seconds of the demo conversation, as clip.wav in an empty folder."""
    with soundfile.SoundFile(CONVERSATION) as source:
        samples = source.read(CLIP_SECONDS * source.samplerate)
        soundfile.write(tmp_path / "clip.wav", samples, source.samplerate)
    return tmp_path / "clip.wav"


def log_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_recording_becomes_rttm_on_standard_output_and_nothing_else(clip: Path) -> None:
    run = hocket("diarize", "clip.wav", cwd=clip.parent)
    assert (run.returncode, run.stderr) == (0, "")
    turns = run.stdout.splitlines()
    assert turns
    assert all(turn.startswith("SPEAKER clip 1 ") and len(turn.split(" ")) == 10 for turn in turns)


def test_outputs_of_one_run_agree(clip: Path) -> None:
    run = hocket(
        "diarize", "clip.wav", "--rttm", "out.rttm", "--jsonl", "log.jsonl", "--labels", "./", cwd=clip.parent
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    log = log_of(clip.parent / "log.jsonl")
    assert (log[0]["type"], log[-1]["type"], log[-1]["duration"]) == ("session.start", "session.end", 8.0)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    turns = read_rttm(clip.parent / "out.rttm")["clip"]
    assert len((clip.parent / "clip.txt").read_text().splitlines()) == len(turns)


def test_a_recording_can_be_heard_to_its_end_first(clip: Path) -> None:
    run = hocket("diarize", "clip.wav", "--offline", "--jsonl", "-", cwd=clip.parent)
    assert (run.returncode, run.stderr) == (0, "")
    log = [json.loads(line) for line in run.stdout.splitlines()]
    assert (log[0]["type"], log[0]["config"]["mode"], log[-1]["type"]) == (
        "session.start", "offline", "session.end",
    )  # fmt: skip
    assert {event["state"] for event in log if event["type"] == "turn"} == {"final"}
    assert not any(event["type"] == "revision" for event in log)


def test_offline_and_live_exclude_each_other(clip: Path) -> None:
    run = hocket("diarize", "clip.wav", "--offline", "--realtime", cwd=clip.parent)
    assert run.returncode == 2
    assert "nothing to see" in run.stderr


def test_a_file_that_fails_does_not_stop_the_others(clip: Path) -> None:
    run = hocket("diarize", "gone.wav", "clip.wav", "--rttm", "turns/", cwd=clip.parent)
    assert (run.returncode, run.stderr) == (1, "error: no such file: gone.wav\n")
    assert read_rttm(clip.parent / "turns" / "clip.rttm")


def test_raw_audio_is_heard_from_a_pipe(clip: Path) -> None:
    samples, rate = soundfile.read(clip, dtype="int16")
    raw = subprocess.run(
        [*HOCKET, "diarize", "-", "--rate", str(rate)],
        input=samples.tobytes(), cwd=clip.parent, capture_output=True, timeout=200, check=False,
    )  # fmt: skip
    assert (raw.returncode, raw.stderr) == (0, b"")
    named = hocket("diarize", "clip.wav", cwd=clip.parent).stdout
    assert raw.stdout.decode() == named.replace(" clip ", " stdin ")


def test_a_model_that_is_not_known_ends_with_1_and_a_suggestion(clip: Path) -> None:
    run = hocket("diarize", "clip.wav", "--models", "defualt", cwd=clip.parent)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("error: no pair of models 'defualt'")
    assert "did you mean 'default'?" in run.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_session_with_everything_it_heard(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with start("--rttm", "out.rttm", "--jsonl", "log.jsonl", cwd=tmp_path) as process:
        wait_for_a_turn(tmp_path / "log.jsonl", process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, "")
    log = log_of(tmp_path / "log.jsonl")
    assert (log[-1]["type"], log[-1]["reason"]) == ("session.end", number.name)
    assert 0 < log[-1]["duration"] < 90
    assert read_rttm(tmp_path / "out.rttm")["conversation"]


@pytest.mark.slow
def test_the_demo_leaves_rttm_and_a_verdict_without_a_terminal(tmp_path: Path) -> None:
    run = hocket("demo", "--speed", "1000", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "speakers found, 3 there" in run.stdout
    assert read_rttm(tmp_path / "demo.rttm")["conversation"]


def test_a_reader_that_has_enough_ends_the_session_quietly(tmp_path: Path) -> None:
    with start("--jsonl", "-", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "session.start"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0
