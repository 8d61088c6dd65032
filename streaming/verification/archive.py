"""Vectors in a file of numpy's: a row for each stretch, so that none overwrites another."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..files import write_atomically
from .hearing import Voice
from .manifest import Entry


def write_archive(path: Path, voices: Sequence[tuple[Entry, Voice]], *, model: str) -> None:
    """Write an .npz whose arrays have a row per voice, in order; numpy.load reads it without pickles.

    vectors (n, size) float32 of unit length; path, label (n,) text; offset, duration, speech (n,) float64
    seconds, duration being what was heard and speech what of it counts; model () text.
    Raises OSError when it cannot be written.
    """
    content = io.BytesIO()
    np.savez_compressed(
        content,
        vectors=np.stack([voice.vector for _, voice in voices]),
        path=np.array([entry.path for entry, _ in voices]),
        label=np.array([entry.label for entry, _ in voices]),
        offset=np.array([entry.stretch.offset for entry, _ in voices]),
        duration=np.array([voice.duration for _, voice in voices]),
        speech=np.array([voice.speech for _, voice in voices]),
        model=np.array(model),
    )
    write_atomically(path, content.getvalue())
