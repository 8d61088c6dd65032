"""A voice print from a recording: the engine hears it, and what it remembers of the voice is the print."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..clustering.voiceprint import VoicePrint
from ..engine.diarizer import Diarizer
from ..errors import VoicePrintError
from ..replay import Segment
from ..resample import Channel, Resampler
from ..sources.base import Block
from ..sources.file import FileSource

if TYPE_CHECKING:
    from hocket.models import ModelPair

Samples = NDArray[np.float32]

RIVAL = 1 / 3  # share of the first voice's speech from which a second one makes a recording unfit


def voice_print(
    audio: "str | Path | Samples", models: "str | ModelPair" = "default", *, channel: Channel = "mix"
) -> VoicePrint:
    """The voice in a recording of one person, 3 s of clean speech or more; 20 s and more are better.

    audio: a file of any format, or samples (n,) float32 at the models' rate. models: a pair by name, or one
    that open_models gave. channel: of a file, the one to listen to, or "mix".
    Raises VoicePrintError for too little speech and for two voices of weight, AudioFileError for a file that
    cannot be heard, and what open_models raises.
    """
    from hocket.models import open_models

    pair = open_models(models) if isinstance(models, str) else models
    diarizer = Diarizer(pair.segmenter, pair.embedder, models=pair.names)
    where = "the recording" if isinstance(audio, np.ndarray) else str(audio)
    for samples in [audio] if isinstance(audio, np.ndarray) else _read(Path(audio), diarizer.rate, channel):
        diarizer.push(samples)
    diarizer.finish()
    try:
        return diarizer.voice_print(only_speaker(diarizer.annotation()))
    except VoicePrintError as error:
        raise VoicePrintError(f"{where}: {error}") from error


def voices_in(
    path: Path, models: "ModelPair", speakers: list[str], *, channel: Channel = "mix"
) -> dict[str, VoicePrint]:
    """The voices of some speakers of a recording, by the ids that `hocket diarize` shows with its defaults.

    Raises UnknownSpeaker for an id that nobody has there, VoicePrintError for too little speech.
    """
    diarizer = Diarizer(models.segmenter, models.embedder, models=models.names)
    for samples in _read(path, diarizer.rate, channel):
        diarizer.push(samples)
    diarizer.finish()
    return {speaker: diarizer.voice_print(speaker) for speaker in speakers}


def only_speaker(annotation: list[Segment]) -> str:
    """The one who speaks. Raises VoicePrintError where nobody does, or two with much to say."""
    spoken: Counter[str] = Counter()
    for turn in annotation:
        spoken[turn.speaker] += round(100 * (turn.end - turn.start))
    (first, most), (_, second) = [*spoken.most_common(2), ("", 0), ("", 0)][:2]
    if not most:
        raise VoicePrintError("nobody speaks")
    if second >= RIVAL * most:
        raise VoicePrintError(
            f"two voices, of {most / 100:.1f} s and {second / 100:.1f} s: a voice print wants a recording of "
            "one; of a conversation, hocket people learn takes the speakers one by one"
        )
    return first


def _read(path: Path, rate: int, channel: Channel) -> Iterator[Samples]:
    source = FileSource(path)
    resampler = Resampler(source.rate_hz, rate, source.channels, channel)
    with closing(source.pieces()) as pieces:
        for piece in pieces:
            yield (
                resampler.push(piece.samples)
                if isinstance(piece, Block)
                else _lost(resampler, piece.num_samples)
            )
    yield resampler.finish()


def _lost(resampler: Resampler, num_samples: int) -> Samples:
    rest, num_lost = resampler.gap(num_samples)
    return np.concatenate([rest, np.zeros(num_lost, np.float32)])
