"""Binary frames to samples: four encodings, frames cut anywhere."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import ConfigError

Samples = NDArray[np.float32]

ALIASES = {"linear16": "pcm_s16le", "pcm_mulaw": "mulaw", "ulaw": "mulaw", "pcm_alaw": "alaw"}
CONTAINERS = {
    b"RIFF": "a WAV file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file",
    b"ID3": "an MP3 file",
    b"FORM": "an AIFF file",
}


def _mulaw_table() -> Samples:
    """ITU-T G.711, µ-law: 256 codes to 14-bit values, here full scale ±1."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 132 << ((code & 0x70) >> 4).astype(np.int32)) - 132
    return (np.where(code & 0x80, -magnitude, magnitude) / 32_768).astype(np.float32)


def _alaw_table() -> Samples:
    """ITU-T G.711, A-law: 256 codes to 13-bit values, here full scale ±1."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code & 0x70) >> 4).astype(np.int32)
    mantissa = ((code & 0x0F).astype(np.int32) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 256) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) / 32_768).astype(np.float32)


TABLES = {"mulaw": _mulaw_table(), "alaw": _alaw_table()}
DTYPES: dict[str, np.dtype[Any]] = {
    "pcm_s16le": np.dtype("<i2"),
    "pcm_f32le": np.dtype("<f4"),
    **dict.fromkeys(TABLES, np.dtype("u1")),
}


def encoding_named(name: str) -> str:
    """The encoding of that name, or of which it is an alias. Raises ConfigError."""
    found = ALIASES.get(name, name)
    if found not in DTYPES:
        raise ConfigError(f"encoding {name[:40]!r}: expected one of {', '.join(DTYPES)}")
    return found


class Decoder:
    """Interleaved samples of one encoding; one that straddles two frames is kept until it is whole."""

    def __init__(self, encoding: str, channels: int) -> None:
        self._dtype = DTYPES[encoding]
        self._table = TABLES.get(encoding)
        self._channels = channels
        self._rest = b""

    def decode(self, data: bytes) -> Samples:
        """Samples (n, channels) float32, full scale ±1, of all that is whole."""
        data = self._rest + data
        whole = len(data) - len(data) % (self._dtype.itemsize * self._channels)
        self._rest = data[whole:]
        codes = np.frombuffer(data[:whole], self._dtype).reshape(-1, self._channels)
        if self._table is not None:
            samples: Samples = self._table[codes]
        else:
            samples = codes.astype(np.float32)
        return samples / np.float32(32_768) if codes.dtype.kind == "i" else samples


def container_of(data: bytes) -> str | None:
    """What kind of file begins like this, None where it is none that is known."""
    return next((kind for magic, kind in CONTAINERS.items() if data.startswith(magic)), None)
