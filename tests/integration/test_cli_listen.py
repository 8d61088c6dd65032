"""hocket listen on a real sound server: heard, shown, interrupted, kept."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import soundfile

from hocket.streaming.rttm import read_rttm
from tests.sound_server import RATE, SoundServer, require_microphone, require_sound_server

pytestmark = pytest.mark.audio_device

HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    require_sound_server()
    server = SoundServer(tmp_path, monkeypatch)
    server.start()
    try:
        require_microphone()
        yield server
    finally:
        server.kill()


def test_devices_lists_the_microphone_that_listen_takes(server: SoundServer) -> None:
    run = subprocess.run([*HOCKET, "devices"], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "default" in run.stdout


def test_a_device_that_is_not_there_ends_with_1_and_the_list_of_those_that_are(server: SoundServer) -> None:
    run = subprocess.run(
        [*HOCKET, "listen", "--device", "gramophone"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error: no microphone fits 'gramophone'; choose by number")
    assert "Traceback" not in run.stderr


def test_listening_prints_lines_and_keeps_what_was_heard_after_ctrl_c(
    server: SoundServer, tmp_path: Path
) -> None:
    speech, rate = soundfile.read(
        str(files("hocket.demo") / "conversation.ogg"), dtype="int16", stop=20 * RATE
    )
    assert rate == RATE
    with subprocess.Popen(
        [*HOCKET, "listen", "--rttm", "heard.rttm", "--jsonl", "heard.jsonl"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while not (tmp_path / "heard.jsonl").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.1)
        server.play(speech)
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert first.split()[0] in {"change", "turn"}
    assert errors == "heard.rttm written\nheard.jsonl written\n"
    assert read_rttm(tmp_path / "heard.rttm")["microphone"]
    last = json.loads((tmp_path / "heard.jsonl").read_text().splitlines()[-1])
    assert (last["type"], last["reason"]) == ("session.end", "SIGINT")
