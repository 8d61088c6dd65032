"""Captions of real sound, by the real models and the recogniser that comes with the extra."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
import webvtt
from typer.testing import CliRunner

from hocket.models import open_models
from hocket.streaming.cli.app import app
from hocket.streaming.evaluation.evaluate import evaluate
from hocket.streaming.evaluation.recordings import find_recordings
from hocket.streaming.evaluation.scripts import Script, score_script, scripts_of
from hocket.streaming.events import Caption
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm, read_rttm
from hocket.streaming.sinks.jsonl import read_events
from tests.shared_data import shared

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"
RATE = 16_000
SECONDS = 33.4  # all three have spoken, some over another, and a sentence has just ended
SHORT_SECONDS = 6.0


@dataclass(frozen=True)
class Clip:
    """The beginning of the demo conversation: sound, turns and exact words beside each other."""

    folder: Path
    words: list[dict[str, object]]

    @property
    def audio(self) -> Path:
        return self.folder / "talk.wav"

    @property
    def exact(self) -> Path:
        return self.folder / "talk.words.json"


def clip(folder: Path, seconds: float) -> Clip:
    samples, _ = soundfile.read(DEMO / "conversation.ogg", stop=round(seconds * RATE))
    words = json.loads((DEMO / "conversation.words.json").read_text("utf-8"))
    made = Clip(folder, [word for word in words if word["end"] <= seconds])
    soundfile.write(made.audio, samples, RATE)
    made.exact.write_text(json.dumps(made.words))
    turns = next(iter(read_rttm(DEMO / "conversation.rttm").values()))
    (folder / "talk.rttm").write_text(format_rttm("talk", until(turns, seconds)))
    return made


def until(turns: list[Segment], seconds: float) -> list[Segment]:
    return [Segment(t.start, min(t.end, seconds), t.speaker) for t in turns if t.start < seconds]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return clip(tmp_path_factory.mktemp("talk"), SECONDS)


@pytest.fixture(scope="module")
def score(talk: Clip) -> dict[str, float]:
    """Of one run of the command on the clip, recogniser and all; what it wrote lies beside the clip."""
    written = [f"--{kind}={talk.folder / f'talk.{kind}'}" for kind in ("vtt", "srt", "json", "jsonl")]
    command = ["caption", str(talk.audio), "--reference", str(talk.exact), *written]
    ended = CliRunner().invoke(app, command, catch_exceptions=False)
    assert ended.exit_code == 0
    figures: dict[str, float] = json.loads(ended.stdout)
    return figures


def test_one_command_captions_a_conversation_with_names(talk: Clip, score: dict[str, float]) -> None:
    assert score["wer"] < 0.2
    assert score["cpwer"] - score["wer"] < 0.03
    assert score["speaker_error"] < 0.04
    cues = webvtt.read(talk.folder / "talk.vtt")
    said = " ".join(cue.text for cue in cues).lower()
    assert all(words in said for words in ("melody", "good company", "small pieces"))
    assert len({cue.voice for cue in cues}) == 3
    assert "S1: " in (talk.folder / "talk.srt").read_text("utf-8")
    assert json.loads((talk.folder / "talk.json").read_text("utf-8"))["captions"][0]["words"]


@pytest.mark.usefixtures("score")
def test_the_words_that_were_spoken_go_to_who_spoke_them(talk: Clip) -> None:
    log = [event for event in read_events(talk.folder / "talk.jsonl") if not isinstance(event, Caption)]
    (recording,) = find_recordings(talk.folder)
    script = scripts_of([recording], str(talk.folder))["talk"]
    right = score_script(Script(script.heard, script.truth, 0.0), recording, log, latency=1.0, hop=0.5)
    assert right.settled.speakers.words == len(talk.words)
    assert right.settled.speakers.rate < 0.08
    assert right.settled.words is not None
    assert right.settled.words.wer == 0.0
    assert right.first is not None
    assert right.first.rate < 0.12


def test_words_of_a_file_are_captioned(tmp_path: Path) -> None:
    short = clip(tmp_path, SHORT_SECONDS)
    command = ["caption", str(short.audio), "--words", str(short.exact), "--reference", str(short.exact)]
    ended = CliRunner().invoke(app, [*command, "--vtt", str(tmp_path / "talk.vtt")], catch_exceptions=False)
    assert ended.exit_code == 0
    score = json.loads(ended.stdout)
    assert (score["words"], score["wer"]) == (len(short.words), 0.0)
    assert webvtt.read(tmp_path / "talk.vtt")[0].text == "Good morning, both of you."


def test_the_program_of_the_documentation_captions_two_words(tmp_path: Path) -> None:
    (program,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "captions.md").read_text("utf-8"), re.DOTALL
    )
    short = clip(tmp_path, SHORT_SECONDS)
    program = program.replace("examples/demo/conversation.ogg", str(short.audio))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("c1 S1 Good morning. final")


@pytest.mark.slow
def test_words_of_a_meeting_go_wrong_no_more_often_than_its_turns_do(tmp_path: Path) -> None:
    pytest.importorskip("pyannote.metrics")
    audio, seconds = shared("data/eval/meetings/sim01_2spk_quiet.ogg"), 40.0
    samples, _ = soundfile.read(audio, stop=round(seconds * RATE))
    soundfile.write(tmp_path / "meeting.wav", samples, RATE)
    turns = next(iter(read_rttm(audio.with_suffix(".rttm")).values()))
    (tmp_path / "meeting.rttm").write_text(format_rttm("meeting", until(turns, seconds)))
    recordings, pair = find_recordings(tmp_path), open_models()
    report = evaluate(recordings, pair.segmenter, pair.embedder, scripts=scripts_of(recordings, "turns"))
    row = report.to_dict()["total"]["1"]
    assert row["captions"]["speaker_error"] <= row["der_final"] + 0.02
    assert row["captions"]["speaker_error_first"] <= row["der_first"] + 0.02
