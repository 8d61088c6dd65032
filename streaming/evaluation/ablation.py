"""What each stage loses: a part replaced by the reference, or left out, everything else as it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hocket.models.roles import Embedder, Segmenter

from ..engine.config import DiarizerConfig
from ..engine.diarizer import Diarizer
from ..engine.sections import nested
from ..hearing.requests import EmbedRequest, Request
from ..metrics import Lanes
from ..sources.file import FileSource
from .oracle import OracleSegmenter
from .recorded import Answer, Output, completed, remembered
from .recordings import Recording
from .run import TimedSession, hear, with_oracle
from .scoring import Scorer
from .tally import Tally, tally

NEVER = 1e9  # seconds of speech that no atom has, examples that no speaker has


@dataclass(frozen=True)
class Ablation:
    """A way to run the engine. settings: dotted names and values. The oracles take the models' places."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    oracle_windows: bool = False
    oracle_voices: bool = False


ABLATIONS = (
    Ablation("as it is"),
    Ablation("oracle windows", oracle_windows=True),
    Ablation("oracle voices", oracle_voices=True),
    Ablation("oracle windows and voices", oracle_windows=True, oracle_voices=True),
    Ablation(
        "no links",
        {"clustering.naming.trust": 0.0, "clustering.slow.windows": 0.0, "clustering.second.even": NEVER},
    ),
    Ablation("no sound of the second voice", {"clustering.second.sound": 0.0}),
    Ablation("no slow path", {"clustering.slow.solid": NEVER}),
    Ablation("no examples", {"clustering.memory.exemplars": 0}),
    Ablation(
        "no quota of examples",
        {"clustering.memory.exemplars": int(NEVER), "clustering.memory.most": int(NEVER)},
    ),
    Ablation("no habit", {"clustering.slow.habit": 0.0, "clustering.keep": 0.0}),
    Ablation("no care at birth", {"clustering.birth": 0.0}),
)


def ablate(
    recordings: Iterable[Recording],
    segmenter: Segmenter,
    embedder: Embedder,
    *,
    latency: float = 1.0,
    ablations: Sequence[Ablation] = ABLATIONS,
    cache: Path | None = None,
    progress: Callable[[Recording, Ablation], None] = lambda recording, ablation: None,
) -> dict[str, Tally]:
    """Ablation to what was counted on all recordings; the models hear each recording once.

    cache: a folder in which the models' answers are kept for good. Raises as `evaluate` does.
    """
    scorer = Scorer()
    pooled: dict[str, Tally] = {}
    for recording in recordings:
        answer = remembered(segmenter, embedder, recording.name, cache)
        reference = Lanes.of(recording.reference, recording.num_cells)
        for ablation in ablations:
            config = DiarizerConfig.from_dict({"latency": latency, **nested(ablation.settings)})
            replaced: Answer = answer
            if ablation.oracle_voices:
                replaced = with_oracle_voices(reference, embedder.spec.size, replaced)
            if ablation.oracle_windows:
                replaced = with_oracle(OracleSegmenter(reference, segmenter.spec), replaced)
            session = TimedSession(Diarizer(segmenter, embedder, config, session=recording.name), replaced)
            events = hear(session, FileSource(recording.audio), segmenter.spec.rate)
            counted = tally(recording, events, latency=latency, hop=config.hop, scorer=scorer)
            known = pooled.get(ablation.name)
            pooled[ablation.name] = counted if known is None else known + counted
            progress(recording, ablation)
    return pooled


def with_oracle_voices(reference: Lanes, size: int, rest: Answer) -> Answer:
    """Vectors that say who it was: of each speaker one direction, all at right angles.

    size: length of a vector. A stretch goes to whoever speaks most of it, alone where somebody does; one in
    which nobody speaks is left to `rest`.
    """
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0].astype(np.float32)

    def answer(requests: Sequence[Request]) -> list[Output]:
        known = [_voice(r, reference, directions) if isinstance(r, EmbedRequest) else None for r in requests]
        return completed(known, requests, rest)

    return answer


def _voice(request: EmbedRequest, reference: Lanes, directions: Output) -> Output | None:
    cells = reference.cells[:, max(0, request.start) : request.stop]
    alone = cells & (cells.sum(axis=0) == 1)
    spoken = alone.sum(axis=1) if alone.any() else cells.sum(axis=1)
    if not spoken.any():
        return None
    direction: Output = directions[int(spoken.argmax()) % len(directions)]
    return direction
