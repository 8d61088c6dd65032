"""Voices of real speech, with real models: docs/voices.md as it stands, the commands on the demo."""

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.models import open_models
from hocket.streaming import VoiceEmbedder
from hocket.streaming.rttm import read_rttm
from tests.brought_models import RATE, conversation, write_embedding, write_segmentation

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "voices.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")
DEMO = Path(str(files("hocket.demo")))


def run(*command: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Turns of the demo of 1.7 s and more, during which nobody else speaks, and every pair of them."""
    folder = tmp_path_factory.mktemp("data") / "trials"
    folder.mkdir()
    samples, rate = soundfile.read(DEMO / "conversation.ogg")
    turns = read_rttm(DEMO / "conversation.rttm")["conversation"]
    clips = []
    for turn in turns:
        others = (other for other in turns if other.speaker != turn.speaker)
        if turn.end - turn.start > 1.7 and all(o.end < turn.start or o.start > turn.end for o in others):
            clips.append((f"{turn.speaker}{len(clips)}.wav", turn.speaker))
            soundfile.write(
                folder / clips[-1][0], samples[round(turn.start * rate) : round(turn.end * rate)], rate
            )
    pairs = [(a, b) for k, a in enumerate(clips) for b in clips[k + 1 :]]
    lines = [f"{int(a[1] == b[1])} {a[0]} {b[0]}" for a, b in pairs]
    (folder / "test.txt").write_text("\n".join(lines))
    return folder


def test_the_first_program_tells_anna_from_tom() -> None:
    done = run(sys.executable, "-W", "error", "-c", PROGRAMS[0], cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"0\.\d\d one speaker\n0\.\d\d two speakers\n", done.stdout)


def test_the_second_program_says_what_the_command_says(trials: Path) -> None:
    program = run(sys.executable, "-W", "error", "-c", PROGRAMS[1], cwd=trials.parent)
    command = run(*HOCKET, "verify", "--trials", "trials/test.txt", "--json", cwd=trials.parent)
    assert (program.stderr, command.stderr) == ("", "")
    figures = json.loads(command.stdout)
    assert program.stdout == (
        f"EER {figures['eer']['value']:.2%}, minDCF(0.05) {figures['min_dcf']['0.05']['value']:.3f}\n"
    )
    assert figures["same"] == 18
    assert figures["eer"]["value"] < 0.1
    assert len(PROGRAMS) == 2


def test_two_runs_write_the_same_archive(trials: Path) -> None:
    clips = sorted(path.name for path in trials.glob("Anna*.wav"))[:3]
    for name in ("1.npz", "2.npz"):
        done = run(*HOCKET, "embed", *clips, "--out", name, cwd=trials)
        assert done.returncode == 0, done.stderr
    assert (trials / "1.npz").read_bytes() == (trials / "2.npz").read_bytes()
    with np.load(trials / "1.npz") as found:
        assert found["path"].tolist() == clips
        np.testing.assert_allclose(np.linalg.norm(found["vectors"], axis=1), 1, atol=1e-6)


def test_rate_and_channels_of_a_file_hardly_change_its_voice(trials: Path) -> None:
    clip = sorted(trials.glob("Maya*.wav"))[0]
    samples, rate = soundfile.read(clip)
    voices = VoiceEmbedder()
    voice = voices.embed(clip)
    stereo = np.stack([samples, samples], axis=1).repeat(
        3, axis=0
    )  # held, not interpolated: images above 8 kHz
    assert voices.compare(voice, voices.embed_samples(stereo, 3 * rate)).cosine > 0.98


def test_a_pair_that_the_catalogue_does_not_know_is_compared_by_folder(tmp_path: Path) -> None:
    """Models of 8 kHz, windows of 4 s and two vowels."""
    segmentation = write_segmentation(tmp_path / "levels")
    embedding = write_embedding(tmp_path / "spectra")
    for name, speakers in {"a": [0], "a2": [None, 0], "b": [None, 1, None]}.items():
        soundfile.write(tmp_path / f"{name}.wav", conversation(list(speakers), seconds=3.0), RATE)
    voices = VoiceEmbedder(open_models(segmentation=segmentation, embedding=embedding, runtime="portable"))
    first, again, other = (voices.embed(tmp_path / f"{name}.wav") for name in ("a", "a2", "b"))
    assert voices.compare(first, again).cosine > 0.9
    assert voices.compare(first, other).cosine < 0.5
    assert again.duration == 6.0
    assert again.speech == pytest.approx(3.0, abs=0.1)
    assert voices.threshold is None


def test_a_card_says_from_which_score_on_voices_are_one(tmp_path: Path) -> None:
    embedding = write_embedding(tmp_path / "spectra")
    card = (embedding / "card.toml").read_text()
    (embedding / "card.toml").write_text(card.replace("min_frames", "threshold = 0.8\nmin_frames"))
    segmentation = write_segmentation(tmp_path / "levels")
    pair = open_models(segmentation=segmentation, embedding=embedding, runtime="portable")
    assert VoiceEmbedder(pair).threshold == 0.8
    assert VoiceEmbedder(pair, threshold=0.6).threshold == 0.6
