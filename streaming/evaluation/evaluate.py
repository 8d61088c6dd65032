"""Recordings through a Diarizer at several latencies: `hocket eval` without the command line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hocket.models.roles import Embedder, Segmenter

from ..config import DiarizerConfig
from ..diarizer import Diarizer
from ..metrics import Lanes
from ..sources.file import FileSource
from .oracle import OracleSegmenter
from .recorded import Answer, remembered
from .recordings import Recording
from .run import TimedSession, hear, with_oracle
from .scoring import Scorer
from .tally import Tally, tally


@dataclass(frozen=True)
class Report:
    """files: recording to latency to what was counted. rtf: seconds of computing per second of audio."""

    files: dict[str, dict[float, Tally]]
    rtf: float

    @property
    def total(self) -> dict[float, Tally]:
        """Each latency's recordings pooled: errors are added before anything is divided."""
        pooled: dict[float, Tally] = {}
        for tallies in self.files.values():
            for latency, counted in tallies.items():
                pooled[latency] = pooled[latency] + counted if latency in pooled else counted
        return pooled

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: `files`, `total`, `rtf`; latencies as text without needless digits ("0.5", "1")."""
        return {
            "files": {name: _by_latency(tallies) for name, tallies in self.files.items()},
            "total": _by_latency(self.total),
            "rtf": self.rtf,
        }


def evaluate(
    recordings: Iterable[Recording],
    segmenter: Segmenter,
    embedder: Embedder,
    *,
    latencies: Sequence[float] = (1.0,),
    config: DiarizerConfig | None = None,
    oracle: bool = False,
    cache: Path | None = None,
    progress: Callable[[Recording, float], None] = lambda recording, latency: None,
) -> Report:
    """Every recording, heard once per latency and scored.

    config: all settings but the latency. oracle: segmentation from the reference. cache: a folder in which
    the models' answers are kept for good. progress: called after each recording and latency. The models'
    answers of a recording are remembered between latencies, so the real-time factor is that of each
    recording's first latency; decoding and scoring are no part of it.
    Raises MissingDependency without pyannote.metrics, AudioFileError for a recording that breaks.
    """
    scorer = Scorer()
    files: dict[str, dict[float, Tally]] = {}
    computed = heard = 0.0
    for recording in recordings:
        answer: Answer = remembered(segmenter, embedder, recording.name, cache)
        if oracle:
            reference = Lanes.of(recording.reference, recording.num_cells)
            answer = with_oracle(OracleSegmenter(reference, segmenter.spec), answer)
        tallies = files[recording.name] = {}
        for latency in latencies:
            settings = replace(config or DiarizerConfig(), latency=latency)
            session = TimedSession(Diarizer(segmenter, embedder, settings, session=recording.name), answer)
            events = hear(session, FileSource(recording.audio), segmenter.spec.rate)
            if not tallies:
                computed += session.spent.total
                heard += recording.duration
            tallies[latency] = tally(recording, events, latency=latency, hop=settings.hop, scorer=scorer)
            progress(recording, latency)
    return Report(files, computed / heard if heard else 0.0)


def _by_latency(tallies: dict[float, Tally]) -> dict[str, dict[str, Any]]:
    return {f"{latency:g}": counted.to_dict() for latency, counted in tallies.items()}
