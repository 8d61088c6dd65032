"""`hocket embed` and `hocket verify` as typed, with models for which a voice is a level."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from hocket.models import ModelPair
from hocket.streaming.cli import options
from hocket.streaming.cli.embed import embed
from hocket.streaming.cli.verify import verify
from hocket.streaming.errors import AudioFileError, FormatError, HocketError, NoVoiceError
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(embed)
app.command()(verify)

LIST = "1 a0.wav a1.wav\n1 b0.wav b1.wav\n0 a0.wav b0.wav\n0 a1.wav b1.wav\n0 a1.wav b0.wav\n"


@pytest.fixture(autouse=True)
def level_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ModelPair(LevelSegmenter(), LevelEmbedder(), {"segmentation": "levels", "embedding": "levels"})
    monkeypatch.setattr(options, "open_pair", lambda *arguments: pair)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two clips of voice a, two of voice b, one of nobody; trials between them. The current folder."""
    for name, level in {"a0": 0.1, "a1": 0.1, "b0": 0.2, "b1": 0.2, "silent": 0.0}.items():
        soundfile.write(tmp_path / f"{name}.wav", np.full(2 * RATE, level, np.float32), RATE)
    (tmp_path / "trials.txt").write_text(LIST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal(*arguments: object) -> HocketError:
    """What the command raises, which main() says and ends with 1."""
    result = typed(*arguments)
    assert isinstance(result.exception, HocketError)
    return result.exception


def archive(path: Path) -> dict[str, Any]:
    with np.load(path) as found:
        return dict(found)


def test_embed_writes_a_row_for_every_recording(folder: Path) -> None:
    result = typed("embed", "a0.wav", "b1.wav", "a0.wav", "--out", "v.npz")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "v.npz: 3 vectors of 4 by levels\n"
    found = archive(folder / "v.npz")
    assert found["path"].tolist() == ["a0.wav", "b1.wav", "a0.wav"]
    np.testing.assert_allclose(found["vectors"], np.eye(4)[[0, 1, 0]], atol=1e-3)


def test_segments_of_one_file_do_not_overwrite_each_other(folder: Path) -> None:
    both = np.concatenate([np.full(2 * RATE, 0.1), np.full(2 * RATE, 0.2)])
    soundfile.write(folder / "both.wav", both, RATE)
    lines = [
        {"audio_filepath": "both.wav", "offset": 2.0, "duration": 2.0, "label": "b"},
        {"audio_filepath": "a0.wav", "label": "a"},
        {"audio_filepath": "both.wav", "offset": 0.0, "duration": 2.0, "label": "a"},
    ]
    (folder / "m.json").write_text("\n".join(map(json.dumps, lines)))
    assert typed("embed", "--manifest", "m.json", "--out", "v.npz").exit_code == 0
    found = archive(folder / "v.npz")
    assert found["label"].tolist() == ["b", "a", "a"]
    assert found["offset"].tolist() == [2.0, 0.0, 0.0]
    np.testing.assert_allclose(found["vectors"], np.eye(4)[[1, 0, 0]], atol=1e-3)


def test_embed_names_what_it_cannot_hear_and_keeps_the_rest(folder: Path) -> None:
    result = typed("embed", "none.wav", "a0.wav", "silent.wav", "--out", "v.npz")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: no such file: none.wav",
        "error: silent.wav: 2.00 s of silence: every sample is 0",
        "v.npz: 1 vectors of 4 by levels",
    ]
    assert archive(folder / "v.npz")["path"].tolist() == ["a0.wav"]


def test_embed_writes_nothing_of_nothing(folder: Path) -> None:
    assert typed("embed", "silent.wav", "--out", "v.npz").exit_code == 1
    assert not (folder / "v.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--out", "v.npz"), "nothing to hear"), (("a0.wav", "--out", "no/v.npz"), "no folder 'no'")],
)
def test_embed_refuses_what_cannot_end_well(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    result = typed("embed", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_verify_says_whether_two_recordings_are_one_speaker(folder: Path) -> None:
    same = typed("verify", "a0.wav", "a1.wav", "--threshold", "0.7")
    assert (same.exit_code, same.stdout) == (
        0,
        "one speaker: score 1.000 (cosine 1.000), threshold 0.700\n2.0 s and 2.0 s of speech\n",
    )
    assert typed("verify", "a0.wav", "b1.wav", "--threshold", "0.7").stdout.startswith(
        "two speakers: score 0.5"
    )


def test_verify_decides_nothing_without_a_threshold(folder: Path) -> None:
    said = typed("verify", "a0.wav", "a1.wav").stdout
    assert said.startswith("undecided: score 1.000 (cosine 1.000), levels has no threshold: choose one with")


def test_verify_says_that_little_speech_says_little(folder: Path) -> None:
    soundfile.write(folder / "short.wav", np.full(RATE // 2, 0.1), RATE)
    assert typed("verify", "a0.wav", "short.wav").stdout.endswith("0.5 s of speech: too little to be sure\n")


def test_verify_gives_figures_as_json(folder: Path) -> None:
    assert json.loads(typed("verify", "a0.wav", "b0.wav", "--threshold", 0.7, "--json").stdout) == {
        "model": "levels",
        "same": False,
        "score": pytest.approx(0.5, abs=1e-3),
        "cosine": pytest.approx(0.0, abs=1e-3),
        "threshold": 0.7,
        "speech": [2.0, 2.0],
    }


def test_verify_refuses_recordings_without_a_voice(folder: Path) -> None:
    error = refusal("verify", "a0.wav", "silent.wav")
    assert isinstance(error, NoVoiceError)
    assert str(error) == "silent.wav: 2.00 s of silence: every sample is 0"
    assert isinstance(refusal("verify", "a0.wav", "none.wav"), AudioFileError)


def test_trials_become_error_rates(folder: Path) -> None:
    result = typed("verify", "--trials", "trials.txt", "--threshold", 0.7)
    assert result.exit_code == 0
    assert "trials.txt by levels" in result.stdout
    for words in ("2 / 3", "equal error rate", "0.00%", "minDCF, p_target 0.01", "0.00% / 0.00%"):
        assert words in result.stdout


def test_trials_give_figures_as_json_and_a_picture(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    result = typed("verify", "--trials", "trials.txt", "--json", "--plot", "det.svg")
    figures = json.loads(result.stdout)
    assert (figures["same"], figures["different"], figures["left_out"]) == (2, 3, 0)
    assert figures["eer"]["value"] == 0
    assert figures["decisions"] == {"threshold": None, "misses": None, "false_alarms": None}
    assert "<svg" in (folder / "det.svg").read_text()


def test_the_lists_paths_start_from_its_folder_or_from_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "lists").mkdir()
    (folder / "lists" / "t.txt").write_text(LIST)
    monkeypatch.chdir("/")
    assert typed("verify", "--trials", folder / "trials.txt").exit_code == 0
    assert typed("verify", "--trials", folder / "lists" / "t.txt", "--root", folder).exit_code == 0
    assert "4 of 4 recordings are missing" in str(refusal("verify", "--trials", folder / "lists" / "t.txt"))


def test_every_recording_is_heard_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hocket.streaming.verification.voices import VoiceEmbedder

    heard: list[str] = []
    embed_one = VoiceEmbedder.embed

    def counting(self: VoiceEmbedder, path: Path) -> Any:
        heard.append(path.name)
        return embed_one(self, path)

    monkeypatch.setattr(VoiceEmbedder, "embed", counting)
    typed("verify", "--trials", "trials.txt")
    assert sorted(heard) == ["a0.wav", "a1.wav", "b0.wav", "b1.wav"]


def test_trials_of_a_recording_without_a_voice_are_left_out_and_said(folder: Path) -> None:
    with (folder / "trials.txt").open("a") as trials:
        trials.write("0 a0.wav silent.wav\n")
    result = typed("verify", "--trials", "trials.txt", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["left_out"] == 1
    assert result.stderr.splitlines() == [
        "error: silent.wav: 2.00 s of silence: every sample is 0",
        "error: 1 of 6 trials are left out: not every recording has a voice",
    ]


def test_a_wrong_line_is_named(folder: Path) -> None:
    (folder / "trials.txt").write_text("1 a0.wav a1.wav\n1 a0.wav\n")
    error = refusal("verify", "--trials", "trials.txt")
    assert isinstance(error, FormatError)
    assert "trials.txt, line 2: '1 a0.wav': expected" in str(error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "0 recordings: expected two"),
        (("a0.wav",), "1 recordings: expected two"),
        (("a0.wav", "a1.wav", "b0.wav"), "3 recordings: expected two"),
        (("a0.wav", "--trials", "trials.txt"), "expected no recordings beside"),
        (("a0.wav", "a1.wav", "--plot", "det.svg"), "belongs to a list of trials"),
        (("--trials", "trials.txt", "--plot", "no/det.svg"), "there is no folder 'no'"),
        (("a0.wav", "a1.wav", "--threshold", "2"), "--threshold"),
    ],
)
def test_verify_refuses_what_does_not_go_together(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    pytest.importorskip("matplotlib")
    result = typed("verify", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())
