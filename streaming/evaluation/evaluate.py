"""Recordings through a Diarizer at several latencies: `hocket eval` without the command line."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, TypeVar

from hocket.models.roles import Embedder, Segmenter

from ..engine.config import DiarizerConfig
from ..engine.diarizer import Diarizer
from ..metrics import Lanes
from ..sources.file import FileSource
from .conditions import Conditions, with_oracle_speech
from .oracle import OracleSegmenter
from .recorded import Answer, remembered
from .recordings import Recording
from .run import TimedSession, hear, with_oracle
from .scoring import Scorer
from .scripts import Script, ScriptScore, score_script
from .tally import Tally, tally
from .whole import Whole, score_whole

_Counts = TypeVar("_Counts", Tally, ScriptScore)


@dataclass(frozen=True)
class Report:
    """files: recording to latency to what was counted. rtf: seconds of computing per second of audio.

    wholes: by what it is called ("offline", "recipe"), recording to how right the same models are with the
    whole recording at hand. conditions: those of a published table, None for hocket's own. captions:
    recording to latency to how right its captions are; empty where there were no words.
    """

    files: dict[str, dict[float, Tally]]
    rtf: float
    wholes: dict[str, dict[str, Whole]] = field(default_factory=dict)
    conditions: Conditions | None = None
    captions: dict[str, dict[float, ScriptScore]] = field(default_factory=dict)

    @property
    def total(self) -> dict[float, Tally]:
        """Each latency's recordings pooled."""
        return _pooled(self.files)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: `files`, `total`, `rtf`; latencies as text without needless digits ("0.5", "1").

        What the whole recording gives stands in every row, since it is what each latency is held against.
        """
        pooled = {kind: reduce(add, wholes.values()) for kind, wholes in self.wholes.items() if wholes}
        files = {
            name: self._rows(
                tallies,
                {kind: wholes[name] for kind, wholes in self.wholes.items()},
                self.captions.get(name, {}),
            )
            for name, tallies in self.files.items()
        }
        total = self._rows(self.total, pooled, _pooled(self.captions))
        conditions = {"conditions": self.conditions.to_dict()} if self.conditions else {}
        return {"files": files, "total": total, "rtf": self.rtf, **conditions}

    def _rows(
        self,
        tallies: dict[float, Tally],
        wholes: dict[str, Whole],
        captions: dict[float, ScriptScore],
    ) -> dict[str, dict[str, Any]]:
        rows = {}
        for latency, counted in tallies.items():
            row = rows[f"{latency:g}"] = counted.to_dict()
            for kind, whole in wholes.items():
                row |= whole.to_dict(kind)
                row["collar"] |= whole.under(kind, lenient=True)
            if self.conditions is not None:
                row["conditions"] = counted.under(lenient=self.conditions.lenient)
                for kind, whole in wholes.items():
                    row["conditions"] |= whole.under(kind, lenient=self.conditions.lenient)
            if latency in captions:
                row["captions"] = captions[latency].to_dict()
        return rows


def _pooled(files: dict[str, dict[float, _Counts]]) -> dict[float, _Counts]:
    """Each latency's recordings together: errors are added before anything is divided."""
    pooled: dict[float, _Counts] = {}
    for counts in files.values():
        for latency, counted in counts.items():
            pooled[latency] = pooled[latency] + counted if latency in pooled else counted
    return pooled


def evaluate(
    recordings: Iterable[Recording],
    segmenter: Segmenter,
    embedder: Embedder,
    *,
    latencies: Sequence[float] = (1.0,),
    config: DiarizerConfig | None = None,
    oracle: bool = False,
    conditions: Conditions | None = None,
    against: Collection[str] = (),
    scripts: Mapping[str, Script] | None = None,
    cache: Path | None = None,
    progress: Callable[[Recording, float], None] = lambda recording, latency: None,
) -> Report:
    """Every recording, heard once per latency and scored.

    config: all settings but the latency. oracle: segmentation from the reference. conditions: those of a
    published table. against: what else to score, with the whole recording at hand: "offline", "recipe".
    scripts: by recording, the words to caption; without them there are no captions.
    cache: a folder in which the models' answers are kept for good. progress: called after each recording and
    latency. The models' answers of a recording are remembered between latencies, so the real-time factor is
    that of each recording's first latency; decoding and scoring are no part of it.
    Raises MissingDependency without pyannote.metrics, AudioFileError for a recording that breaks.
    """
    scorer = Scorer()
    files: dict[str, dict[float, Tally]] = {}
    wholes: dict[str, dict[str, Whole]] = {kind: {} for kind in against}
    captions: dict[str, dict[float, ScriptScore]] = {}
    computed = heard = 0.0
    for recording in recordings:
        reference = Lanes.of(recording.reference, recording.num_cells)
        answer: Answer = remembered(segmenter, embedder, recording.name, cache)
        if oracle:
            answer = with_oracle(OracleSegmenter(reference, segmenter.spec), answer)
        elif conditions is not None and conditions.oracle_speech:
            answer = with_oracle_speech(OracleSegmenter(reference, segmenter.spec), answer)
        recording_config = config or DiarizerConfig()
        if conditions is not None and conditions.known_number:
            recording_config = replace(recording_config, num_speakers=len(reference.labels) or None)
        tallies = files[recording.name] = {}
        for latency in latencies:
            settings = replace(recording_config, latency=latency)
            session = TimedSession(Diarizer(segmenter, embedder, settings, session=recording.name), answer)
            events = hear(session, FileSource(recording.audio), segmenter.spec.rate)
            if not tallies:
                computed += session.spent.total
                heard += recording.duration
            tallies[latency] = tally(recording, events, latency=latency, hop=settings.hop, scorer=scorer)
            if scripts is not None:
                captions.setdefault(recording.name, {})[latency] = score_script(
                    scripts[recording.name], recording, events, latency=latency, hop=settings.hop
                )
            progress(recording, latency)
        for kind, scores in wholes.items():
            scores[recording.name] = score_whole(
                kind, recording, segmenter, embedder, answer, scorer, recording_config
            )
    return Report(files, computed / heard if heard else 0.0, wholes, conditions, captions)
