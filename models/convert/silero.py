"""Silero VAD (16 kHz) as a plain PyTorch module.

Chunks of 32 ms → short-time spectrum → 4 convolutions → one LSTM step per chunk → probability of speech. The
published network takes one chunk at a time; this one takes any number, and what it remembers of them goes in
and out as numbers. Source: Silero Team, "Silero VAD", https://github.com/snakers4/silero-vad, version 6.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

CHUNK = 512
LOOKBACK = 64  # samples before a chunk that its spectrum sees
HIDDEN = 128
BINS = 129


class SileroVad(nn.Module):
    """(B, n, 576) chunks, each with 64 samples before it, and a memory (B, 256) to (B, n + 256).

    A row is the probability of speech in each chunk, then the memory for the next call; zeros begin a stream.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft = nn.Conv2d(1, 2 * BINS, (1, 256), stride=(1, 128), bias=False)
        self.encoder = nn.ModuleList(
            nn.Conv2d(before, after, (1, 3), stride=(1, stride), padding=(0, 1))
            for before, after, stride in ((BINS, HIDDEN, 1), (HIDDEN, 64, 2), (64, 64, 2), (64, HIDDEN, 1))
        )
        self.rnn = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.output = nn.Conv2d(HIDDEN, 1, 1)

    def forward(self, chunks: Tensor, memory: Tensor) -> Tensor:
        waves = functional.pad(chunks.reshape(-1, 1, LOOKBACK + CHUNK), (0, LOOKBACK), mode="reflect")
        spectra = self.stft(waves.unsqueeze(2))
        x = (spectra[:, :BINS] ** 2 + spectra[:, BINS:] ** 2).sqrt()
        for conv in self.encoder:
            x = functional.relu(conv(x))
        x = x.reshape(memory.shape[0], -1, HIDDEN)
        before = memory[None, :, :HIDDEN].contiguous(), memory[None, :, HIDDEN:].contiguous()
        x, (hidden, cell) = self.rnn(x, before)
        scores = functional.linear(functional.relu(x), self.output.weight[:, :, 0, 0], self.output.bias)
        return torch.cat([torch.sigmoid(scores).squeeze(2), hidden[0], cell[0]], dim=1)
