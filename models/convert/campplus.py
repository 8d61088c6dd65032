"""3D-Speaker CAM++ as plain PyTorch modules, under the checkpoint's parameter names.

FCM (2-D front) → D-TDNN with context-aware masking → statistics pooling → 192 numbers.
Source: Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware
masking", Interspeech 2023. `CampPlus` is the published network; `Trunk` and `Head` are its two halves as
hocket runs them. The convolutions over time are two-dimensional with a height of 1, which both runtimes lay
out better: 1.6 of 23 ms in onnxruntime.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

NUM_BINS = 80
SEGMENT_FRAMES = 100  # a context-aware mask is constant within one segment


def _norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm2d(channels), relu=nn.ReLU()))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; `stride` halves the mel axis only."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, (stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, channels, 1, (stride, 1), bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


class FrontEnd(nn.Module):
    """(B, 80, T) features to (B, 32, 10, T): mel bins shrink eightfold, time is untouched."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(ResidualBlock(channels, 2), ResidualBlock(channels, 1))
        self.layer2 = nn.Sequential(ResidualBlock(channels, 2), ResidualBlock(channels, 1))
        self.conv2 = nn.Conv2d(channels, channels, 3, (2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(features.unsqueeze(1))))
        x = self.layer2(self.layer1(x))
        return functional.relu(self.bn2(self.conv2(x)))


class ContextMask(nn.Module):
    """A dilated convolution, masked by the averages of its whole input and of each 100-frame segment."""

    def __init__(self, channels_in: int, channels_out: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv2d(
            channels_in, channels_out, (1, 3), padding=(0, dilation), dilation=(1, dilation), bias=False
        )
        self.linear1 = nn.Conv2d(channels_in, channels_in // 2, 1)
        self.linear2 = nn.Conv2d(channels_in // 2, channels_out, 1)

    def _gate(self, context: Tensor) -> Tensor:
        return torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))

    def forward(self, x: Tensor) -> Tensor:
        # Evaluated per segment, then spread: the same numbers as spreading the context first, with a
        # hundredth of the products.
        segment = (1, SEGMENT_FRAMES)
        segments = functional.avg_pool2d(x, segment, segment, ceil_mode=True)
        gate = self._gate(x.mean(-1, keepdim=True) + segments)
        spread = gate.repeat_interleave(SEGMENT_FRAMES, dim=-1)[..., : x.shape[-1]]
        return self.linear_local(x) * spread


class SingleSegmentMask(ContextMask):
    """The same for at most 100 frames, where the only segment's mean is the mean of the whole."""

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_local(x) * self._gate(2 * x.mean(-1, keepdim=True))


class DenseLayer(nn.Module):
    """One layer of a D-TDNN block: bottleneck, then masked convolution."""

    def __init__(self, channels_in: int, growth: int, dilation: int, mask: type[ContextMask]) -> None:
        super().__init__()
        bottleneck = 4 * growth
        self.nonlinear1 = _norm_relu(channels_in)
        self.linear1 = nn.Conv2d(channels_in, bottleneck, 1, bias=False)
        self.nonlinear2 = _norm_relu(bottleneck)
        self.cam_layer = mask(bottleneck, growth, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class DenseBlock(nn.Module):
    """Densely connected layers: each appends `growth` channels to what it saw."""

    def __init__(
        self, depth: int, channels: int, growth: int, dilation: int, mask: type[ContextMask]
    ) -> None:
        super().__init__()
        for k in range(depth):
            layer = DenseLayer(channels + k * growth, growth, dilation, mask)
            self.add_module(f"tdnnd{k + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class Stem(nn.Module):
    """(B, 32, 10, T) to (B, 128, 1, ceil(T / 2)), stride 2 in time.

    The published layer flattens (32, 10) to 320 channels first. The same product with a kernel of height
    10 needs no reshape, and so no computed shapes in a package whose sizes vary.
    """

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv2d(320, 128, (1, 5), bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(128), relu=nn.ReLU()))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.linear.weight.squeeze(2).unflatten(1, (32, 10))
        x = functional.conv2d(x, kernel, stride=(1, 2), padding=(0, 2))
        # The detour over three dimensions keeps converters from folding the normalisation into the kernel:
        # the offsets would be far larger than what varies, and their rounding to fp16 1.8 % of the frames.
        return self.nonlinear(x.squeeze(2)).unsqueeze(2)


class Transition(nn.Module):
    """Halves the channels between blocks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _norm_relu(channels)
        self.linear = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.nonlinear(x))


class Projection(nn.Module):
    """(B, 1024, 1, 1) statistics to (B, 192, 1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv2d(1024, 192, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm2d(192, affine=False)))

    def forward(self, statistics: Tensor) -> Tensor:
        return self.nonlinear(self.linear(statistics))


class CampPlus(nn.Module):
    """(B, T, 80) mean-subtracted filter banks to (B, 192), not normalised.

    short: for T of at most 200 only; the masks then need no segments.
    """

    def __init__(self, *, short: bool = False) -> None:
        super().__init__()
        mask = SingleSegmentMask if short else ContextMask
        self.head = FrontEnd()
        layers: OrderedDict[str, nn.Module] = OrderedDict(tdnn=Stem())
        channels, growth = 128, 32
        for k, (depth, dilation) in enumerate(((12, 1), (24, 2), (16, 2)), start=1):
            layers[f"block{k}"] = DenseBlock(depth, channels, growth, dilation, mask)
            channels += depth * growth
            layers[f"transit{k}"] = Transition(channels)
            channels //= 2
        layers["out_nonlinear"] = _norm_relu(channels)
        layers["dense"] = Projection()
        self.xvector = nn.Sequential(layers)

    def frames(self, features: Tensor) -> Tensor:
        """(B, 512, 1, ceil(T / 2)) frame features, all at least 0."""
        return self.xvector[:-1](self.head(features.transpose(1, 2)))

    def forward(self, features: Tensor) -> Tensor:
        frames = self.frames(features)
        statistics = torch.cat([frames.mean(-1, keepdim=True), frames.std(-1, keepdim=True)], dim=1)
        return self.xvector.dense(statistics).flatten(1)


class Trunk(nn.Module):
    """(B, T, 80) features to (B, T / 2, 512) frames."""

    def __init__(self, net: CampPlus) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor) -> Tensor:
        return self.net.frames(features).squeeze(2).transpose(1, 2)


class Head(nn.Module):
    """(B, F, 512) frames and (B, F) weights to (B, 192): weighted statistics pooling, then projection.

    Frames of weight 0 count exactly nothing, so they serve as padding. The variance is unbiased for
    weights of 0 and 1; for less than two frames' weight it is divided by 1, where the correction would
    diverge. It is taken around the mean: as a difference of two means it would cancel for a steady voice.
    """

    def __init__(self, net: CampPlus) -> None:
        super().__init__()
        self.dense = net.xvector.dense

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        row = weights.unsqueeze(1)
        total = row.sum(-1, keepdim=True)
        mean = row @ frames / total.clamp(min=1e-6)
        std = (row @ (frames - mean).square() / (total - 1).clamp(min=1.0)).sqrt()
        statistics = torch.cat([mean, std], dim=-1).transpose(1, 2).unsqueeze(-1)
        return self.dense(statistics).squeeze(-1).squeeze(-1)
