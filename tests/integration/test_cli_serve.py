"""hocket serve, publish, subscribe and sessions, as typed."""

import json
import subprocess
import sys
from pathlib import Path

import soundfile
from websockets.sync.client import connect

from hocket.streaming.server.sessions.store import Step, Store, hold
from tests.served import RATE, Babble
from tests.unit.streaming.server.test_store import create


def hocket(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from hocket.streaming.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_mistakes_end_in_a_sentence(tmp_path: Path) -> None:
    audio = tmp_path / "a.wav"
    soundfile.write(audio, Babble(1, 1).samples, RATE)
    nobody = hocket("publish", str(audio), "ws://127.0.0.1:1", "--patience", "0")
    assert nobody.returncode == 1
    assert "error: gave up after 0 s" in nobody.stderr
    public = hocket("serve", "--host", "0.0.0.0", "--data-dir", str(tmp_path))
    assert public.returncode == 1
    assert public.stderr.startswith("error: 0.0.0.0 can be reached from other machines")
    release = hold(tmp_path)
    taken = hocket("serve", "--data-dir", str(tmp_path), "--port", "0")
    release()
    assert taken.returncode == 1
    assert "is in use by another hocket serve" in taken.stderr


def test_kept_sessions_are_listed_exported_and_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    create(store, "monday")
    store.add([Step("monday", [], [], 0, 1.5, is_last=True)])
    store.close()
    folder = ["--data-dir", str(tmp_path)]
    assert "monday" in hocket("sessions", "list", *folder).stdout
    assert "1.5 s, 1 events" in hocket("sessions", "show", "monday", *folder).stdout
    exported = hocket("sessions", "export", "monday", *folder).stdout
    assert exported.startswith('{"type": "session.start", "seq": 1')
    assert hocket("sessions", "export", "monday", "--vtt", *folder).stdout == "WEBVTT\n"
    assert hocket("sessions", "delete", "monday", *folder).returncode == 0
    assert "error: no session 'monday'" in hocket("sessions", "show", "monday", *folder).stderr


def test_a_server_that_was_killed_starts_again(tmp_path: Path) -> None:
    program = "from hocket.streaming.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data-dir", str(tmp_path), "--port", "0"]
    for _ in range(2):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            said = server.stderr.readline()
            assert said.startswith("listening on ws://127.0.0.1:")
            with connect(f"{said.split()[-1]}/v1/live?sample_rate=16000", proxy=None) as producer:
                producer.send(bytes(3200))
                assert json.loads(producer.recv())["type"] == "started"
                server.kill()
