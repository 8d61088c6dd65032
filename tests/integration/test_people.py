"""docs/people.md, done as it says: the commands and the programs, on three people of the demo."""

import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.streaming.rttm import read_rttm

PAGE = (Path(__file__).parents[2] / "docs" / "people.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")


def command(beginning: str, **arguments: str) -> list[str]:
    """The words after `hocket` of the page's command that begins so, without comment and redirection."""
    [line] = [line for line in COMMANDS if line.startswith(f"hocket {beginning}")]
    words = shlex.split(re.sub(r" > \S+", "", line), comments=True)[1:]
    return [arguments.get(word, word) for word in words]


def run(words: list[str], folder: Path) -> str:
    """What a command prints, run in a folder; it must end well."""
    done = subprocess.run([*HOCKET, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(text: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """meeting.wav and standup.wav: the demo's beginning; anna.wav: what Anna says alone later on."""
    path = tmp_path_factory.mktemp("people")
    samples, rate = soundfile.read(str(files("hocket.demo") / "conversation.ogg"), dtype="float32")
    soundfile.write(path / "anna.wav", samples[69 * rate : 75 * rate], rate)
    for name in ("meeting.wav", "standup.wav"):
        soundfile.write(path / name, samples[: 18 * rate], rate)
    return path


def test_people_are_known_by_the_commands_of_the_page(folder: Path) -> None:
    run(command("people add Anna"), folder)
    run(command("people learn", **{"S2=Bert": "S3=Bert"}), folder)
    turns = read_rttm_of(run(command("diarize standup.wav"), folder), folder)
    assert {"Anna", "Bert"} <= turns.keys()
    assert any(start <= 3 <= end for start, end in turns["Anna"])
    introduced = program(PROGRAMS[0], folder)
    assert re.search(r"^S\d Anna p\w+$", introduced, re.MULTILINE)
    assert "speaker.new" in program(PROGRAMS[1], folder)
    assert {"Anna", "Bert", "Carla"} <= set(run(command("people list"), folder).split())


def read_rttm_of(text: str, folder: Path) -> dict[str, list[tuple[float, float]]]:
    (folder / "out.rttm").write_text(text)
    turns: dict[str, list[tuple[float, float]]] = {}
    for recording in read_rttm(folder / "out.rttm").values():
        for turn in recording:
            turns.setdefault(turn.speaker, []).append((turn.start, turn.end))
    return turns


def test_a_person_is_kept_moved_and_forgotten_by_the_commands_of_the_page(tmp_path: Path) -> None:
    from hocket.streaming.clustering.voiceprint import VoicePrint
    from hocket.streaming.speakers.store import PeopleStore

    voice = VoicePrint("campplus-zh-en", np.eye(192, dtype=np.float32)[:3], np.full(3, 2, np.float32))
    with PeopleStore(tmp_path / "people.db") as store:
        person = store.add("Anna", voice)
    assert f"id     {person.id}" in run(command("people show"), tmp_path)
    exported = run(command("people export"), tmp_path)
    (tmp_path / "anna.json").write_text(exported)
    run(command("people rename"), tmp_path)
    run(command("people forget", Anna="Anna K."), tmp_path)
    run(command("people import"), tmp_path)
    assert person.id in run(command("people show"), tmp_path)


def test_mistakes_end_with_one_line(tmp_path: Path) -> None:
    for words, message in (
        (["people", "list"], "error: no store of people at people.db: name it with --store"),
        (["people", "learn", "a.wav", "Anna"], "expected a speaker's id and a name, as in S1=Anna"),
        (["people", "add", "Anna", "nowhere.wav"], "error: no such file: nowhere.wav"),
    ):
        done = subprocess.run(
            [*HOCKET, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"COLUMNS": "200"},
        )
        assert done.returncode != 0
        assert message in done.stderr
        assert "Traceback" not in done.stderr
