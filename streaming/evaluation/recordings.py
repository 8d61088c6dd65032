"""Recordings with a reference: NAME.flac (or any other audio), NAME.rttm and, where given, NAME.uem."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import AudioFileError, FormatError
from ..grid import to_cells
from ..metrics import Mask
from ..replay import Segment
from ..rttm import Stretch, read_rttm, read_uem
from ..sources.file import FileSource

AUDIO_SUFFIXES = frozenset((
    ".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".w64", ".wav",
))  # fmt: skip
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Recording:
    """A file and what is known about it.

    duration: seconds. reference: who speaks when. scored: the stretches (seconds) that the reference
    vouches for; all of the recording where there is no UEM.
    """

    name: str
    audio: Path
    duration: float
    reference: list[Segment]
    scored: list[Stretch]

    @property
    def num_cells(self) -> int:
        """Cells up to the end of the audio, the reference and the scored stretches."""
        ends = [segment.end for segment in self.reference] + [end for _, end in self.scored]
        return to_cells(max([self.duration, *ends]))

    @property
    def mask(self) -> Mask:
        """(num_cells,) True where scored."""
        mask = np.zeros(self.num_cells, np.bool_)
        for start, end in self.scored:
            mask[to_cells(start) : to_cells(end)] = True
        return mask


def find_recordings(folder: Path) -> list[Recording]:
    """Every audio file of the folder itself that has a reference beside it, by name.

    `NAME.rttm` is the reference of `NAME.*`, so `NAME.vocal.rttm` is nobody's here: a second opinion on NAME.
    Raises AudioFileError when there is none, when one is not audio, and when two go by one name; FormatError
    for a reference that cannot be read or holds several recordings, none of them called NAME.
    """
    if not folder.is_dir():
        raise AudioFileError(f"{folder}: no such folder; expected one with recordings and their .rttm")
    audio = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)
    recordings = [_read(path) for path in audio if path.with_suffix(".rttm").exists()]
    if not recordings:
        raise AudioFileError(
            f"{folder}: {len(audio)} audio files, none with a reference; expected NAME.rttm beside NAME.wav"
        )
    for one, other in pairwise(recordings):
        if one.name == other.name:
            raise AudioFileError(
                f"{one.audio} and {other.audio} share one reference: score them in two folders"
            )
    return recordings


def _read(audio: Path) -> Recording:
    source = FileSource(audio)
    if source.num_samples is None:
        raise AudioFileError(f"{audio} does not say how long it is: convert it to flac, then score it")
    duration = source.num_samples / source.rate_hz
    rttm, uem = audio.with_suffix(".rttm"), audio.with_suffix(".uem")
    scored = _of(audio.stem, read_uem(uem), uem) if uem.exists() else None
    return Recording(
        name=audio.stem,
        audio=audio,
        duration=duration,
        reference=_of(audio.stem, read_rttm(rttm), rttm) or [],
        scored=[(0.0, duration)] if scored is None else scored,
    )


def _of(name: str, entries: dict[str, _Value], path: Path) -> _Value | None:
    """The entry called `name`, else the only one, None in an empty file."""
    if name in entries:
        return entries[name]
    if len(entries) > 1:
        raise FormatError(
            f"{path}: holds {', '.join(sorted(entries))}; expected {name}, or a single recording"
        )
    return next(iter(entries.values()), None)
