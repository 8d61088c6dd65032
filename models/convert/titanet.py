"""NVIDIA TitaNet-Large as a plain PyTorch module, under the parameter names of its .nemo archive.

Depthwise-separable convolutions over time with squeeze-and-excitation, attentive statistics pooling, one
linear layer: 192 numbers. Source: Koluguri, Park, Ginsburg, "TitaNet: Neural model for speaker representation
with 1D depth-wise separable convolutions and global context", ICASSP 2022. The convolutions over time are
two-dimensional with a height of 1, which both runtimes lay out better.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

#         channels, repeats, kernel, whether a shortcut passes it by
BLOCKS = (
    (1024, 1, 3, False),
    (1024, 3, 7, True),
    (1024, 3, 11, True),
    (1024, 3, 15, True),
    (3072, 1, 1, False),
)
ENCODER_EPSILON = 1e-3  # of batch norms; the decoder's have PyTorch's own 1e-5
MIN_VARIANCE = 1e-10
NUM_CLASSES = 16681  # speakers the published model was trained on; only its training head knows them


class MaskedConv(nn.Module):
    """A convolution over time that takes frames past the end for zeros."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels, (1, kernel), padding=(0, kernel // 2), groups=groups, bias=False
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self.conv(x if mask is None else x * mask)


class SqueezeExcite(nn.Module):
    """Channels scaled by gates made of their means over time."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(),
            nn.Linear(channels // reduction, channels, bias=False),
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        means = x.mean((-2, -1)) if mask is None else (x * mask).sum((-2, -1)) / mask.sum((-2, -1))
        return x * torch.sigmoid(self.fc(means))[..., None, None]


class Block(nn.Module):
    """Repeated separable convolutions, squeeze-and-excitation, and perhaps a shortcut beside them."""

    def __init__(self, channels_in: int, channels: int, repeats: int, kernel: int, *, shortcut: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = channels_in
        for number in range(repeats):
            if number:
                layers += [nn.ReLU(), nn.Dropout()]
            layers += [
                MaskedConv(width, width, kernel, groups=width),
                MaskedConv(width, channels),
                nn.BatchNorm2d(channels, eps=ENCODER_EPSILON),
            ]
            width = channels
        self.mconv = nn.ModuleList([*layers, SqueezeExcite(channels)])
        self.res: nn.ModuleList | None = None
        if shortcut:
            norm = nn.BatchNorm2d(channels, eps=ENCODER_EPSILON)
            self.res = nn.ModuleList([nn.ModuleList([MaskedConv(channels_in, channels), norm])])

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = _through(self.mconv, x, mask)
        if self.res is not None:
            y = y + _through(self.res[0], x, mask)
        return functional.relu(y)


def _through(layers: nn.ModuleList, x: Tensor, mask: Tensor | None) -> Tensor:
    for layer in layers:
        x = layer(x, mask) if isinstance(layer, MaskedConv | SqueezeExcite) else layer(x)
    return x


class Encoder(nn.Module):
    """(B, 80, 1, T) features to (B, 3072, 1, T) frames."""

    def __init__(self, num_bins: int = 80) -> None:
        super().__init__()
        blocks = []
        width = num_bins
        for channels, repeats, kernel, shortcut in BLOCKS:
            blocks.append(Block(width, channels, repeats, kernel, shortcut=shortcut))
            width = channels
        self.encoder = nn.Sequential(*blocks)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for block in self.encoder:
            x = block(x, mask)
        return x


class Context(nn.Module):
    """1 x 1 convolution of frames beside their mean and deviation, ReLU, batch norm.

    The kernel meets the constant part once and not in every frame: the same sums, a third of the products.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self._channels = channels
        self.conv_layer = nn.Conv2d(3 * channels, hidden, 1)
        self.bn = nn.BatchNorm2d(hidden)

    def forward(self, frames: Tensor, statistics: Tensor) -> Tensor:
        kernel = self.conv_layer.weight
        constant = functional.conv2d(statistics, kernel[:, self._channels :], self.conv_layer.bias)
        return self.bn(functional.relu(functional.conv2d(frames, kernel[:, : self._channels]) + constant))


def _statistics(frames: Tensor, shares: Tensor | None) -> Tensor:
    """(B, 2 C, 1, 1): means, then deviations, under shares that sum to 1; None for equal ones."""

    def average(x: Tensor) -> Tensor:
        return x.mean(-1, keepdim=True) if shares is None else (x * shares).sum(-1, keepdim=True)

    mean = average(frames)
    deviation = average((frames - mean).square()).clamp(min=MIN_VARIANCE).sqrt()
    return torch.cat([mean, deviation], dim=1)


class AttentivePooling(nn.Module):
    """(B, C, 1, T) frames to (B, 2 C, 1, 1): every channel attends to its own moments."""

    def __init__(self, channels: int = 3072, hidden: int = 128) -> None:
        super().__init__()
        self.attention_layer = nn.Sequential(
            Context(channels, hidden), nn.Tanh(), nn.Conv2d(hidden, channels, 1)
        )

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        context, squash, scores = self.attention_layer
        shares = None if mask is None else mask / mask.sum(-1, keepdim=True)
        attention = scores(squash(context(frames, _statistics(frames, shares))))
        if mask is not None:
            attention = attention.masked_fill(mask == 0, float("-inf"))
        return _statistics(frames, attention.softmax(-1))


class Decoder(nn.Module):
    """(B, 3072, 1, T) frames to (B, 192). `final` is the training head, which no vector passes through."""

    def __init__(self, num_classes: int, channels: int = 3072, size: int = 192) -> None:
        super().__init__()
        self._pooling = AttentivePooling(channels)
        self.emb_layers = nn.ModuleList(
            [nn.Sequential(nn.BatchNorm2d(2 * channels), nn.Conv2d(2 * channels, size, 1))]
        )
        self.final = nn.Linear(size, num_classes, bias=False)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        return self.emb_layers[0](self._pooling(frames, mask)).squeeze(-1).squeeze(-1)


class TitaNetLarge(nn.Module):
    """(B, T, 80) normalised NeMo mel features to (B, 192), not normalised.

    lengths: (B,) frames that count in each row; None where all do.
    """

    def __init__(self, num_classes: int = NUM_CLASSES) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder(num_classes)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        mask = None
        if lengths is not None:
            mask = torch.arange(features.shape[1]) < lengths[:, None, None, None]
            mask = mask.to(features.dtype)
        return self.decoder(self.encoder(features.transpose(1, 2).unsqueeze(2), mask), mask)
