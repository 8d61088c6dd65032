"""Binary frames to samples: four encodings, frames cut anywhere. Opus comes in containers: see `opus`."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket.streaming.errors import ConfigError

Samples = NDArray[np.float32]

ALIASES = {"linear16": "pcm_s16le", "pcm_mulaw": "mulaw", "ulaw": "mulaw", "pcm_alaw": "alaw"}
OPUS = {"ogg_opus": "ogg", "webm_opus": "matroska"}  # by what FFmpeg calls the container
OPUS_RATE = 48_000  # at which Opus is always decoded
HEAD = 36  # bytes of a stream that are looked at: a WAV file says by then what it holds
CONTAINERS = {
    b"RIFF": "a WAV file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"\x1aE\xdf\xa3": "a WebM or Matroska file",
    b"ID3": "an MP3 file",
    b"FORM": "an AIFF file",
}
LONGEST_MAGIC = max(map(len, CONTAINERS))


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
    if found not in DTYPES and found not in OPUS:
        raise ConfigError(f"encoding {name[:40]!r}: expected one of {', '.join([*DTYPES, *OPUS])}")
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


def container_of(head: bytes) -> str | None:
    """What kind of file begins like this and what to do about it, None where it is none that is known."""
    kind = next((kind for magic, kind in CONTAINERS.items() if head.startswith(magic)), None)
    match kind:
        case "a WAV file":
            return f"a WAV file{_wav_format(head)}: send the samples alone, from after its header"
        case "an Ogg file" | "a WebM or Matroska file":
            encoding = "ogg_opus" if kind == "an Ogg file" else "webm_opus"
            return f"{kind}: declare encoding {encoding} if that is Opus, else send the samples alone"
        case str():
            return f"{kind}: send the samples alone, decoded"
    return None


def _wav_format(head: bytes) -> str:
    """What a WAV file says of itself, where its first chunk does."""
    if len(head) < HEAD or head[8:16] != b"WAVEfmt ":
        return ""
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", head[20:36])
    kind = {1: f"{bits}-bit integers", 3: f"{bits}-bit floats", 6: "alaw", 7: "mulaw"}.get(
        code, f"format {code}"
    )
    return f" of {kind}, sample_rate {rate}, channels {channels}"
