"""What a long bench found, for people."""

from typing import Any

from rich.table import Table

from .bench import LongBench
from .outcome import Outcomes


def session_table(outcomes: Outcomes, title: str) -> Table:
    """Meeting by meeting, and all of them together."""
    figures = outcomes.to_dict()
    table = Table(title=title, caption=_SESSION_CAPTION)
    table.add_column("meeting")
    for heading in ("hours", "found", "returns", "confusion %", "revised %", "labels/speaker", "computed s"):
        table.add_column(heading, justify="right")
    for row in figures["sessions"]:
        table.add_row(
            row["name"],
            f"{row['hours']:g}",
            f"{row['found']} of {row['speakers']}",
            f"{row['old_id_first']} / {row['old_id_settled']} of {row['stays']}",
            f"{100 * row['confusion_first']:.1f} / {100 * row['confusion_settled']:.1f}",
            f"{100 * row['revision_rate']:.1f}",
            f"{row['labels_per_speaker']:.2f}",
            f"{row['computed_seconds']:.0f}",
        )
    table.add_section()
    table.add_row(
        "all",
        f"{sum(row['hours'] for row in figures['sessions']):g}",
        f"{_percent(figures['count_right'])} right, {_percent(figures['count_within_one'])} within one",
        f"{_percent(figures['old_id_first'])} / {_percent(figures['old_id_settled'])} of {figures['stays']}",
        f"{100 * figures['confusion_first']:.1f} / {100 * figures['confusion_settled']:.1f}",
    )
    return table


def cost_table(bench: LongBench) -> Table:
    """Hour by hour: naming per step, each run of the slow path, what is remembered."""
    table = Table(title="cost of who is who, twelve speakers, processor time", caption=_COST_CAPTION)
    table.add_column("hour")
    for heading in ("naming ms", "thinking again ms", "runs", "remembered KB", "process MB"):
        table.add_column(heading, justify="right")
    for number, hour in enumerate(bench.to_dict()["cost_by_hour"], start=1):
        table.add_row(
            str(number),
            _spread(hour["fast_ms"]),
            _spread(hour["slow_ms"]),
            str(hour["slow_runs"]),
            f"{hour['state_kb']:.0f}",
            f"{hour['memory_mb']:.0f}",
        )
    return table


_SESSION_CAPTION = (
    "as first shown / as settled; returns: stays after an hour away, in most of which the old id was given"
)
_COST_CAPTION = "p50 / p95 / max; remembered: what a snapshot would need for the clusterer"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _spread(figures: dict[str, Any] | None) -> str:
    return "–" if figures is None else " / ".join(f"{figures[name]:.2f}" for name in ("p50", "p95", "max"))
