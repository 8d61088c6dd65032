"""The DET curve as a file: that it can be drawn of any trials, and is the same twice."""

from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.verification.det_plot import check_plot, plot_det
from hocket.streaming.verification.error_rates import error_curve
from hocket.streaming.verification.trials import TrialReport

pytest.importorskip("matplotlib")


def report(same: list[float], different: list[float], threshold: float | None = 0.6) -> TrialReport:
    is_same = np.arange(len(same) + len(different)) < len(same)
    return TrialReport(error_curve(np.array([*same, *different]), is_same), threshold, 0)


@pytest.fixture
def usual() -> TrialReport:
    rng = np.random.default_rng(0)
    return report(rng.normal(0.8, 0.1, 2000).tolist(), rng.normal(0.5, 0.1, 4000).tolist())


def test_the_curve_and_its_figures_are_drawn(tmp_path: Path, usual: TrialReport) -> None:
    plot_det(tmp_path / "det.svg", usual, "test.txt by levels")
    picture = (tmp_path / "det.svg").read_text()
    for words in (
        "test.txt by levels",
        "EER ",
        "minDCF(0.01) ",
        "minDCF(0.05) ",
        "threshold 0.60",
        "misses, %",
    ):
        assert f"<!-- {words}" in picture


def test_the_same_trials_give_the_same_file(tmp_path: Path, usual: TrialReport) -> None:
    plot_det(tmp_path / "1.svg", usual, "one")
    plot_det(tmp_path / "2.svg", usual, "one")
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


@pytest.mark.parametrize(
    "extreme",
    [
        report([0.9], [0.1]),
        report([0.1], [0.9], threshold=None),
        report([0.5], [0.5]),
        report([0.9] * 100_000, [0.1] * 100_000),
    ],
    ids=["no errors", "all errors", "one score", "many trials"],
)
def test_extreme_trials_can_be_drawn(tmp_path: Path, extreme: TrialReport) -> None:
    plot_det(tmp_path / "det.png", extreme, "extreme")
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")


def test_a_name_that_is_no_pictures_is_refused_beforehand() -> None:
    with pytest.raises(
        ConfigError, match=r"plot 'det\.txt': expected a name that ends in \.svg, \.png, \.pdf"
    ):
        check_plot(Path("det.txt"))
