"""`hocket bench --sessions`: how many sessions a server bears, how late it is, how near the limit that is."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...server.sessions.engines import num_cores
from ...sources.file import FileSource
from ..bench import Samples, clip
from .bare import Chosen, bare_share
from .bench import Load, largest, load
from .saturated import saturated_rtf
from .served import serving
from .talk import RATE, Conversation

CONVERSATION_SECONDS = 600.0
BARE_SECONDS = 40.0  # of audio that each core hears for the limit of the bare runtime
SATURATED_SESSIONS, SATURATED_SECONDS = 8, 15.0
ROUNDS = 2  # of each kind, in turn, where disturbed sessions are compared with undisturbed ones


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure.

    sessions: so many at once or, with `search`, where to begin looking for the largest number that is kept up
    with. seconds: measured of each. hop: that they ask for. stretch: whether the server may stretch it.
    silences: as real meetings have them; otherwise somebody speaks nearly all the time.
    disturb: compare with sessions beside which others do not read, or are stuck.
    """

    sessions: int
    models: Chosen
    seconds: float = 30.0
    hop: float = 0.5
    silences: bool = False
    stretch: bool = True
    search: bool = False
    disturb: bool = False

    @property
    def serve_arguments(self) -> list[str]:
        """What the server is told."""
        chosen = self.models
        told = ["--models", chosen.models, "--runtime", chosen.runtime]
        told += ["--compute-units", chosen.compute_units]
        told += ["--segmentation-model", chosen.segmentation] if chosen.segmentation else []
        told += ["--embedding-model", chosen.embedding] if chosen.embedding else []
        return [*told, "--max-sessions", "10000", *([] if self.stretch else ["--longest-hop", "0"])]


def measure(plan: Plan, audio: Path, say: Callable[[str], None] = lambda what: None) -> dict[str, Any]:
    """The figures of a plan, JSON-ready: see docs/metrics.md. audio: what is said, over and over.

    Raises ServiceError where the server does not come up or refuses a session.
    """
    conversation = Conversation(clip(FileSource(audio), RATE), CONVERSATION_SECONDS, silences=plan.silences)
    return asyncio.run(_Measuring(plan, conversation, say).figures())


class _Measuring:
    def __init__(self, plan: Plan, conversation: Conversation, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._conversation = conversation
        self._say = say

    async def figures(self) -> dict[str, Any]:
        plan = self._plan
        before = await self._bare(plan.hop)
        first = plan.sessions
        tried = await largest(self._loaded, first) if plan.search else [await self._loaded(first)]
        best = max(tried, key=lambda each: (each.is_kept_up, len(each.notes) if each.is_kept_up else 0))
        figures = {"silences": plan.silences, "hop": plan.hop, **best.to_dict()}
        figures |= await self._limits(best, before)
        saturated = await self._saturated()
        figures["saturated_sessions_per_core"] = 1 / saturated
        figures["saturated_share_of_bare"] = 1 / saturated / figures["bare_sessions_per_core"]
        if plan.search:
            figures["tried"] = [each.to_dict() for each in tried]
        if plan.disturb:
            figures |= await self._disturbed(len(best.notes))
        return figures

    async def _limits(self, best: Load, before: float) -> dict[str, Any]:
        """The bare runtime's, before and after the load, and what share of it the sessions are."""
        cores, bare = num_cores(), (before + await self._bare(self._plan.hop)) / 2
        found = {
            "cores": cores,
            "sessions_per_core": len(best.notes) / cores,
            "bare_sessions_per_core": 1 / bare,
            "share_of_bare": len(best.notes) / cores * bare,
            "rtf_over_bare": best.processor / (len(best.notes) * best.seconds) / bare,
        }
        if best.longest_hop and best.longest_hop > self._plan.hop:
            found["bare_sessions_per_core_stretched"] = 1 / await self._bare(best.longest_hop)
        return found

    async def _disturbed(self, num_sessions: int) -> dict[str, Any]:
        loads: dict[bool, list[Load]] = {False: [], True: []}
        for number in range(2 * ROUNDS):
            disturbed = number % 2 == 1
            loads[disturbed].append(await self._loaded(num_sessions, disturbed=disturbed))
        alone, beside = (sum(each.lag_p95 for each in loads[key]) / ROUNDS for key in (False, True))
        return {
            "undisturbed_lag_p95": alone,
            "disturbed_lag_p95": beside,
            "disturbed_over_undisturbed": beside / alone,
        }

    async def _loaded(self, num_sessions: int, *, disturbed: bool = False) -> Load:
        plan = self._plan
        self._say(f"{num_sessions} sessions{', disturbed' if disturbed else ''}")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with serving(Path(folder), plan.serve_arguments) as served:
                return await load(
                    served,
                    self._conversation,
                    num_sessions,
                    plan.seconds,
                    hop=plan.hop,
                    disturbed=disturbed,
                )

    async def _saturated(self) -> float:
        self._say(f"{SATURATED_SESSIONS} sessions as fast as they go")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with serving(Path(folder), self._plan.serve_arguments) as served:
                return await saturated_rtf(
                    served, self._conversation, SATURATED_SESSIONS, SATURATED_SECONDS, hop=self._plan.hop
                )

    async def _bare(self, hop: float) -> float:
        self._say(f"the models alone, a window every {hop:g} s")
        sound: Samples = self._conversation.samples[: round(BARE_SECONDS * RATE)]
        return await asyncio.to_thread(bare_share, sound, hop, self._plan.models)
