"""Scores and costs as tables for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from .bench import STAGES, Bench
from .evaluate import Report
from .tally import Tally
from .tuning import Tuned

TOTAL = "total"


def accuracy_table(report: Report) -> Table:
    """Per recording, latency and pooled: DER with its parts, JER, speakers found."""
    table = Table(title="accuracy, % of reference speech", caption=_ACCURACY_CAPTION)
    table.add_column("recording")
    for heading in ("latency s", "DER first", "DER settled", "false alarm", "missed", "confusion"):
        table.add_column(heading, justify="right")
    for heading in ("JER", "±0.25 first", "±0.25 settled", "speakers"):
        table.add_column(heading, justify="right")
    for name, latency, figures, is_last in _rows(report):
        table.add_row(
            name,
            latency,
            *(_percent(figures[key]) for key in _ACCURACY),
            *(_percent(figures["collar"][key]) for key in ("der_first", "der_final")),
            f"{figures['speakers_found']} of {figures['speakers']}",
            end_section=is_last,
        )
    return table


def live_table(report: Report) -> Table:
    """Per recording, latency and pooled: what a reader saw."""
    table = Table(title="live", caption=_LIVE_CAPTION)
    table.add_column("recording")
    for heading in ("latency s", "revised % (wrong %)", "flips/min", "labels/speaker", "new speaker s"):
        table.add_column(heading, justify="right")
    for heading in ("never shown", "change F1 %", "change delay s", "95 %", "count right %"):
        table.add_column(heading, justify="right")
    for name, latency, figures, is_last in _rows(report):
        table.add_row(
            name,
            latency,
            f"{_percent(figures['revision_rate'])} ({_percent(figures['revised_wrong'])})",
            *(
                _pair(figures[key], figures[f"{key}_final"])
                for key in ("flips_per_minute", "labels_per_speaker")
            ),
            _decimal(figures["new_speaker_delay_p50"]),
            str(figures["new_speakers_missed"]),
            _percent(figures["change_f1"]),
            _decimal(figures["change_delay_p50"]),
            _decimal(figures["change_delay_p95"]),
            _percent(figures["count_accuracy"]),
            end_section=is_last,
        )
    return table


def captions_table(report: Report) -> Table:
    """Per recording, latency and pooled: words under the wrong speaker, beside the turns' errors."""
    table = Table(title="captions, %", caption=_CAPTIONS_CAPTION)
    table.add_column("recording")
    for heading in ("latency s", "DER first", "DER settled", "words first", "words settled"):
        table.add_column(heading, justify="right")
    for heading in ("under nobody", "of words", "cpWER", "WER"):
        table.add_column(heading, justify="right")
    for name, latency, figures, is_last in _rows(report):
        captions = figures["captions"]
        table.add_row(
            name,
            latency,
            *(_percent(figures[key]) for key in ("der_first", "der_final")),
            *(_percent(captions[key]) for key in ("speaker_error_first", "speaker_error")),
            *(str(captions[key]) for key in ("under_nobody", "words")),
            *(_percent(captions.get(key)) for key in ("cpwer", "wer")),
            end_section=is_last,
        )
    return table


def compare_table(report: Report) -> Table:
    """Per recording, latency and pooled: as first shown and settled beside the whole recording's figures.

    Under the report's conditions, where it has some; collar 0 with overlap otherwise.
    """
    conditions = report.conditions
    lenient = conditions is not None and conditions.lenient
    protocol = "collar 0.25 s each side, overlap left out" if lenient else "collar 0, overlap scored"
    given = ""
    if conditions is not None and conditions.oracle_speech:
        given = f"; speech{' and number of speakers' if conditions.known_number else ''} given"
    table = Table(
        title="DER (confusion), % of reference speech",
        caption=f"{protocol}{given}; speakers: found as settled, offline ... of those there are",
    )
    table.add_column("recording")
    for heading in ("latency s", "first shown", "settled", *report.wholes, "settled / offline", "speakers"):
        table.add_column(heading, justify="right")
    for name, latency, figures, is_last in _rows(report):
        row = figures["collar"] if lenient else figures
        best = row.get("der_offline")
        found = [figures["speakers_found"], *(figures[f"speakers_found_{kind}"] for kind in report.wholes)]
        table.add_row(
            name,
            latency,
            _der(row, "der_first", "confusion_first"),
            _der(row, "der_final", "confusion"),
            *(_der(row, f"der_{kind}", f"confusion_{kind}") for kind in report.wholes),
            _decimal(row["der_final"] / best if best and row["der_final"] is not None else None),
            f"{', '.join(map(str, found))} of {figures['speakers']}",
            end_section=is_last,
        )
    return table


def bench_table(bench: Bench) -> Table:
    """The whole session, its first and its last tenth."""
    figures = bench.to_dict()
    parts = {
        f"whole, {figures['audio_seconds'] / 60:g} min": figures,
        "first tenth": figures["first_tenth"],
        "last tenth": figures["last_tenth"],
    }
    table = Table(title="cost on one core")
    table.add_column("")
    for heading in parts:
        table.add_column(heading, justify="right")
    table.add_row("real-time factor", *(f"{part['rtf']:.3f}" for part in parts.values()))
    table.add_row("  processor time alone", *(f"{part['processor_rtf']:.3f}" for part in parts.values()))
    table.add_row("step p50 / p95 / max ms", *(_milliseconds(part["step_ms"]) for part in parts.values()))
    for stage in STAGES:
        table.add_row(f"  {stage}", *(_milliseconds(part["stages_ms"][stage]) for part in parts.values()))
    table.add_row(
        "step over model runtime", *(_decimal(part["step_over_runtime"]) for part in parts.values())
    )
    table.add_row("memory MB", *(_decimal(part["memory_mb"]) for part in parts.values()))
    return table


_ACCURACY = ("der_first", "der_final", "false_alarm", "missed", "confusion", "jer")
_ACCURACY_CAPTION = (
    "collar 0, overlap scored; ±0.25: 0.25 s each side of a boundary and overlap left out. "
    "first: as first shown; all else as settled."
)
_CAPTIONS_CAPTION = (
    "words: share under a wrong speaker or none, as first shown and as settled; definitions: docs/metrics.md"
)
_ABLATION_CAPTION = "what each row means: docs/metrics.md"
_LIVE_CAPTION = (
    "revised: of what was shown (of that, what had been wrong); flips and labels: first shown / settled; "
    "delays in seconds of audio; definitions: docs/metrics.md"
)


def _rows(report: Report) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Recording, latency, figures, and whether this is its last latency; the pooled figures come last."""
    figures = report.to_dict()
    for name, latencies in [*figures["files"].items(), (TOTAL, figures["total"])]:
        for latency, row in latencies.items():
            yield name, latency, row, latency == list(latencies)[-1]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _der(figures: dict[str, Any], der: str, confusion: str) -> str:
    return f"{_percent(figures[der])} ({_percent(figures[confusion])})"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _pair(first: float | None, final: float | None) -> str:
    return f"{_decimal(first)} / {_decimal(final)}"


def _milliseconds(spread: dict[str, float]) -> str:
    return f"{spread['p50']:.1f} / {spread['p95']:.1f} / {spread['max']:.1f}"


def ablation_table(tallies: Mapping[str, Tally]) -> Table:
    """Per ablation: DER and its confusion as first shown and settled, and how many speakers were found."""
    table = Table(title="what each stage loses, % of reference speech", caption=_ABLATION_CAPTION)
    table.add_column("")
    for heading in ("DER first", "confusion", "DER settled", "confusion", "count right %", "revised %"):
        table.add_column(heading, justify="right")
    for name, counted in tallies.items():
        figures = counted.to_dict()
        keys = ("der_first", "confusion_first", "der_final", "confusion", "count_accuracy", "revision_rate")
        table.add_row(name, *(_percent(figures[key]) for key in keys))
    return table


def tuning_table(tuned: Tuned) -> Table:
    """Errors before and after, on what was tuned and on what was held out."""
    table = Table(title=f"{tuned.trials} trials, DER in %")
    table.add_column("recordings")
    for heading in ("first, before", "after", "settled, before", "after"):
        table.add_column(heading, justify="right")
    for name, before in tuned.before.items():
        after = tuned.after[name]
        rates = (before.first.rate, after.first.rate, before.settled.rate, after.settled.rate)
        table.add_row(name, *(_percent(rate) for rate in rates))
    return table
