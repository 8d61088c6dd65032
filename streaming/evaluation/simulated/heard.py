"""Meetings that were made as audio, heard by the whole engine: what the arranged ones leave out."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hocket.models.roles import Embedder, Segmenter

from ...engine.config import DiarizerConfig
from ...engine.diarizer import Diarizer
from ...errors import FormatError
from ...metrics import Lanes
from ...sources.file import FileSource
from ..recorded import remembered
from ..recordings import Recording
from ..run import TimedSession, hear
from .outcome import LongSession, Outcomes, outcome
from .plan import Stretch


def hear_meetings(
    recordings: Sequence[Recording],
    segmenter: Segmenter,
    embedder: Embedder,
    config: DiarizerConfig,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> Outcomes:
    """What became of each meeting. cache: a folder in which the models' answers are kept for good.

    With all answers there an hour takes seconds. Raises FormatError for a recording without its plan.
    """
    sessions = []
    for recording in recordings:
        sessions.append(_heard(recording, segmenter, embedder, config, cache))
        progress(recording.name)
    return Outcomes(sessions)


def _heard(
    recording: Recording, segmenter: Segmenter, embedder: Embedder, config: DiarizerConfig, cache: Path | None
) -> LongSession:
    stays = planned_stays(recording.audio.with_suffix(".json"))
    answer = remembered(segmenter, embedder, recording.name, cache)
    started = time.process_time()
    session = TimedSession(Diarizer(segmenter, embedder, config, session=recording.name), answer)
    events = hear(session, FileSource(recording.audio), segmenter.spec.rate)
    computed = time.process_time() - started
    reference = Lanes.of(recording.reference, recording.num_cells)
    return outcome(recording.name, reference, stays, events, config, computed)


def planned_stays(plan: Path) -> dict[str, list[Stretch]]:
    """Who is there when, in seconds, of what `write_meeting` planned.

    Raises FormatError where there is no such file, or it is something else.
    """
    try:
        speakers = json.loads(plan.read_text(encoding="utf-8"))["speakers"]
        return {name: [(a, b) for a, b in person["present"]] for name, person in speakers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{plan}: {error!r}; expected who is there when, as hocket meetings make writes it"
        ) from error
