"""FluidInference's embedders, community-1's segmentation and PldaRho: from packages to events.

The published files cannot be had here. Packages of the same interfaces, converted from recipe or random
weights and the real segmentation checkpoint, stand in for them: who is who means nothing, and only that every
part fits is tested.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.models import ModelPair, open_models, open_predictor
from hocket.models.catalogue import find_card, known_pairs
from hocket.models.errors import ModelError, UnknownModel
from hocket.models.fbank import Fbank
from hocket.models.plda import open_plda
from hocket.models.store import PUBLISHED, record
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from tests.fluidinference_pipeline import embedder_state, write_pipeline
from tests.shared_data import ROOT, shared

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")

from hocket.models.convert import convert  # noqa: E402  (needs the extra)
from hocket.models.convert.part import load_strictly  # noqa: E402
from hocket.models.convert.wespeaker import WeSpeakerResNet34  # noqa: E402

pytestmark = [pytest.mark.convert, pytest.mark.slow]

_PAIRS = {
    "fluidinference": ("pyannote_segmentation", "wespeaker_v2"),
    "community-1": ("Segmentation", "FBank", "Embedding", "PldaRho"),
}


@dataclass(frozen=True)
class Published:
    """A stand-in for FluidInference's repository, and a folder for each pair in it."""

    everything: Path
    pairs: dict[str, Path]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("published")
    pipeline = write_pipeline(folder / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOCKET_CACHE_DIR", str(folder / "cache"))
        made = list(convert(pipeline, folder / "all", interface="fluidinference"))
        assert {package.path.stem for package in made} == set().union(*_PAIRS.values())
        for pair, names in _PAIRS.items():
            for name in names:
                package = f"{name}.mlpackage"
                shutil.copytree(folder / "all" / package, folder / pair / package)
        yield Published(folder / "all", {pair: folder / pair for pair in _PAIRS})


@pytest.fixture(scope="module", params=_PAIRS)
def pair(request: pytest.FixtureRequest, published: Published) -> ModelPair:
    return open_models(str(published.pairs[request.param]), runtime="portable")


def _recording(start: int = 0, seconds: int = 7) -> NDArray[np.float32]:
    """Of a real meeting; where it is absent, of the demo conversation."""
    path = ROOT / "data/eval/ami/EN2001a_000-030.flac"
    if not path.is_file():
        path = Path(str(files("hocket.demo") / "conversation.ogg"))
    samples: NDArray[np.float32] = soundfile.read(path, dtype="float32")[0]
    return samples[start * 16000 : (start + seconds) * 16000]


def test_a_folder_of_both_models_is_a_pair(published: Published) -> None:
    fluid = open_models(str(published.pairs["fluidinference"]), runtime="portable").names
    assert fluid["segmentation"].startswith("fluidinference-segmentation (")
    assert fluid["embedding"].startswith("fluidinference-wespeaker-v2 (")
    community = open_models(str(published.pairs["community-1"]), runtime="portable").names
    assert community["segmentation"].startswith("community-1-segmentation (")
    assert community["embedding"].startswith("community-1-embedding (")


def test_of_the_whole_repository_the_newer_pair_is_taken(published: Published) -> None:
    names = open_models(str(published.everything), runtime="portable").names
    assert {name.split(" ")[0] for name in names.values()} == {
        "community-1-segmentation",
        "community-1-embedding",
    }


@pytest.mark.parametrize("name", _PAIRS)
def test_a_pair_that_was_pulled_opens_by_its_name(
    name: str, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name leads to packages that lie where `hocket models pull` puts them."""
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path))
    models = known_pairs()[name]
    for card in (find_card(models["segmentation"]), find_card(models["embedding"])):
        with pytest.raises(UnknownModel, match=f"{name} needs .*: hocket models pull {name}"):
            open_models(name, runtime="portable")
        for package in card.packages:
            source = published.everything / Path(package.path).with_suffix(".mlpackage")
            shutil.copytree(source, tmp_path / card.name / PUBLISHED / package.path)
        record(tmp_path / card.name, "somebody/some-models", "0" * 40)
    assert open_models(name, runtime="portable").names.items() >= {
        ("segmentation", models["segmentation"]),
        ("embedding", models["embedding"]),
    }


def test_a_card_of_ones_own_may_describe_windows_and_masks(published: Published, tmp_path: Path) -> None:
    for name in ("FBank", "Embedding"):
        shutil.copytree(published.everything / f"{name}.mlpackage", tmp_path / f"{name}.mlpackage")
    card = """
        name = "mine"
        role = "embedding"
        [window]
        rate = 16000
        size = 256
        channels = 320
        frame_step = 320
        hop = 16000
        lookback = 0
        kept = 16000
        min_frames = 25
        max_frames = 500
        preroll = 0
        mask_frames = 589
        calibration = { different = 0.2, noise_floor = 0.2, noise_per_second = 0.3 }
        [packages.front_end]
        path = "FBank.mlpackage"
    """
    (tmp_path / "card.toml").write_text(card, encoding="utf-8")
    with pytest.raises(ModelError, match=r"has \['net'\] or \['front_end', 'net'\]"):
        open_models(embedding=tmp_path)
    network = '[packages.net]\npath = "Embedding.mlpackage"'
    (tmp_path / "card.toml").write_text(f"{card}\n{network}", encoding="utf-8")
    pair = open_models(embedding=tmp_path, runtime="portable")
    assert pair.names["embedding"] == f"mine ({tmp_path})"
    assert pair.embedder.spec.hop == 16000


def test_the_engine_runs_end_to_end(pair: ModelPair) -> None:
    diarizer = Diarizer(pair.segmenter, pair.embedder, DiarizerConfig(hop=2.0))
    events = diarizer.push(_recording()) + diarizer.finish()
    kinds = {event.type for event in events}
    assert {"session.start", "speaker.new", "turn", "change", "session.end"} <= kinds
    assert diarizer.annotation()


def test_the_command_takes_the_folder(published: Published, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "meeting.wav", _recording(), 16000)
    folder = str(published.pairs["community-1"])
    options = ["--models", folder, "--runtime", "portable", "--hop", "2", "--rttm", "meeting.rttm"]
    command = "from hocket.streaming.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "diarize", "meeting.wav", *options],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "meeting.rttm").read_text(encoding="utf-8").startswith("SPEAKER meeting 1 ")


def test_segmentation_hears_what_the_shipped_one_hears(pair: ModelPair) -> None:
    windows = _recording(seconds=20).reshape(2, 160000)
    shipped = open_models(runtime="portable").segmenter.segment(windows)
    assert (pair.segmenter.segment(windows).argmax(-1) == shipped.argmax(-1)).mean() > 0.99


def test_vectors_are_the_networks_on_repeated_audio(pair: ModelPair) -> None:
    """Against the PyTorch network on the same loop, all frames counting."""
    audio = _recording(5, 2)
    frames = pair.embedder.frames(audio[None])[0]
    (vector,) = pair.embedder.embed([frames], [np.ones(200, np.float32)])
    front_end = Fbank(window="hamming", scale=32768)
    loop = np.resize(audio, 160000)
    features = front_end(loop)
    if "community" in pair.names["embedding"]:
        features = np.log(np.exp(features) + np.float32(1e-6))
    network = load_strictly(WeSpeakerResNet34(), "stand-in", embedder_state()).float()
    with torch.inference_mode():
        expected = network(torch.from_numpy(front_end.normalised(features))[None], torch.ones(1, 125))[0]
    unit = expected.numpy() / np.linalg.norm(expected.numpy())
    np.testing.assert_allclose(vector, unit, atol=2e-3)
    assert vector @ unit > 0.9999


def test_slots_of_wespeaker_v2_are_set_free(published: Published) -> None:
    path = published.everything / "wespeaker_v2.mlpackage"
    assert open_predictor(path, runtime="portable").inputs[0].shape == (3, 160000)
    freed = open_predictor(path, runtime="portable", free_batch=True).inputs
    assert [spec.ranges for spec in freed] == [((1, -1), (160000, 160000)), ((1, -1), (589, 589))]


def test_plda_rho_is_what_the_json_files_say(published: Published) -> None:
    vectors = np.random.default_rng(0).normal(0, 0.13, (9, 256)).astype(np.float32)
    predictor = open_predictor(published.everything / "PldaRho.mlpackage", runtime="portable")
    rho = predictor.predict({"embeddings": vectors})["rho"]
    expected = open_plda(published.everything).rho(vectors)
    np.testing.assert_allclose(rho, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_plda_rho_gives_the_features_of_a_real_clip(published: Published) -> None:
    """Axes have no sign, so absolute values are compared."""
    golden = np.load(shared("parity/golden_community1_sample.npz"))
    raw = golden["raw_embeddings"][golden["train_chunk"], golden["train_speaker"]][:32]
    predictor = open_predictor(published.everything / "PldaRho.mlpackage", runtime="portable")
    rho = predictor.predict({"embeddings": raw})["rho"]
    expected = np.abs(golden["post_plda"][:32]) * np.sqrt(golden["phi"])
    np.testing.assert_allclose(np.abs(rho), expected, rtol=0, atol=1e-4)
