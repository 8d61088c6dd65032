"""Sounds to test with, and sources read to their end."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.sources.base import Block, Lost, Source

Samples = NDArray[np.float32]


def tone(seconds: float, *, rate: int = 16_000, frequency: float = 440.0, level: float = 0.25) -> Samples:
    """A sine, (n,) float32."""
    times = np.arange(round(rate * seconds)) / rate
    return (level * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


async def pieces(source: Source) -> list[Block | Lost]:
    """Everything that a source says."""
    return [piece async for piece in source.blocks()]


def heard(source: Source) -> Samples:
    """Everything that a source that loses nothing gives, (n, channels)."""
    said = asyncio.run(pieces(source))
    assert not [piece for piece in said if isinstance(piece, Lost)]
    return samples_of(said)


def samples_of(said: list[Block | Lost]) -> Samples:
    """The audio among what a source said, (n, channels)."""
    return np.concatenate([piece.samples for piece in said if isinstance(piece, Block)])


def losses_of(said: list[Block | Lost]) -> list[Lost]:
    return [piece for piece in said if isinstance(piece, Lost)]
