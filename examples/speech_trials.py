"""Cut labelled speech into clips and list trials between them: how docs/measured.md compares voices.

python examples/speech_trials.py ../shared/data/speech trials
hocket verify --trials trials/test.txt

SPEECH holds index.json: for each speaker an audio file and the places of its utterances. A clip is whole
utterances in a row, at least --seconds of them, cut off after --at-most. Every second speaker is in fit.txt,
where thresholds are chosen; the others are in test.txt, and in test-same-sex.txt without the pairs of a woman
and a man. A list holds every pair of clips.
"""

import argparse
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile


@dataclass(frozen=True)
class Clip:
    """A stretch of one speaker's recording: its file below the trials' folder, and where it was cut."""

    path: str
    speaker: str
    sex: str
    source: Path
    start: float
    end: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Cut labelled speech into clips and list trials between them."
    )
    parser.add_argument("speech", type=Path, help="the folder with index.json")
    parser.add_argument("trials", type=Path, help="the folder to write")
    parser.add_argument("--seconds", type=float, default=5.0, help="least length of a clip")
    parser.add_argument("--at-most", type=float, default=math.inf, help="where a longer clip is cut off")
    arguments = parser.parse_args()

    index = json.loads((arguments.speech / "index.json").read_text(encoding="utf-8"))
    speakers = sorted(index["speakers"], key=lambda speaker: speaker["id"])
    lengths = arguments.seconds, arguments.at_most
    clips = [list(clips_of(speaker, arguments.speech, *lengths)) for speaker in speakers]
    for clip in itertools.chain(*clips):
        write_clip(clip, arguments.trials)
    test = list(itertools.chain(*clips[1::2]))
    same_sex = [(a, b) for a, b in itertools.combinations(test, 2) if a.sex == b.sex]
    write_list(arguments.trials / "fit.txt", itertools.combinations(itertools.chain(*clips[::2]), 2))
    write_list(arguments.trials / "test.txt", itertools.combinations(test, 2))
    write_list(arguments.trials / "test-same-sex.txt", same_sex)


def clips_of(speaker: dict[str, Any], speech: Path, least: float, most: float) -> Iterator[Clip]:
    """The clips of one speaker, in order; what is left at the end and too short is dropped."""
    number, start = 0, None
    for utterance in speaker["utterances"]:
        start = utterance["start"] if start is None else start
        end = utterance["start"] + utterance["dur"]
        if end - start >= least:
            path = f"{speaker['id']}/{number:02}.flac"
            yield Clip(
                path, speaker["id"], speaker["sex"], speech / speaker["file"], start, min(end, start + most)
            )
            number, start = number + 1, None


def write_clip(clip: Clip, folder: Path) -> None:
    """Cut one clip out of its recording."""
    (folder / clip.path).parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(clip.source) as recording:
        first, last = (round(seconds * recording.samplerate) for seconds in (clip.start, clip.end))
        recording.seek(first)
        samples = recording.read(last - first, dtype="int16")
        soundfile.write(folder / clip.path, samples, recording.samplerate)


def write_list(path: Path, pairs: Iterator[tuple[Clip, Clip]] | Sequence[tuple[Clip, Clip]]) -> None:
    """A trial a line, as VoxCeleb lists them: 1 for one speaker or 0 for two, and both files."""
    lines = [f"{int(a.speaker == b.speaker)} {a.path} {b.path}\n" for a, b in pairs]
    path.write_text("".join(lines), encoding="utf-8")
    num_same = sum(line.startswith("1") for line in lines)
    print(f"{path}: {num_same} trials of one speaker, {len(lines) - num_same} of two")


if __name__ == "__main__":
    main()
