"""Raw PCM from standard input or any other stream of bytes."""

import sys
import threading
import time
from collections.abc import AsyncGenerator
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioFileError, ConfigError
from .base import Block, Lost
from .inbox import Inbox

Encoding = Literal["s16le", "f32le"]
DTYPES: dict[str, np.dtype[np.int16] | np.dtype[np.float32]] = {
    "s16le": np.dtype("<i2"),
    "f32le": np.dtype("<f4"),
}
BLOCK_SECONDS = 0.5
WAITING_BLOCKS = 4
IDLE_SECONDS = 0.01
FULL_SCALE = 32_768


class PcmSource:
    """Interleaved samples without a header; a sample may straddle two reads.

    stream: opened for bytes; standard input when None. Its reads may block: a thread of its own makes them.
    live: whether to drop audio when the engine falls behind, instead of letting the writer wait.
    Raises ConfigError for an unknown encoding, AudioFileError when standard input is a terminal, when a read
    fails or when nothing arrives at all.
    """

    num_samples: int | None = None

    def __init__(
        self,
        stream: BinaryIO | None = None,
        *,
        rate_hz: int = 16_000,
        channels: int = 1,
        encoding: Encoding = "s16le",
        live: bool = False,
    ) -> None:
        if encoding not in DTYPES:
            raise ConfigError(f"PCM encoding {encoding!r}: expected one of {', '.join(DTYPES)}")
        self.rate_hz = rate_hz
        self.channels = channels
        self.live = live
        self._dtype = DTYPES[encoding]
        self._stream = stream if stream is not None else _standard_input()
        self._inbox: Inbox[bytes | OSError] = Inbox(WAITING_BLOCKS)

    def close(self) -> None:
        self._inbox.close()

    async def blocks(self) -> AsyncGenerator[Block | Lost, None]:
        # a daemon, since nothing can interrupt a read from a pipe that stays silent
        threading.Thread(target=self._pass_on, name="hocket-pcm", daemon=True).start()
        sample_bytes = self._dtype.itemsize * self.channels
        heard, rest = 0, b""
        while data := await self._inbox.get():
            if isinstance(data, OSError):
                raise AudioFileError(f"reading raw audio failed: {data.strerror or data}") from data
            data, heard = rest + data, heard + len(data)
            whole = len(data) // sample_bytes * sample_bytes
            rest = data[whole:]
            if whole:
                yield Block(self._decoded(data[:whole]))
        if rest:
            yield Lost(0, f"raw audio ended {sample_bytes - len(rest)} bytes short of a whole sample")
        if data == b"" and not heard:
            raise AudioFileError("no raw audio arrived: the program that should write it may have failed")

    def _pass_on(self) -> None:
        """Reads until the stream ends (an empty item), fails (the error) or `close` is called."""
        read = getattr(self._stream, "read1", self._stream.read)  # what is there now, where there is a choice
        block_bytes = round(BLOCK_SECONDS * self.rate_hz) * self.channels * self._dtype.itemsize
        while True:
            try:
                data = read(block_bytes)
            except OSError as error:
                self._inbox.put(error)
                return
            if data is None:  # a stream that does not block has nothing yet
                time.sleep(IDLE_SECONDS)
            elif not self._inbox.put(data) or not data:
                return

    def _decoded(self, data: bytes) -> NDArray[np.float32]:
        samples = np.frombuffer(data, self._dtype).reshape(-1, self.channels)
        if samples.dtype.kind == "i":
            return samples.astype(np.float32) / np.float32(FULL_SCALE)
        return samples.astype(np.float32)


def _standard_input() -> BinaryIO:
    """Standard input without Python's buffer: a thread that waits in there would crash the program's end."""
    if sys.stdin is None or sys.stdin.isatty():
        raise AudioFileError(
            "standard input is a terminal: pipe raw samples into it, for instance from: "
            "ffmpeg -i meeting.m4a -f s16le -ac 1 -ar 16000 -"
        )
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
