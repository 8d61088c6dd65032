"""A folder of labelled speech that meetings are made of.

`index.json` holds `sample_rate` and `speakers`; of each speaker `id`, `sex`, `file` and `utterances`; of each
utterance `start`, `dur` and `speech`, a list of [from, to] counted from its start. Times are seconds.
Optional folders beside it: `rirs/` (room impulse responses) and `noise/`, with files at the same rate.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import AudioFileError, FormatError
from ..recordings import AUDIO_SUFFIXES

Samples = NDArray[np.float32]

LONGEST_PHRASE = 7.0  # seconds; longer utterances are cut at their pauses


@dataclass(frozen=True)
class Phrase:
    """Seconds [start, end) of a speaker's file, said in one go; speech: where in the file they speak."""

    start: float
    end: float
    speech: tuple[tuple[float, float], ...]

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class PoolVoice:
    """One person of the pool. sex: as the pool has it, "" where it says nothing."""

    name: str
    sex: str
    audio: Path
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class SpeechPool:
    """voices: everybody. rooms, noises: files, perhaps none. rate: samples per second of all of them."""

    folder: Path
    rate: int
    voices: tuple[PoolVoice, ...]
    rooms: tuple[Path, ...]
    noises: tuple[Path, ...]

    def some(self, count: int) -> "SpeechPool":
        """The pool with at most so many voices, taken evenly from all of it."""
        chosen = np.linspace(0, len(self.voices), min(count, len(self.voices)), endpoint=False)
        return replace(self, voices=tuple(self.voices[int(index)] for index in chosen))


def read_pool(folder: Path) -> SpeechPool:
    """The pool in `folder`. Raises AudioFileError where there is none, FormatError for a malformed index."""
    index = folder / "index.json"
    if not index.is_file():
        raise AudioFileError(f"{folder} is no pool of speech: expected index.json in it, listing speakers")
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        rate = int(content["sample_rate"])
        voices = tuple(_voice(entry, folder) for entry in content["speakers"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{index}: {error!r}; expected sample_rate, and speakers with id, file and utterances"
        ) from error
    return SpeechPool(folder, rate, voices, _audio_files(folder / "rirs"), _audio_files(folder / "noise"))


def samples_of(path: Path, rate: int) -> Samples:
    """All of a mono file, (n,) float32. Raises AudioFileError for another rate or more channels."""
    import soundfile

    try:
        samples, found = soundfile.read(path, dtype="float32")
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioFileError(f"{path} cannot be read: {error}") from error
    if found != rate or samples.ndim != 1:
        raise AudioFileError(f"{path}: expected mono at {rate} Hz, got shape {samples.shape} at {found} Hz")
    result: Samples = samples
    return result


def _voice(entry: dict[str, Any], folder: Path) -> PoolVoice:
    phrases = tuple(phrase for utterance in entry["utterances"] for phrase in _phrases(utterance))
    return PoolVoice(str(entry["id"]), str(entry.get("sex", "")), folder / entry["file"], phrases)


def _phrases(utterance: dict[str, Any]) -> Iterator[Phrase]:
    """The utterance cut in the middle of its pauses, so that no part is longer than LONGEST_PHRASE."""
    start = float(utterance["start"])
    speech = [(start + float(a), start + float(b)) for a, b in utterance["speech"]]
    groups = [[stretch] for stretch in speech[:1]]
    for stretch in speech[1:]:
        if stretch[1] - groups[-1][0][0] > LONGEST_PHRASE:
            groups.append([stretch])
        else:
            groups[-1].append(stretch)
    inner = [(before[-1][1] + after[0][0]) / 2 for before, after in pairwise(groups)]
    edges = [start, *inner, start + float(utterance["dur"])]
    for group, (left, right) in zip(groups, pairwise(edges)):
        yield Phrase(left, right, tuple(group))


def _audio_files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES))
