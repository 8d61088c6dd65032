"""What hours do to the engine: ids after an absence, speakers found, cost of a step and a run, memory."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hocket.models.roles import Embedder, Segmenter

from ...clustering.clusterer import Clusterer
from ...engine.config import DiarizerConfig
from ...engine.snapshot import pack
from ...events import Event
from ...grid import to_cells
from ...metrics import Lanes
from ...replay import Segment
from ..bench import resident_bytes
from ..stopwatch import timing
from .arranged import ArrangedDiarizer, PlacedAtom, arrange
from .outcome import HOUR, LongSession, Outcomes, outcome
from .plan import Meeting, MeetingRules, plan_meeting
from .pool import PoolVoice
from .voices import Heard

# Speakers, and of them those who come back, come late and leave; one more hardly speaks, from three on.
CASTS = ((6, 2, 1, 1), (4, 1, 1, 0), (8, 3, 1, 1), (2, 1, 0, 0), (5, 2, 1, 0), (12, 4, 2, 2), (3, 1, 0, 0),
         (10, 4, 1, 1), (7, 2, 1, 1))  # fmt: skip


@dataclass(frozen=True)
class HourCost:
    """One hour of a session. fast: milliseconds of naming per step, second looks too; slow: of each run.

    state: bytes that the clusterer would need in a snapshot at the end of the hour; memory: bytes resident.
    """

    fast: Sequence[float]
    slow: Sequence[float]
    state: int
    memory: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; percentiles in milliseconds, sizes in KB and MB."""
        return {
            "fast_ms": _spread(self.fast), "slow_ms": _spread(self.slow), "slow_runs": len(self.slow),
            "state_kb": self.state / 1024, "memory_mb": self.memory / 2**20,
        }  # fmt: skip


@dataclass(frozen=True)
class LongBench:
    """outcomes: of the scored meetings. cost: hour by hour of the last, which is not scored."""

    outcomes: Outcomes
    cost: Sequence[HourCost]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; see docs/metrics.md."""
        return {**self.outcomes.to_dict(), "cost_by_hour": [hour.to_dict() for hour in self.cost]}


@dataclass(frozen=True)
class Stage:
    """What the meetings are made of. voices: of the pool, with all their phrases heard."""

    segmenter: Segmenter
    embedder: Embedder
    voices: Sequence[PoolVoice]
    heard: Mapping[str, Heard]
    config: DiarizerConfig


def meetings(num: int, hours: float, returning: int | None = None) -> list[tuple[MeetingRules, int]]:
    """Rules and seed of so many meetings, of two to twelve speakers.

    returning: how many people leave and come back in each of them, beside two who stay; None for all kinds.
    """
    rules = []
    for seed in range(num):
        speakers, back, late, leaving = CASTS[seed % len(CASTS)]
        if returning is not None:
            speakers, back, late, leaving = returning + 2, returning, 0, 0
        rules.append((
            MeetingRules(
                duration=hours * HOUR, speakers=speakers, returning=back, late=late, leaving=leaving,
                rare=speakers > 2 and returning is None, same_sex=speakers // 2,
            ),
            seed,
        ))  # fmt: skip
    return rules


def long_bench(
    stage: Stage,
    num: int,
    hours: float,
    progress: Callable[[str], None] = lambda done: None,
    returning: int | None = None,
) -> LongBench:
    """`num` scored meetings of so many hours, then the cost of one with as many speakers as there are.

    returning: see `meetings`; where it is given, costs are left out.
    """
    sessions = []
    for rules, seed in meetings(num, hours, returning):
        sessions.append(score(stage, rules, seed))
        progress(sessions[-1].name)
    if returning is not None:
        return LongBench(Outcomes(sessions), [])
    most = max(CASTS)
    busy = MeetingRules(
        duration=hours * HOUR, speakers=most[0], returning=most[1], late=most[2], leaving=most[3]
    )
    costs = cost(stage, busy, num)
    progress("cost")
    return LongBench(Outcomes(sessions), costs)


def score(stage: Stage, rules: MeetingRules, seed: int) -> LongSession:
    """One meeting heard by the engine and held against its plan."""
    meeting = plan_meeting(stage.voices, rules, seed)
    placed = arrange(meeting, stage.heard, seed)
    diarizer = ArrangedDiarizer(stage.segmenter, stage.embedder, stage.config, placed)
    started = time.process_time()
    events = [event for step in _steps(diarizer, meeting.duration) for event in step]
    computed = time.process_time() - started
    stays = {voice.name: there for voice, there in zip(meeting.voices, meeting.present, strict=True)}
    return outcome(
        f"{rules.speakers} speakers, seed {seed}",
        Lanes.of(_reference(meeting, placed), to_cells(meeting.duration)),
        stays,
        events,
        stage.config,
        computed,
    )


def cost(stage: Stage, rules: MeetingRules, seed: int) -> list[HourCost]:
    """What a meeting costs hour by hour, in processor time; nobody keeps its events."""
    meeting = plan_meeting(stage.voices, rules, seed)
    placed = arrange(meeting, stage.heard, seed)
    diarizer = ArrangedDiarizer(stage.segmenter, stage.embedder, stage.config, placed)
    steps_per_hour = round(HOUR / stage.config.hop)
    hours, fast, slow = [], [], []
    clock = time.thread_time
    with (
        timing((Clusterer, ("name", "remember", "look_again")), clock=clock) as naming,
        timing((Clusterer, ("reconsider",)), clock=clock) as thinking,
    ):
        before = 0.0, 0.0
        for number, _ in enumerate(_steps(diarizer, meeting.duration), start=1):
            now = naming.seconds, thinking.seconds
            fast.append(1000 * (now[0] - before[0]))
            if now[1] > before[1]:
                slow.append(1000 * (now[1] - before[1]))
            before = now
            if number % steps_per_hour == 0:
                state = len(pack(diarizer.clusterer.state()))
                hours.append(HourCost(fast, slow, state, resident_bytes()))
                fast, slow = [], []
    return hours


def _steps(diarizer: ArrangedDiarizer, duration: float) -> Iterator[list[Event]]:
    """Events of every hop, and of the end."""
    hop = diarizer.config.hop
    silence = np.zeros(round(hop * diarizer.rate), np.float32)
    for _ in range(round(duration / hop)):
        yield diarizer.push(silence)
    yield diarizer.finish()


def _reference(meeting: Meeting, placed: Sequence[PlacedAtom]) -> list[Segment]:
    """Who speaks when, as it was arranged: nothing that the engine never got counts as missed."""
    spoken = [(atom.voice, atom.start, atom.stop) for atom in placed]
    spoken += [(voice, a, b) for atom in placed for a, b, voice in atom.overlaps]
    return [Segment(a / 100, b / 100, meeting.voices[voice].name) for voice, a, b in sorted(spoken)]


def _spread(milliseconds: Sequence[float]) -> dict[str, float] | None:
    if not milliseconds:
        return None
    p50, p95, most = np.percentile(milliseconds, [50, 95, 100])
    return {"p50": float(p50), "p95": float(p95), "max": float(most)}
