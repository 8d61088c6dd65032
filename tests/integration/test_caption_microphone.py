"""hocket caption --mic for real: a sound server, a recogniser, and a session that loses it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from hocket.models.cache import FOLDER_VARIABLE, cache_folder
from hocket.streaming.events import Caption, SessionEnd, Status
from hocket.streaming.sinks.jsonl import read_events
from tests.sound_server import RATE, SoundServer, require_microphone, require_sound_server

pytestmark = pytest.mark.audio_device

HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")
TALK = Path(__file__).parents[2] / "examples" / "demo" / "conversation.ogg"
SECONDS = 5  # "Good morning, both of you. Before we sing, can we talk about what a hocket really is?"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    require_sound_server()
    monkeypatch.setenv(FOLDER_VARIABLE, str(cache_folder()))  # the server's own home holds no models
    server = SoundServer(tmp_path, monkeypatch)
    server.start()
    try:
        require_microphone()
        yield server
    finally:
        server.kill()


def until(condition: Callable[[], object], session: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert session.poll() is None, session.communicate()
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_a_microphone_is_captioned_though_its_recogniser_is_killed(
    server: SoundServer, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    command = [*HOCKET, "caption", "--mic", "--jsonl", str(log)]
    talk, _ = soundfile.read(TALK, stop=SECONDS * RATE, dtype="int16")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as session:
        try:
            until(lambda: log.exists() and log.stat().st_size, session)
            os.kill(children(session.pid)[0], signal.SIGKILL)
            server.play(talk)
            until(lambda: "sing" in log.read_text("utf-8"), session)
            session.send_signal(signal.SIGINT)
            told, problems = session.communicate(timeout=60)
        finally:
            session.kill()
    assert session.returncode == 130, problems
    assert problems == "warning: the recogniser was killed by signal 9; starting it again\n"
    assert "S1: Good morning" in told
    events = list(read_events(log))
    assert max(event.lag for event in events if isinstance(event, Status)) < 3.0
    assert {event.speaker for event in events if isinstance(event, Caption) and event.words} == {"S1"}
    assert isinstance(events[-1], SessionEnd)
