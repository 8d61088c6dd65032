"""The DET curve: misses against false alarms, on axes that make straight lines of normal scores."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..errors import ConfigError, MissingDependency
from .error_rates import ErrorCurve
from .trials import TrialReport

SUFFIXES = (".svg", ".png", ".pdf")
_TICKS = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
_INCHES = 6.0
# Doddington's rule: with 30 errors, a rate is within 30 % of the true one with 90 % confidence.
_RULE_OF_30 = 30
_LINE, _FAINT = "#1f5fa8", "#9a9a9a"


def check_plot(path: Path) -> None:
    """Raise, before anything is heard, what plot_det would: ConfigError for a name that is no picture's,
    MissingDependency without matplotlib."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"plot {str(path)!r}: expected a name that ends in {', '.join(SUFFIXES)}")
    _matplotlib()


def plot_det(path: Path, report: TrialReport, title: str) -> None:
    """Draw the curve of a report, where it errs equally, its least costs and its decisions.

    The line is thin where fewer than 30 errors stand behind a rate. Raises as check_plot, and OSError.
    """
    check_plot(path)
    curve = report.curve
    lowest = 0.5 / max(curve.num_same, curve.num_different)
    span = _scale(np.array([max(lowest, _TICKS[0] / 2), _highest(curve)]))
    figure = _matplotlib().figure.Figure(figsize=(_INCHES, _INCHES), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(span, span, color=_FAINT, linewidth=0.8, linestyle=":")
    sure = _num_errors(curve) >= _RULE_OF_30
    alarms, misses = _scale(curve.false_alarms.clip(lowest)), _scale(curve.misses.clip(lowest))
    axes.plot(alarms, misses, color=_LINE, linewidth=0.8, label="fewer than 30 errors")
    axes.plot(alarms[sure], misses[sure], color=_LINE, linewidth=2.2)
    _mark(axes, report, lowest, _highest(curve))
    ticks = [tick for tick in _TICKS if lowest <= tick <= _highest(curve)]
    axes.set_xticks(_scale(np.array(ticks)), [f"{tick * 100:g}" for tick in ticks])
    axes.set_yticks(_scale(np.array(ticks)), [f"{tick * 100:g}" for tick in ticks])
    axes.set(xlim=span, ylim=span, xlabel="false alarms, %", ylabel="misses, %", aspect="equal")
    axes.grid(color="#000000", alpha=0.08)
    axes.set_title(title, loc="left")
    axes.legend(framealpha=1, edgecolor="none", fontsize="small", loc="upper right")
    # No date and no random ids: the same trials give the same file.
    with _matplotlib().rc_context({"svg.hashsalt": "hocket"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _highest(curve: ErrorCurve) -> float:
    """Where the picture ends: the tick above all points at which both errors happen."""
    both = (curve.misses > 0) & (curve.false_alarms > 0)
    reach = float(np.maximum(curve.misses, curve.false_alarms)[both].max(initial=0.05))
    return next((tick for tick in _TICKS if tick >= reach), _TICKS[-1])


def _mark(axes: Any, report: TrialReport, lowest: float, highest: float) -> None:
    """The points that the figures stand for."""
    equal = report.equal_errors.value
    points = [(equal, equal, "o", f"EER {equal:.2%}")]
    for (p_target, cost), marker in zip(report.costs.items(), "v^", strict=True):
        misses, alarms = report.curve.at(cost.threshold)
        points.append((alarms, misses, marker, f"minDCF({p_target:g}) {cost.value:.3f}"))
    if report.decisions is not None:
        misses, alarms = report.decisions
        points.append((alarms, misses, "x", f"threshold {report.threshold:.2f}"))
    for alarms, misses, marker, label in points:
        place = _scale(np.array([alarms, misses]).clip(lowest, highest))
        axes.plot(*place, marker=marker, linestyle="", color="black", clip_on=False, zorder=3, label=label)


def _num_errors(curve: ErrorCurve) -> NDArray[np.float64]:
    """(k,): errors behind the less certain of both rates."""
    return np.minimum(curve.misses * curve.num_same, curve.false_alarms * curve.num_different).round()


def _scale(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal deviates of rates, which both axes are linear in."""
    return np.asarray(ndtri(rates.clip(1e-9, 1 - 1e-9)))


def _matplotlib() -> Any:
    """matplotlib, with the part that draws without a window system."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingDependency("DET plots need matplotlib: pip install 'hocket[plot]'") from error
    return matplotlib
