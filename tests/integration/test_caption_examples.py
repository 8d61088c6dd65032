"""The examples around captions, run as they stand."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hocket.streaming.cli.app import app
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import read_rttm
from hocket.streaming.server.clients.publisher import Publisher
from tests.served import Babble, service
from tests.talking import run

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"


def recorded(folder: Path, *arguments: str) -> list[str]:
    """The command that runs the recorder into a folder."""
    return [sys.executable, "-W", "error", "examples/recorder.py", str(folder), *arguments, "--silence", "5"]


def meetings_in(folder: Path) -> list[list[Segment]]:
    return [next(iter(read_rttm(path).values())) for path in sorted(folder.iterdir())]


def test_the_recorder_writes_an_rttm_per_meeting(tmp_path: Path) -> None:
    talk, rate = soundfile.read(DEMO / "conversation.ogg", stop=16_000 * 5, dtype="float32")
    soundfile.write(tmp_path / "two.wav", np.concatenate([talk, np.zeros(9 * rate, np.float32), talk]), rate)
    command = recorded(tmp_path / "out", str(tmp_path / "two.wav"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = meetings_in(tmp_path / "out")
    assert max(turn.end for turn in first) < 6.0
    assert min(turn.start for turn in second) > 13.5
    assert re.search(r"_1\.rttm: \d people, \d+ s", done.stdout)


def test_the_recorder_follows_a_session_of_a_service(tmp_path: Path) -> None:
    async def test() -> None:
        async with service(tmp_path / "kept") as url:
            command = recorded(tmp_path / "out", url, "--session", "kitchen")
            recorder = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            source = Babble(1, 6.0)
            pause = np.zeros(12 * source.rate_hz, np.float32)
            source.samples = np.concatenate([source.samples, pause, source.samples])
            await Publisher(url, "kitchen").run(source)
            told, _ = await recorder.communicate()
            assert recorder.returncode == 0, told.decode()
            assert told.count(b"people") == 2

    run(test())
    first, second = meetings_in(tmp_path / "out")
    assert max(turn.end for turn in first) < 7.0
    assert min(turn.start for turn in second) > 17.0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "expected a recording, or --mic"),
        (["talk.ogg", "--mic"], "expected a recording, or --mic"),
        (["talk.ogg", "--device", "USB"], "give --mic too"),
        (["--mic", "--offline"], "only live sessions"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], problem: str) -> None:
    ended = CliRunner().invoke(app, ["caption", *arguments])
    assert ended.exit_code == 2
    assert problem in " ".join(ended.output.split())
