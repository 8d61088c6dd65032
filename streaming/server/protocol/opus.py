"""Opus in Ogg or WebM to samples, as a browser's MediaRecorder sends it: bytes in as they come, audio out.

FFmpeg pulls where a socket pushes, so each stream has a thread in which a decoder waits for more. It never
runs ahead: what it decoded is taken before it goes on, and before more bytes are asked for.
"""

import asyncio
import contextlib
import importlib.util
import threading
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from hocket.streaming.errors import FormatError, MissingDependency

from .encoding import OPUS, OPUS_RATE
from .ends import LONGEST_GAP_SECONDS, Audio
from .messages import Missing

MOST_SILENT_BYTES = 1 << 20  # without any audio in them, before a stream counts as none
MOST_SECONDS = 3600.0  # of audio in one frame of bytes: speech is denser than this by far
PROBE_BYTES = 4096  # in which FFmpeg has to find the stream
JUMP_SECONDS = 0.1  # by which the container's clock is ahead before it is a gap
WAITING_PIECES = 8
_END = b""


class OpusStream:
    """One container, from its header on, in which one track of so many channels is Opus.

    encoding: one of OPUS. Raises MissingDependency without the extra. Close it, or its thread waits on.
    """

    def __init__(self, encoding: str, channels: int) -> None:
        if importlib.util.find_spec("av") is None:
            raise MissingDependency(f"encoding {encoding} needs the extra 'opus' at the server: hocket[opus]")
        self._format, self._channels = OPUS[encoding], channels
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Audio | Missing | Exception | None] = asyncio.Queue()
        self._room = threading.Semaphore(WAITING_PIECES)
        self._bytes_came = threading.Condition()
        self._data = b""
        self._is_at_end = self._is_closed = False
        self._position: int | None = None  # of the next sample, by the container's clock
        self._silent_bytes = 0
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="hocket-opus", daemon=True)

    async def decode(self, data: bytes) -> AsyncGenerator[Audio | Missing, None]:
        """What audio these bytes, and those before, hold. Raises FormatError for what is no such stream."""
        if not data:
            return
        self._silent_bytes += len(data)
        self._seconds = 0.0
        async for piece in self._answers_to(data):
            self._silent_bytes = 0
            yield piece
        if self._silent_bytes > MOST_SILENT_BYTES:
            raise FormatError(
                f"{self._silent_bytes} bytes of {self._format} without any audio: expected Opus"
            )

    async def finish(self) -> AsyncGenerator[Audio | Missing, None]:
        """What is left at the stream's end."""
        if self._thread.is_alive() and not self._is_at_end:
            async for piece in self._answers_to(_END):
                yield piece

    def close(self) -> None:
        """Let the thread end."""
        with self._bytes_came:
            self._is_closed = True
            self._bytes_came.notify()
        self._room.release()  # it may wait for it

    async def _answers_to(self, data: bytes) -> AsyncGenerator[Audio | Missing, None]:
        if self._is_at_end:
            raise FormatError("bytes after the end of the stream: open another connection for another stream")
        with self._bytes_came:
            self._data = data
            self._is_at_end = data == _END
            self._bytes_came.notify()
        if not self._thread.is_alive():
            self._thread.start()
        while (piece := await self._pieces.get()) is not None:
            self._room.release()
            if isinstance(piece, Exception):
                self._is_at_end = True
                raise piece
            yield piece
        self._room.release()

    # In the thread

    def read(self, size: int) -> bytes:
        """The next bytes, for FFmpeg; none at the end. Raises nothing: it would be lost on the way."""
        if not self._data and not self._is_at_end:
            with contextlib.suppress(_ClosedError):
                self._put(None)
        with self._bytes_came:
            self._bytes_came.wait_for(lambda: self._data or self._is_at_end or self._is_closed)
            taken, self._data = self._data[:size], self._data[size:]
            return _END if self._is_closed else taken

    def _put(self, piece: Audio | Missing | Exception | None) -> None:
        """Waits until there is room for it. Raises _ClosedError where nobody waits for it."""
        if not self._is_closed:
            self._room.acquire()
        if self._is_closed:
            raise _ClosedError
        try:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
        except RuntimeError:  # the loop has ended
            raise _ClosedError from None

    def _run(self) -> None:
        import av

        try:
            try:
                self._decode_all(av)
            except FormatError as error:
                self._put(error)
            except (av.error.FFmpegError, ValueError) as error:
                if not self._is_closed:
                    self._put(FormatError(f"no {self._format} stream of Opus: {str(error)[:200]}"))
            self._is_at_end = True
            self._put(None)
        except _ClosedError:
            pass

    def _decode_all(self, av: Any) -> None:
        options = {"probesize": str(PROBE_BYTES), "analyzeduration": "0"}
        with av.open(self, "r", format=self._format, options=options, buffer_size=4096) as container:
            tracks = list(container.streams)
            if len(tracks) != 1 or tracks[0].type != "audio" or tracks[0].codec_context.name not in _DECODERS:
                found = ", ".join(
                    f"{track.type} {track.codec_context.name}" for track in tracks if track.codec_context
                )
                raise FormatError(
                    f"{found or 'nothing'} in the {self._format} stream: expected one track, of Opus"
                )
            for frame in container.decode(tracks[0]):
                self._take(frame)

    def _take(self, frame: Any) -> None:
        samples = np.ascontiguousarray(frame.to_ndarray().T, np.float32)
        if samples.shape[1] != self._channels or frame.sample_rate != OPUS_RATE:
            raise FormatError(
                f"the stream has {samples.shape[1]} channels, and {self._channels} were declared: send "
                f'"channels": {samples.shape[1]}'
            )
        if frame.pts is not None:
            self._follow_clock(round(frame.pts * frame.time_base * OPUS_RATE))
        self._seconds += len(samples) / OPUS_RATE
        if self._seconds > MOST_SECONDS:
            raise FormatError(f"more than {MOST_SECONDS:g} s of audio in one frame: send it in smaller ones")
        self._position = (self._position or 0) + len(samples)
        self._put(Audio(samples))

    def _follow_clock(self, start: int) -> None:
        """Where the container's clock is ahead, something is missing."""
        if self._position is None:
            self._position = start
        missing = start - self._position
        if missing > LONGEST_GAP_SECONDS * OPUS_RATE:
            raise FormatError(
                f"the stream's clock jumps by {missing / OPUS_RATE:.0f} s: expected a day at most"
            )
        if missing > JUMP_SECONDS * OPUS_RATE:
            self._put(Missing(samples=missing, reason="not in the stream"))
            self._position = start


class _ClosedError(Exception):
    """Nobody waits for the audio any more."""


_DECODERS = ("opus", "libopus")
