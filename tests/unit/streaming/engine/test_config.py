"""Settings: checked once, nested as a file has them, every wrong name answered with the nearest right one."""

from dataclasses import replace
from pathlib import Path

import pytest

from hocket.streaming.clustering.clusterer import ClusterRules
from hocket.streaming.clustering.naming import NamingRules
from hocket.streaming.config_file import read_config, write_config
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.engine.sections import leaves, nested
from hocket.streaming.errors import ConfigError
from hocket.streaming.hearing.cutting import AtomRules
from tests.level_voices import LevelEmbedder, LevelSegmenter


def config_in(folder: Path, text: str) -> DiarizerConfig:
    path = folder / "hocket.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def test_a_file_names_what_differs_from_the_defaults(tmp_path: Path) -> None:
    config = config_in(tmp_path, "latency = 2\n[clustering]\nbirth = 1.5\n[clustering.naming]\ntrust = 0.8\n")
    assert config.latency == 2.0
    assert config.hop == DiarizerConfig().hop
    assert config.clustering == ClusterRules(birth=1.5, naming=NamingRules(trust=0.8))
    assert config.atoms is None


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert config_in(tmp_path, "") == DiarizerConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latensy = 1.0", "unknown setting latensy: did you mean latency?"),
        (
            "[clustering.naming]\ntrsut = 1.0",
            "unknown setting clustering.naming.trsut: did you mean clustering.naming.trust? "
            "in clustering.naming are trust,",
        ),
        ("[clustering]\nnaming = 1.0", "clustering.naming is a section of settings, got 1.0"),
        ("[clustering.naming]\ntrust = '1'", "clustering.naming.trust '1': expected a number"),
        ("[clustering.memory]\nrecent = 1.5", "clustering.memory.recent 1.5: expected a whole number"),
        ("latency = true", "latency True: expected a number"),
        ("max_speakers = 'all'", "max_speakers 'all': expected a whole number, or nothing"),
        ("latency = 9.0", "latency 9.0: expected 0.0 to 5.0"),
        ("latency = ", "hocket.toml is not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_in(tmp_path, text)
    assert "hocket.toml" in str(caught.value)
    assert message in str(caught.value)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "tuned.toml"
    settings = {"latency": 0.5, "max_speakers": None, "clustering": {"slow": {"join": 0.3}, "birth": 0.75}}
    write_config(path, settings, "tuned\non something")
    assert path.read_text(encoding="utf-8").startswith("# tuned\n# on something\n\nlatency = 0.5\n")
    assert read_config(path) == DiarizerConfig.from_dict(settings)


def test_every_setting_of_the_engine_can_be_reached_by_name() -> None:
    names = dict(leaves(ClusterRules(), "clustering."))
    assert {"clustering.birth", "clustering.naming.trust", "clustering.slow.join"} <= names.keys()
    config = DiarizerConfig.from_dict(nested(names))
    assert config.clustering == ClusterRules()


def test_a_config_survives_its_own_dict() -> None:
    config = DiarizerConfig(
        hop=0.25, clustering=ClusterRules(keep=3.0), atoms=AtomRules(onset=0.6, offset=0.4, change=0.3)
    )
    assert DiarizerConfig.from_dict(config.to_dict()) == config
    assert DiarizerConfig.from_dict(DiarizerConfig().to_dict()) == DiarizerConfig()


def test_the_engine_goes_by_the_rules_it_is_given() -> None:
    rules = replace(ClusterRules(), birth=1e9)
    config = DiarizerConfig(clustering=rules)
    diarizer = Diarizer(LevelSegmenter(), LevelEmbedder(), config)
    assert diarizer.config.to_dict()["clustering"]["birth"] == 1e9
    restored = Diarizer.restore(diarizer.snapshot(), LevelSegmenter(), LevelEmbedder())
    assert restored.config == config
