"""Captions of real sound, by the real models."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import webvtt
from typer.testing import CliRunner

from hocket.models import open_models
from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.engine import Captioned
from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.cli.app import app
from hocket.streaming.diarizer import Diarizer
from hocket.streaming.evaluation.run import hear
from hocket.streaming.evaluation.words import against_turns, against_words, captioned_words, synthesised_words
from hocket.streaming.metrics import Lanes, diarization_errors
from hocket.streaming.replay import annotation
from hocket.streaming.rttm import read_rttm
from hocket.streaming.sources.file import FileSource
from tests.shared_data import shared

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo"


def test_the_demo_conversation_is_captioned_by_the_words_that_were_spoken(tmp_path: Path) -> None:
    words = DEMO / "conversation.words.json"
    arguments = ["caption", str(DEMO / "conversation.ogg"), "--words", str(words), "--reference", str(words)]
    ended = CliRunner().invoke(app, [*arguments, "--vtt", str(tmp_path / "talk.vtt")], catch_exceptions=False)
    assert ended.exit_code == 0
    score = json.loads(ended.stdout)
    assert score["words"] == 314
    assert score["speaker_error"] < 0.06
    assert score["wer"] == 0.0
    cues = webvtt.read(tmp_path / "talk.vtt")
    assert cues[0].text == "Good morning, both of you."
    assert len({cue.voice for cue in cues}) == 3


def test_the_program_of_the_documentation_captions_two_words() -> None:
    (program,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "captions.md").read_text("utf-8"), re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("c1 S1 Good morning. final")


@pytest.mark.slow
def test_words_of_a_meeting_go_wrong_no_more_often_than_its_turns_do() -> None:
    audio = shared("data/eval/meetings/sim01_2spk_quiet.ogg")
    truth = next(iter(read_rttm(audio.with_suffix(".rttm")).values()))
    words = synthesised_words(truth, jitter=0.15)
    heard = [HeardWord(text=word.text, start=word.start, end=word.end, id=word.text) for word in words]
    pair = open_models()
    diarizer = Diarizer(pair.segmenter, pair.embedder)
    captioner = Captioner("meeting", CaptionRules(offset=0.0))
    events = hear(Captioned(diarizer, captioner, heard), FileSource(audio), diarizer.rate)
    shown = ShownCaptions()
    for event in events:
        shown.add(event)
    said = captioned_words(shown.resolved())
    source = FileSource(audio)
    assert source.num_samples is not None
    num_cells = 100 * source.num_samples // source.rate_hz
    der = diarization_errors(Lanes.of(truth, num_cells), Lanes.of(annotation(events), num_cells))
    assert against_words(words, said).rate <= der.rate + 0.02
    assert against_turns(truth, said).rate <= 0.05
