"""pyannote segmentation-3.0 (PyanNet) as a plain PyTorch module, under the checkpoint's parameter names.

SincNet (stride 10) → 4 bidirectional LSTMs → 2 dense layers → 7 powerset classes. Its convolutions are
two-dimensional with a height of 1, which both runtimes lay out better: 3 of 50 ms in onnxruntime.
Sources: Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023; Plaquet & Bredin,
"Powerset multi-class cross entropy loss for neural speaker diarization", Interspeech 2023; SincNet: Ravanelli
& Bengio, SLT 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

RATE = 16000
FRONT_CHANNELS = 60  # of the convolutions' last frames


class SincFilters(nn.Module):
    """The parameters of 40 band-pass filters, and the 80 kernels they stand for.

    `low_hz_` and `band_hz_` are learnt; `window_` and `n_` are half a Hamming window and half a time axis.
    """

    def __init__(self, num_bands: int = 40, half_width: int = 125) -> None:
        super().__init__()
        self.low_hz_ = nn.Parameter(torch.zeros(num_bands, 1))
        self.band_hz_ = nn.Parameter(torch.zeros(num_bands, 1))
        self.register_buffer("window_", torch.zeros(half_width))
        self.register_buffer("n_", torch.zeros(1, half_width))

    def kernels(self, min_low_hz: float = 50.0, min_band_hz: float = 50.0) -> Tensor:
        """(80, 1, 1, 251): the cosine (even) kernels of all bands, then the sine (odd) ones."""
        low = min_low_hz + self.low_hz_.abs()
        high = (low + min_band_hz + self.band_hz_.abs()).clamp(min_low_hz, RATE / 2)
        band = high - low
        low_phase, high_phase = low @ self.n_, high @ self.n_
        even = (high_phase.sin() - low_phase.sin()) / (self.n_ / 2) * self.window_
        odd = (low_phase.cos() - high_phase.cos()) / (self.n_ / 2) * self.window_
        even = torch.cat([even, 2 * band, even.flip(1)], dim=1)
        odd = torch.cat([odd, torch.zeros_like(band), -odd.flip(1)], dim=1)
        return (torch.cat([even, odd]) / (2 * torch.cat([band, band])))[:, None, None]


class SincConv(nn.Module):
    """The first convolution, whose kernels are computed from 80 numbers."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.filterbank = SincFilters()
        self.stride = stride

    def forward(self, audio: Tensor) -> Tensor:
        return functional.conv2d(audio, self.filterbank.kernels(), stride=(1, self.stride))


class SincNet(nn.Module):
    """(B, 1, N) waveform to (B, 60, frames), one frame every 270 samples, each seeing 991."""

    def __init__(self) -> None:
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm2d(1, affine=True)
        self.conv1d = nn.ModuleList(
            [SincConv(stride=10), nn.Conv2d(80, 60, (1, 5)), nn.Conv2d(60, FRONT_CHANNELS, (1, 5))]
        )
        self.norm1d = nn.ModuleList([nn.InstanceNorm2d(channels, affine=True) for channels in (80, 60, 60)])

    def forward(self, audio: Tensor) -> Tensor:
        x = self.wav_norm1d(audio.unsqueeze(2))
        for layer, (conv, norm) in enumerate(zip(self.conv1d, self.norm1d, strict=True)):
            x = conv(x)
            if layer == 0:
                x = x.abs()
            x = functional.leaky_relu(norm(functional.max_pool2d(x, (1, 3))))
        return x.squeeze(2)


class PyanNet(nn.Module):
    """(B, 1, N) waveform at 16 kHz to (B, frames, 7) raw class scores.

    The published module ends in a log-softmax. Here it is left to the host: computed in half precision it
    underflows to -inf below p = 6e-8.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sincnet = SincNet()
        self.lstm = nn.LSTM(FRONT_CHANNELS, 128, num_layers=4, batch_first=True, bidirectional=True)
        self.linear = nn.ModuleList([nn.Linear(256, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, 7)

    def forward(self, audio: Tensor) -> Tensor:
        x, _ = self.lstm(self.sincnet(audio).transpose(1, 2))
        for linear in self.linear:
            x = functional.leaky_relu(linear(x))
        return self.classifier(x)
