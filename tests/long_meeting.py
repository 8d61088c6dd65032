"""A meeting of five minutes for the engine without models: five voices, two of them enrolled, little memory.

`python -m tests.long_meeting` prints a digest of all its events.
"""

import sys
from hashlib import blake2b
from pathlib import Path

import numpy as np

from hocket.streaming.clustering.clusterer import ClusterRules
from hocket.streaming.clustering.memory import MemoryRules
from hocket.streaming.clustering.voiceprint import VoicePrint
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.evaluation.simulated.arranged import ArrangedDiarizer, arrange
from hocket.streaming.evaluation.simulated.plan import MeetingRules, plan_meeting
from hocket.streaming.evaluation.simulated.pool import Phrase, PoolVoice
from hocket.streaming.evaluation.simulated.voices import Heard, HeardAtom
from hocket.streaming.events import Event
from tests.unruly_models import SIZE, UnrulyEmbedder, UnrulySegmenter

RULES = MeetingRules(duration=300, speakers=5, returning=0, late=2, leaving=0, rare=False)
CONFIG = DiarizerConfig(clustering=ClusterRules(memory=MemoryRules(recent=80, exemplars=6)))
PHRASES = 12
VARIED = 0.2  # how far a vector lies from its voice's direction
ENROLLED = 2


def events() -> list[Event]:
    """All events of the meeting; half way through, the user gives a name and corrects ten seconds."""
    rng = np.random.default_rng(8)
    phrases = tuple(Phrase(2.4 * n, 2.4 * n + 2.0, ((2.4 * n + 0.1, 2.4 * n + 1.9),)) for n in range(PHRASES))
    voices = [PoolVoice(f"v{index}", "fm"[index % 2], Path(), phrases) for index in range(RULES.speakers)]
    directions = np.eye(SIZE)[: len(voices)]
    heard = {voice.name: _heard(centre, rng) for voice, centre in zip(voices, directions, strict=True)}
    meeting = plan_meeting(voices, RULES, 1)
    diarizer = ArrangedDiarizer(UnrulySegmenter(), UnrulyEmbedder(), CONFIG, arrange(meeting, heard, 1))
    for voice in voices[:ENROLLED]:
        vectors = np.stack([phrase[-1].vectors[-1] for phrase in heard[voice.name]])
        diarizer.enroll(voice.name, VoicePrint("by hand", vectors, np.full(len(vectors), 1.5, np.float32)))
    silence = np.zeros(round(CONFIG.hop * diarizer.rate), np.float32)
    steps = round(RULES.duration / CONFIG.hop)
    said: list[Event] = []
    for step in range(steps):
        said += diarizer.push(silence)
        if step == steps // 2:
            said += diarizer.name(diarizer.annotation()[-1].speaker, "Anna")
            said += diarizer.correct((130.0, 140.0), None)
    return said + diarizer.finish()


def digest(said: list[Event]) -> str:
    """Of everything that the events say."""
    return blake2b(repr([event.to_dict() for event in said]).encode(), digest_size=16).hexdigest()


def _heard(centre: np.ndarray, rng: np.random.Generator) -> Heard:
    """Two atoms of each phrase, growing from 0.4 s."""
    return tuple(
        tuple(
            HeardAtom(
                start, stop, np.array([40, stop - start]), np.float32([0.4, 1.2]), _vectors(centre, rng)
            )
            for start, stop in ((10, 90), (120, 190))
        )
        for _ in range(PHRASES)
    )


def _vectors(centre: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    vectors = centre + VARIED * rng.standard_normal((2, SIZE))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    sys.stdout.write(digest(events()))
