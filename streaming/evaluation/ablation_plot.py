"""An ablation as a picture: the parts of the error, as first shown and as settled."""

from collections.abc import Mapping
from pathlib import Path

from ..errors import MissingDependency
from ..metrics import DiarizationErrors
from .tally import Tally

PARTS = ("missed", "false_alarm", "confusion")
COLOURS = ("#9aa5b1", "#e0b050", "#c8553d")


def plot_ablation(path: Path, tallies: Mapping[str, Tally]) -> None:
    """Two stacked bars per ablation: above as first shown, below as settled. By the ending: svg, png, pdf.

    Raises MissingDependency without matplotlib, OSError for a place that cannot be written.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise MissingDependency(
            "plots need matplotlib, which is not installed: pip install 'hocket[plot]'"
        ) from error
    figure = Figure(figsize=(9, 0.62 * len(tallies) + 1.4), layout="constrained")
    axes = figure.subplots()
    widest = 1.0  # %, so that a perfect score is still a picture
    for row, counted in enumerate(tallies.values()):
        views = (counted.accuracy_first.strict, counted.accuracy_final.strict)
        for errors, offset, strength in zip(views, (-0.19, 0.19), (0.6, 1.0)):
            left = 0.0
            for part, colour in zip(PARTS, COLOURS):
                width = _percent(errors, part)
                axes.barh(row + offset, width, 0.34, left, color=colour, alpha=strength)
                left += width
            widest = max(widest, left)
            axes.text(left, row + offset, f" {left:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(tallies)), list(tallies))
    axes.set_xlim(0, 1.1 * widest)
    axes.invert_yaxis()
    axes.set_xlabel("% of reference speech; upper bar as first shown, lower bar as settled")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(color=colour) for colour in COLOURS]
    figure.legend(
        handles,
        [part.replace("_", " ") for part in PARTS],
        frameon=False,
        ncols=3,
        loc="outside upper center",
    )
    figure.savefig(path, dpi=120)


def _percent(errors: DiarizationErrors, part: str) -> float:
    return 100 * float(getattr(errors, part)) / errors.speech if errors.speech else 0.0
