"""Settings are searched for on some recordings, tried on others, and written so that they can be read."""

from pathlib import Path

import pytest
import soundfile

from hocket.streaming.clustering.clusterer import ClusterRules
from hocket.streaming.config_file import read_config, write_config
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.sections import leaves, nested
from hocket.streaming.errors import ConfigError
from hocket.streaming.evaluation.ablation import ABLATIONS, ablate
from hocket.streaming.evaluation.ablation_plot import plot_ablation
from hocket.streaming.evaluation.recordings import Recording, find_recordings
from hocket.streaming.evaluation.report import ablation_table, tuning_table
from hocket.streaming.evaluation.search_space import SPACE, Range, chosen
from hocket.streaming.evaluation.tuning import Bench, tune
from hocket.streaming.hearing.cutting import AtomRules
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 4.0, "0"), Segment(5.0, 8.0, "1"), Segment(9.0, 11.0, "0")]


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    folder = tmp_path / "talk"
    folder.mkdir()
    soundfile.write(folder / "talk.wav", conversation(TURNS, 12.0), RATE, subtype="FLOAT")
    (folder / "talk.rttm").write_text(format_rttm("talk", TURNS))
    return find_recordings(folder)


def test_what_can_be_tuned_are_settings_of_the_engine_within_reach_of_their_defaults() -> None:
    known = dict(leaves(ClusterRules(), "clustering.")) | dict(
        leaves(AtomRules(onset=0.5, offset=0.5), "atoms.")
    )
    for name, limits in SPACE.items():
        assert limits.least <= known[name] <= limits.most, name
        assert limits.whole == isinstance(known[name], int), name


def test_patterns_choose_among_what_can_be_tuned() -> None:
    assert chosen([]) == SPACE
    assert chosen(["*.naming.*"]).keys() == {name for name in SPACE if ".naming." in name}
    with pytest.raises(ConfigError, match=r"nothing to tune is called clustering\.jion: expected one of"):
        chosen(["*.birth", "clustering.jion"])


def test_tuning_finds_what_is_wrong_and_writes_what_config_reads(
    recordings: list[Recording], tmp_path: Path
) -> None:
    wrong = DiarizerConfig(clustering=ClusterRules(birth=2.0))
    bench = Bench(LevelSegmenter(), LevelEmbedder(), tmp_path / "cache", wrong)
    space = {"clustering.birth": Range(0.1, 2.0)}
    said: list[str] = []
    tuned = tune(bench, recordings, recordings, space, trials=6, progress=said.append)
    assert tuned.after["tuning"].first.rate < tuned.before["tuning"].first.rate
    assert tuned.after["held out"] == tuned.after["tuning"]
    assert tuned.settings["clustering.birth"] < 1.5
    assert len(said) == 6
    assert said[0].startswith("trial 1: ")
    again = tune(bench, recordings, [], space, trials=6)
    assert again.settings == tuned.settings
    path = tmp_path / "tuned.toml"
    write_config(path, nested({**bench.defaults(), **tuned.settings}))
    config = read_config(path)
    assert config.clustering == ClusterRules(birth=tuned.settings["clustering.birth"])
    assert [str(cell) for cell in tuning_table(tuned).columns[0].cells] == ["tuning", "held out"]


def test_settings_that_cannot_be_bettered_stay(recordings: list[Recording], tmp_path: Path) -> None:
    bench = Bench(LevelSegmenter(), LevelEmbedder(), tmp_path / "cache", DiarizerConfig())
    tuned = tune(bench, recordings, [], {"clustering.keep": Range(2.0, 3.0)}, trials=2)
    assert tuned.settings == {}
    assert tuned.before == tuned.after


def test_ablations_replace_or_leave_out_a_part_each(recordings: list[Recording], tmp_path: Path) -> None:
    class Deaf(LevelEmbedder):
        def embed(self, frames: list, weights: list):  # type: ignore[no-untyped-def,type-arg]
            return super().embed([frame * 0 + 1 for frame in frames], weights)

    some = [ablation for ablation in ABLATIONS if ablation.oracle_voices or ablation.name == "no links"]
    tallies = ablate(recordings, LevelSegmenter(), Deaf(), ablations=some)
    assert list(tallies) == [ablation.name for ablation in some]
    rates = {name: counted.accuracy_final.strict.rate for name, counted in tallies.items()}
    assert rates["no links"] > 0.2
    assert rates["oracle voices"] < 0.05
    assert rates["oracle windows and voices"] < 0.05
    picture = tmp_path / "ablation.svg"
    plot_ablation(picture, tallies)
    assert picture.read_text(encoding="utf-8").lstrip().startswith("<?xml")
    assert ablation_table(tallies).row_count == len(some)


def test_ablations_name_settings_that_exist() -> None:
    for ablation in ABLATIONS:
        DiarizerConfig.from_dict(nested(ablation.settings))
