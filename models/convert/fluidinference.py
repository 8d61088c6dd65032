"""The networks of FluidInference's packages, as plain PyTorch modules with the published interfaces.

They stand in for the published files where those cannot be had, and make packages of any weights that other
programs for FluidInference's models can load. Sources: conversion script of pyannote-community-1 in
FluidInference/mobius; tests that load the published files in findit-ai/diarization; pyannote.audio.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..fbank import FLOOR, Fbank
from ..plda import Plda
from .pyannet import PyanNet
from .wespeaker import FRAMES_PER_WEIGHT, ResNet, weighted_statistics

RATE = 16000
WINDOW = 10 * RATE
MASK_FRAMES = 589  # of the segmentation, in a window
ADDED = 1e-6  # to every energy in `FBank`, where Kaldi raises those below its floor to it


class LogProbabilities(nn.Module):
    """(B, 1, N) waveform to (B, frames, 7) log-probabilities of the powerset classes: `Segmentation`."""

    def __init__(self, net: PyanNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, audio: Tensor) -> Tensor:
        return self.net(audio).log_softmax(-1)


class FilterBanks(nn.Module):
    """(B, 1, N) waveform to (B, 1, 80, frames) filter banks less their mean over all frames: `FBank`.

    added: to every energy; without it energies are at least Kaldi's floor. Matters in digital silence alone.
    All of Kaldi's steps before the power are linear, so together they are one convolution.
    """

    def __init__(self, added: float = 0.0) -> None:
        super().__init__()
        self.added = added
        front_end = Fbank(window="hamming", scale=32768)
        self.step = front_end.step
        self.register_buffer("spectrum", torch.from_numpy(_spectrum_kernels(front_end)))
        bank = torch.from_numpy(front_end.bank.T.copy())
        self.register_buffer("bank", bank.unsqueeze(-1))

    def forward(self, audio: Tensor) -> Tensor:
        parts = nn.functional.conv1d(audio, self.spectrum, stride=self.step).square()
        real, imaginary = parts.chunk(2, dim=1)
        energies = nn.functional.conv1d(real + imaginary, self.bank)
        features = (energies + self.added if self.added else energies.clamp(min=float(FLOOR))).log()
        return (features - features.mean(-1, keepdim=True)).unsqueeze(1)


def _spectrum_kernels(front_end: Fbank) -> NDArray[np.float32]:
    """(2 · bins, 1, size): real, then imaginary parts of the spectrum of one frame, from its samples."""
    size, fft_size = front_end.size, front_end.fft_size
    frames = np.eye(size) - 1 / size
    shaped = frames - front_end.preemphasis * np.vstack([frames[:1], frames[:-1]])
    spectrum = np.fft.rfft(shaped * front_end.taper[:, np.newaxis], fft_size, axis=0)[: fft_size // 2]
    return np.concatenate([spectrum.real, spectrum.imag])[:, np.newaxis].astype(np.float32)


class MaskedEmbedding(nn.Module):
    """(B, 1, 80, frames) filter banks and (B, 589) weights to (B, 256) of unit length: `Embedding`.

    Weights are interpolated to the network's frames between the nearest two.
    """

    def __init__(self, resnet: ResNet, num_frames: int = 998, num_weights: int = MASK_FRAMES) -> None:
        super().__init__()
        self.resnet = resnet
        self.register_buffer("share", _interpolation(num_weights, -(-num_frames // FRAMES_PER_WEIGHT)))

    def forward(self, fbank_features: Tensor, weights: Tensor) -> Tensor:
        frames = self.resnet.frames(fbank_features.squeeze(1).transpose(1, 2))
        vectors = self.resnet.project(weighted_statistics(frames, weights @ self.share))
        return vectors / vectors.square().sum(-1, keepdim=True).sqrt()


class WaveformEmbedding(nn.Module):
    """(3, N) waveforms and (3, 589) masks to (3, 256), not normalised: `wespeaker_v2`.

    The mask of each of the network's frames is the nearest, as in pyannote.audio.
    """

    def __init__(self, resnet: ResNet, num_samples: int = WINDOW, num_masks: int = MASK_FRAMES) -> None:
        super().__init__()
        self.resnet = resnet
        self.features = FilterBanks()
        num_frames = Fbank().num_frames(num_samples)
        self.register_buffer("share", _nearest(num_masks, -(-num_frames // FRAMES_PER_WEIGHT)))

    def forward(self, waveform: Tensor, mask: Tensor) -> Tensor:
        features = self.features(waveform.unsqueeze(1)).squeeze(1)
        frames = self.resnet.frames(features.transpose(1, 2))
        return self.resnet.project(weighted_statistics(frames, mask @ self.share))


def _interpolation(sources: int, targets: int) -> Tensor:
    """(sources, targets) shares, the first and last frames of both aligned."""
    positions = np.linspace(0, sources - 1, targets)
    distances = np.abs(positions - np.arange(sources)[:, np.newaxis])
    return torch.from_numpy(np.maximum(0, 1 - distances).astype(np.float32))


def _nearest(sources: int, targets: int) -> Tensor:
    """(sources, targets) of 0 and 1: target i takes source floor(i · sources / targets)."""
    taken = np.arange(targets) * sources // targets
    return torch.from_numpy((np.arange(sources)[:, np.newaxis] == taken).astype(np.float32))


class PldaRho(nn.Module):
    """(B, 256) embeddings to (B, 128) PLDA features scaled by √phi: `PldaRho`. See hocket.models.plda."""

    def __init__(self, plda: Plda) -> None:
        super().__init__()
        size, space = plda.lda.shape
        constants = {
            "mean1": plda.mean1,
            "lda": np.sqrt(size) * plda.lda,
            "mean2": plda.mean2,
            "mu": plda.mu,
            "axes": plda.tr.T * np.sqrt(plda.phi),
        }
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(value.astype(np.float32)))
        self.length = float(np.sqrt(space))

    def forward(self, embeddings: Tensor) -> Tensor:
        projected = _unit(embeddings - self.mean1) @ self.lda
        return (self.length * _unit(projected - self.mean2) - self.mu) @ self.axes


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.square().sum(-1, keepdim=True).clamp(min=1e-12).sqrt()
