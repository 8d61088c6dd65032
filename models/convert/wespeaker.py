"""WeSpeaker ResNet34 as a plain PyTorch module, under the checkpoint's parameter names.

A two-dimensional residual network over mel bins and time, statistics pooling, one linear layer: 256 numbers.
Sources: Wang et al., "Wespeaker: A research and production oriented speaker embedding learning toolkit",
ICASSP 2023; pooling with weights as pyannote.audio has it, epsilons included.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = ((32, 3, 1), (64, 4, 2), (128, 6, 2), (256, 3, 2))  # channels, blocks, stride of the first
NUM_ROWS = 10  # 80 mel bins, halved three times
NUM_CHANNELS = STAGES[-1][0] * NUM_ROWS  # of one frame
FRAMES_PER_WEIGHT = 8
EPSILON = 1e-8  # needs single precision: in half it is 0, and an empty mask gives NaN


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


def weighted_statistics(frames: Tensor, weights: Tensor) -> Tensor:
    """(B, 512, 10, 1): means, then standard deviations, of (B, 256, 10, F) frames under (B, F) weights.

    The variance is unbiased for weights of 0 and 1.
    """
    column = weights[:, None, :, None]
    total = weights.sum(-1)[:, None, None, None] + EPSILON
    mean = frames @ column / total
    squares = (frames - mean).square() @ column
    count = total - weights.square().sum(-1)[:, None, None, None] / total + EPSILON
    return torch.cat([mean, (squares / count).sqrt()], dim=1)


class ResNet(nn.Module):
    """The network proper; see WeSpeakerResNet34."""

    def __init__(self) -> None:
        super().__init__()
        channels = STAGES[0][0]
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        for number, (channels_out, depth, stride) in enumerate(STAGES, start=1):
            first = Block(channels, channels_out, stride)
            rest = (Block(channels_out, channels_out, 1) for _ in range(depth - 1))
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            channels = channels_out
        self.seg_1 = nn.Linear(2 * channels * NUM_ROWS, 256)

    def frames(self, features: Tensor) -> Tensor:
        """(B, 256, 10, ceil(T / 8)), all at least 0."""
        x = functional.relu(self.bn1(self.conv1(features.transpose(1, 2).unsqueeze(1))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def project(self, statistics: Tensor) -> Tensor:
        """(B, 512, 10, 1) statistics to (B, 256).

        The published layer flattens them first. The same product with a kernel of height 10 needs no
        reshape, and so no computed shapes in a package whose sizes vary.
        """
        kernel = self.seg_1.weight.unflatten(1, (-1, NUM_ROWS)).unsqueeze(-1)
        return functional.conv2d(statistics, kernel, self.seg_1.bias).squeeze(-1).squeeze(-1)


class Trunk(nn.Module):
    """(B, T, 80) mean-subtracted filter banks to (B, ceil(T / 8), 2560) frames."""

    def __init__(self, net: "WeSpeakerResNet34") -> None:
        super().__init__()
        self.resnet = net.resnet

    def forward(self, features: Tensor) -> Tensor:
        return self.resnet.frames(features).flatten(1, 2).transpose(1, 2)


class Head(nn.Module):
    """(B, F, 2560) frames and (B, F) weights to (B, 256): `weighted_statistics`, then projection.

    Frames of weight 0 count exactly nothing, so they serve as padding.
    """

    def __init__(self, net: "WeSpeakerResNet34") -> None:
        super().__init__()
        self.seg_1 = net.resnet.seg_1

    def forward(self, frames: Tensor, weights: Tensor) -> Tensor:
        row = weights.unsqueeze(1)
        total = row.sum(-1, keepdim=True) + EPSILON
        mean = row @ frames / total
        squares = row @ (frames - mean).square()
        count = total - row.square().sum(-1, keepdim=True) / total + EPSILON
        return self.seg_1(torch.cat([mean, (squares / count).sqrt()], dim=-1)).squeeze(1)


class WeSpeakerResNet34(nn.Module):
    """(B, T, 80) mean-subtracted filter banks and (B, ceil(T / 8)) weights to (B, 256), not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet()

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        return self.resnet.project(weighted_statistics(self.resnet.frames(features), weights))
