"""A segmenter and an embedder of another kind, as folders: 8 kHz, windows of 4 s, two voices, two vowels.

Both are Core ML programs written out as text, small enough to be understood. Who speaks is heard from the
level (nobody 0, the first voice 0.1, the second 0.2); a voice's vector is its spectrum where that is above
its mean.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
LEVELS = (0.1, 0.2)
_VOWELS_HZ = ((500, 800), (1500, 2100))
_VOWEL_SECONDS = 0.05

SEGMENTATION_CARD = """
name = "levels"
role = "segmentation"

[segmentation]
rate = 8000
lengths = [32000]
frame_step = 200
frame_offset = 100
classes = [[], [0], [1]]
scores = "logits"

[packages.net]
path = "net.mlmodelc"
"""

EMBEDDING_CARD = """
name = "spectra"
role = "embedding"

[embedding]
rate = 8000
size = 80
channels = 80
frame_step = 160
hop = 4000
lookback = 0
kept = 4000
min_frames = 3
preroll = 120
pool_sizes = [1600]
front_end = { window = "povey", num_bins = 40, scale = 1.0 }
calibration = { different = 0.1, noise_floor = 0.02, noise_per_second = 0.1 }

[packages.trunk]
path = "trunk.mlmodelc"

[packages.head]
path = "head.mlmodelc"
"""

# 160 frames of 200 samples; each class scores by how near the mean level is to its own.
_NET = """program(1.0)
{
    func main<ios16>(tensor<fp32, [1, 1, 32000]> wave) {
        tensor<fp32, [1, 1, 32000]> loudness = abs(x = wave);
        tensor<fp32, [1, 160, 200]> pieces = reshape(shape = tensor<int32, [3]>([1, 160, 200]), x = loudness);
        tensor<int32, [1]> time = const()[val = tensor<int32, [1]>([2])];
        tensor<fp32, [1, 160, 1]> level = reduce_mean(axes = time, keep_dims = bool(true), x = pieces);
        tensor<fp32, [1, 160, 3]> distance = sub(x = level, y = tensor<fp32, [3]>([0.0, 0.1, 0.2]));
        tensor<fp32, [1, 160, 3]> square = mul(x = distance, y = distance);
        tensor<fp32, [1, 160, 3]> classes = mul(x = square, y = fp32(-5000.0));
    } -> (classes);
}
"""
# Squared, so that peaks count; two feature frames beside each other are one of ours.
_TRUNK = """program(1.0)
{
    func main<ios16>(tensor<fp32, [1, 50, 40]> mel) {
        tensor<fp32, [1, 50, 40]> above = relu(x = mel);
        tensor<fp32, [1, 50, 40]> peaks = mul(x = above, y = above);
        tensor<fp32, [1, 25, 80]> hidden = reshape(shape = tensor<int32, [3]>([1, 25, 80]), x = peaks);
    } -> (hidden);
}
"""
_HEAD = """program(1.0)
{
    func main<ios16>(tensor<fp32, [1, 1600, 80]> hidden, tensor<fp32, [1, 1600]> shares) {
        tensor<fp32, [1, 1, 1600]> row = expand_dims(axes = tensor<int32, [1]>([1]), x = shares);
        tensor<fp32, [1, 1, 80]> sum = matmul(x = row, y = hidden);
        tensor<fp32, [1, 80]> voice = squeeze(axes = tensor<int32, [1]>([1]), x = sum);
    } -> (voice);
}
"""


def write_segmentation(folder: Path) -> Path:
    """The folder, with a card and a package."""
    return _write(folder, SEGMENTATION_CARD, {"net": _NET})


def write_embedding(folder: Path) -> Path:
    """The folder, with a card and two packages."""
    return _write(folder, EMBEDDING_CARD, {"trunk": _TRUNK, "head": _HEAD})


def _write(folder: Path, card: str, programs: dict[str, str]) -> Path:
    folder.mkdir()
    (folder / "card.toml").write_text(card)
    for name, program in programs.items():
        package = folder / f"{name}.mlmodelc"
        package.mkdir()
        (package / "model.mil").write_text(program)
    return folder


def conversation(speakers: list[int | None], seconds: float) -> NDArray[np.float32]:
    """Each speaker in turn, None for a pause, for so many seconds; (n,) float32 at RATE, in faint noise."""
    voices = np.concatenate([_voice(speaker, seconds) for speaker in speakers])
    return voices + np.random.default_rng(0).normal(0, 0.003, len(voices)).astype(np.float32)


def _voice(speaker: int | None, seconds: float) -> NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    if speaker is None:
        return np.zeros(len(time), np.float32)
    vowel = (time / _VOWEL_SECONDS).astype(int) % 2
    hz = np.array(_VOWELS_HZ[speaker])[vowel]
    # The mean of a sine without its sign is 2 / pi of its peak.
    return (LEVELS[speaker] * np.pi / 2 * np.sin(2 * np.pi * hz * time)).astype(np.float32)
