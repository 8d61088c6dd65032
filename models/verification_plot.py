"""A picture of a verification: what each package costs in each way, and where its outputs differ."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import MissingDependency, ModelError
from .recorded_check import Recorded
from .verification import OutputCheck, Verification

SUFFIXES = (".svg", ".png", ".pdf")
_WIDTH_INCHES = 9.0
_BAR_INCHES = 0.32
_TRACE_INCHES = 2.0


def check_plot(path: Path) -> None:
    """Raise, before anything is run, what `plot_verification` would: ModelError for a name that is no
    picture's, MissingDependency without matplotlib."""
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"plot {str(path)!r}: expected a name that ends in {', '.join(SUFFIXES)}")
    _matplotlib()


def plot_verification(path: Path, verifications: Sequence[Verification]) -> None:
    """Draw to an .svg, .png or .pdf: a bar per call, then the differences of each output over its frames.

    Raises as check_plot, and OSError when the file cannot be written.
    """
    check_plot(path)
    calls = [check for found in verifications for check in found.outputs if check.milliseconds is not None]
    traces = [trace for found in verifications for trace in found.traces]
    outputs = list(dict.fromkeys((trace.package, trace.output) for trace in traces))
    heights = [0.8 + _BAR_INCHES * max(1, len(calls)), *(_TRACE_INCHES for _ in outputs)]
    figure = _matplotlib().figure.Figure(figsize=(_WIDTH_INCHES, sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0]
    _draw_times(axes[0], calls)
    for place, (package, output) in zip(axes[1:], outputs, strict=True):
        for trace in traces:
            if (trace.package, trace.output) == (package, output):
                place.plot(trace.differences, label=trace.way, linewidth=1)
        place.set_title(f"{package}: difference of {output}", loc="left", fontsize="medium")
        place.set(xlabel="frame", ylabel="of scale")
        place.set_yscale("symlog", linthresh=1e-6)
        place.set_ylim(bottom=0)
        place.legend(fontsize="small", frameon=False)
    _save(figure, path)


def plot_recorded(path: Path, recorded: Sequence[Recorded]) -> None:
    """Draw to an .svg, .png or .pdf: per model a bar of stages for each way, then differences over time.

    Raises as check_plot, and OSError when the file cannot be written.
    """
    check_plot(path)
    outputs = [list(dict.fromkeys(curve.output for curve in one.curves)) for one in recorded]
    heights = [
        height
        for one, names in zip(recorded, outputs, strict=True)
        for height in (1.1 + 1.6 * _BAR_INCHES * len(one.stages), *(_TRACE_INCHES for _ in names))
    ]
    figure = _matplotlib().figure.Figure(figsize=(_WIDTH_INCHES, sum(heights)), layout="constrained")
    places = iter(figure.subplots(len(heights), squeeze=False, height_ratios=heights)[:, 0])
    for one, names in zip(recorded, outputs, strict=True):
        _draw_stages(next(places), one)
        for name in names:
            _draw_curves(next(places), one, name)
    _save(figure, path)


def _draw_stages(axes: Any, one: Recorded) -> None:
    """A bar for each way, made of its stages."""
    stages = list(dict.fromkeys(stage for spent in one.stages.values() for stage in spent))
    left = [0.0] * len(one.stages)
    for stage in stages:
        widths = [spent.get(stage, 0.0) for spent in one.stages.values()]
        axes.barh(range(len(widths)), widths, left=left, height=0.6, label=stage)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for row, total in enumerate(left):
        axes.annotate(f"{total:.1f}", (total, row), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(one.stages)), list(one.stages), fontsize="small")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.legend(fontsize="small", frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.12))
    axes.set_title(f"{one.model}: milliseconds for {one.stretch:g} s", loc="left", fontsize="medium")


def _draw_curves(axes: Any, one: Recorded, output: str) -> None:
    for curve in one.curves:
        if curve.output == output:
            axes.plot(curve.times, curve.differences, label=curve.way, linewidth=0.8)
    of = "1 - cosine" if output == "vectors" else "of scale"
    axes.set_title(f"{output}: difference from {one.reference}", loc="left", fontsize="medium")
    axes.set(xlabel="seconds", ylabel=of)
    axes.set_yscale("symlog", linthresh=1e-6)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.legend(fontsize="small", frameon=False)


def _save(figure: Any, path: Path) -> None:
    # No date and no random ids: the same figures give the same file.
    with _matplotlib().rc_context({"svg.hashsalt": "hocket"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _draw_times(axes: Any, calls: Sequence[OutputCheck]) -> None:
    times = [check.milliseconds for check in calls]
    bars = axes.barh(range(len(calls)), times, height=0.7)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize="small")
    axes.set_yticks(range(len(calls)), [f"{check.package}\n{check.way}" for check in calls], fontsize="small")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title("milliseconds of one call", loc="left", fontsize="medium")


def _matplotlib() -> Any:
    """matplotlib, with the part that draws without a window system."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingDependency("pictures need matplotlib: pip install 'hocket[plot]'") from error
    return matplotlib
