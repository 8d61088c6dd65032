"""A planned meeting as sound: everybody in their place in a room, at their own level, over noise.

Rendered block by block: memory does not grow with the meeting.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import AudioFileError
from ...files import write_atomically
from ...rttm import format_uem, write_rttm
from .plan import Meeting, MeetingRules
from .pool import SpeechPool, samples_of

Samples = NDArray[np.float32]

BLOCK = 10.0  # seconds rendered at a time
LONGEST_ROOM = 0.6  # seconds kept of a room's response
FADE = 0.01  # seconds at either end of a phrase
ACTIVE_LEVEL = -26.0  # dBFS of speech in the pool
CLIP = 0.8  # amplitude from which peaks are bent rather than cut


@dataclass(frozen=True, kw_only=True)
class SoundRules:
    """snr: dB between the usual speaker and the noise. spread: dB between speakers, standard deviation."""

    snr: float = 22.0
    spread: float = 3.0


def render(meeting: Meeting, pool: SpeechPool, seed: int, rules: SoundRules) -> Iterator[Samples]:
    """The meeting's audio, (n,) float32 at the pool's rate, block by block.

    Rooms and noise are the pool's; without any, there is no reverberation and the noise is white.
    """
    from scipy.signal import fftconvolve

    rng = np.random.default_rng([seed, 1])
    rate, block = pool.rate, round(BLOCK * pool.rate)
    voices = [samples_of(voice.audio, rate) for voice in meeting.voices]
    levels = rng.normal(0, rules.spread, len(voices))
    rooms = [_room(pool, rng) for _ in voices]
    noise = _noise(pool, rng, 10 ** ((ACTIVE_LEVEL - rules.snr) / 20), block)
    fade = np.linspace(0, 1, round(FADE * rate), dtype=np.float32)
    longest = max((said.phrase.duration for said in meeting.utterances), default=0.0)
    ahead = np.zeros(block + round((longest + LONGEST_ROOM + 1) * rate), np.float32)
    waiting = list(reversed(meeting.utterances))
    for start in range(0, round(meeting.duration * rate), block):
        while waiting and waiting[-1].at * rate < start + block:
            said = waiting.pop()
            first = round(said.phrase.start * rate)
            sound = voices[said.voice][first : first + round(said.phrase.duration * rate)].copy()
            sound[: len(fade)] *= fade[: len(sound)]
            sound[-len(fade) :] *= fade[::-1][-len(sound) :]
            heard = fftconvolve(sound, rooms[said.voice]) * 10 ** ((levels[said.voice] + said.gain) / 20)
            place = round(said.at * rate) - start
            ahead[place : place + len(heard)] += heard.astype(np.float32)
        size = min(block, round(meeting.duration * rate) - start)
        yield _bent(ahead[:size] + next(noise)[:size])
        ahead[:-block] = ahead[block:].copy()
        ahead[-block:] = 0


def num_blocks(meeting: Meeting) -> int:
    """How many blocks the meeting is rendered in."""
    return math.ceil(meeting.duration / BLOCK)


def write_meeting(
    path: Path,
    meeting: Meeting,
    pool: SpeechPool,
    rules: MeetingRules,
    seed: int,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Audio at `path` (its ending says how), and beside it NAME.rttm, NAME.uem, NAME.json (what was planned).

    progress: called after each of `num_blocks`. Raises AudioFileError for an ending that is no kind of audio
    file, or a folder that is not there.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path, "w", pool.rate, 1) as file:
            for block in render(meeting, pool, seed, SoundRules()):
                file.write(block)
                progress()
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise AudioFileError(f"{path} cannot be written: {error}; try a name ending in .flac") from error
    write_rttm(path.with_suffix(".rttm"), path.stem, meeting.reference())
    scored = format_uem({path.stem: [(0.0, meeting.duration)]})
    write_atomically(path.with_suffix(".uem"), scored)
    plan = json.dumps(meeting.to_dict(rules, seed), indent=1)
    write_atomically(path.with_suffix(".json"), plan + "\n")


def _room(pool: SpeechPool, rng: np.random.Generator) -> Samples:
    """A room's response from its direct sound on, so that the reference stays exact; unit energy."""
    if not pool.rooms:
        return np.ones(1, np.float32)
    response = samples_of(pool.rooms[int(rng.integers(len(pool.rooms)))], pool.rate)
    response = response[int(np.abs(response).argmax()) :][: round(LONGEST_ROOM * pool.rate)]
    result: Samples = response / np.linalg.norm(response)
    return result


def _noise(pool: SpeechPool, rng: np.random.Generator, level: float, block: int) -> Iterator[Samples]:
    """Blocks of noise without end: the pool's, one file after another, over a faint hiss."""
    files = [samples_of(path, pool.rate) for path in pool.noises]
    clips = [clip / np.sqrt(np.mean(clip**2)) for clip in files]
    loop = np.concatenate([clips[index] for index in rng.permutation(len(clips))]) if clips else None
    position = 0
    while True:
        hiss = rng.standard_normal(block, np.float32)
        if loop is None:
            yield np.float32(level) * hiss
        else:
            around = np.arange(position, position + block) % len(loop)
            yield np.float32(level) * (np.float32(0.9) * loop[around] + np.float32(0.3) * hiss)
        position += block


def _bent(samples: Samples) -> Samples:
    room = 0.99 - CLIP
    over = np.abs(samples) - CLIP
    bent = np.sign(samples) * (CLIP + room * np.tanh(np.maximum(over, 0) / room))
    return np.where(over > 0, bent, samples).astype(np.float32)
