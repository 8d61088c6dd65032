"""The package that hocket makes of Silero VAD."""

import numpy as np

from .checkpoint import StateDict
from .package import Input
from .part import Part, Probe, load_strictly
from .probe import RATE, conversation
from .silero import CHUNK, HIDDEN, LOOKBACK, SileroVad

MOST_CHUNKS = 64  # in one call: 2 s
MOST_ROWS = 64

_NAMES = {
    "model.stft.forward_basis_buffer": "stft.weight",
    **{
        f"model.encoder.{layer}.reparam_conv.{kind}": f"encoder.{layer}.{kind}"
        for layer in range(4)
        for kind in ("weight", "bias")
    },
    # The published cell takes one step; here a layer takes many, and numbers its parameters.
    **{
        f"model.decoder.rnn.{kind}_{gates}": f"rnn.{kind}_{gates}_l0"
        for kind in ("weight", "bias")
        for gates in ("ih", "hh")
    },
    "model.decoder.decoder.2.weight": "output.weight",
    "model.decoder.decoder.2.bias": "output.bias",
}


def detector_parts(name: str, state: StateDict) -> list[Part]:
    """The one package of a Silero VAD checkpoint. Raises ModelError for parameters that do not fit."""
    renamed = {_NAMES.get(key, key): value for key, value in state.items()}
    width = LOOKBACK + CHUNK
    return [
        Part(
            name="silero-vad",
            net=load_strictly(SileroVad(), name, renamed),
            inputs=(
                Input("chunks", (1, 16, width), ranges=((1, MOST_ROWS), (1, MOST_CHUNKS), (width, width))),
                Input("memory", (1, 2 * HIDDEN), ranges=((1, MOST_ROWS), (2 * HIDDEN, 2 * HIDDEN))),
            ),
            output="heard",
            probe=_probe,
            description="Speech or not, every 32 ms of 16 kHz mono audio, and a memory to go on from.",
            author="Silero Team; converted by hocket",
            license_name="MIT, Copyright (c) 2020-present Silero Team",
            precision="fp32",  # what it remembers goes round for hours, and it is small
        )
    ]


def _probe() -> Probe:
    """Two streams: one at its beginning, one in the middle of something."""
    audio = np.pad(conversation(2 * RATE), (LOOKBACK, 0))
    chunks = np.lib.stride_tricks.sliding_window_view(audio, LOOKBACK + CHUNK)[::CHUNK][:48]
    memory = np.zeros((2, 2 * HIDDEN), np.float32)
    memory[1] = 0.5 * np.sin(np.arange(2 * HIDDEN))
    return {"chunks": np.ascontiguousarray(chunks.reshape(2, 24, -1)), "memory": memory}
