"""Audio files of any format that libsndfile reads, block by block, never whole."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioFileError
from .base import Block, Lost

if TYPE_CHECKING:
    import soundfile

BLOCK_SECONDS = 0.5
REALTIME_BLOCK_SECONDS = 0.1  # what a sound card would deliver, give or take
UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's SF_COUNT_MAX: a header written before the end was known


class FileSource:
    """One audio file, as fast as it is taken, or at the pace of the clock with `realtime`.

    A damaged file gives everything that can be decoded, and a `Lost` for each stretch of its declared length
    that cannot. Blocks are decoded in the event loop: half a second takes about a millisecond.
    Raises AudioFileError at once for a file that is missing, empty, not audio or without samples.
    """

    def __init__(self, path: str | Path, *, realtime: bool = False) -> None:
        self.path = Path(path)
        self.live = realtime
        with _open(self.path) as file:
            self.rate_hz: int = file.samplerate
            self.channels: int = file.channels
            self.num_samples: int | None = file.frames if file.frames != UNKNOWN_LENGTH else None
        if self.num_samples == 0:
            raise AudioFileError(f"{self.path} holds no audio: a header and 0 samples")
        self._closed = False

    def close(self) -> None:
        self._closed = True

    async def blocks(self) -> AsyncGenerator[Block | Lost, None]:
        loop = asyncio.get_running_loop()
        started, position = loop.time(), 0
        for piece in self.pieces():
            position += len(piece.samples) if isinstance(piece, Block) else piece.num_samples
            if self.live:
                await asyncio.sleep(started + position / self.rate_hz - loop.time())
            if self._closed:
                return
            yield piece

    def pieces(self) -> Generator[Block | Lost, None, None]:
        """What `blocks` yields, for who waits for nothing else; `close` and the clock are not heeded."""
        length = round(self.rate_hz * (REALTIME_BLOCK_SECONDS if self.live else BLOCK_SECONDS))
        position, heard, file = 0, False, _open(self.path)
        try:
            while True:
                samples, is_damaged = _read(file, length)
                position, heard = position + len(samples), heard or len(samples) > 0
                if len(samples):
                    yield Block(samples)
                if is_damaged:
                    file.close()
                    resumed = self._resume(position, length)
                    if resumed is None:
                        break
                    file, start = resumed
                    yield Lost(start - position, f"{self.path.name} is damaged at {self._seconds(position)}")
                    position = start
                elif len(samples) < length:
                    break
        finally:
            file.close()
        if not heard:
            raise AudioFileError(f"{self.path} is damaged: none of its audio can be decoded")
        missing = (self.num_samples or 0) - position
        if missing > 0:
            yield Lost(missing, f"{self.path.name} is cut short at {self._seconds(position)}")

    def _resume(self, position: int, step: int) -> "tuple[soundfile.SoundFile, int] | None":
        """The file reopened beyond the damage at `position`, looked for in growing steps; None at its end."""
        import soundfile

        while position + step < (self.num_samples or 0):
            file = _open(self.path)
            try:
                file.seek(position + step)
            except soundfile.LibsndfileError:
                file.close()
                step *= 2
            else:
                return file, position + step
        return None

    def _seconds(self, position: int) -> str:
        return f"{position / self.rate_hz:.2f} s"


def _open(path: Path) -> "soundfile.SoundFile":
    import soundfile

    try:
        with path.open("rb") as content:
            is_empty = not content.read(1)
    except FileNotFoundError:
        raise AudioFileError(f"no such file: {path}") from None
    except IsADirectoryError:
        raise AudioFileError(f"{path} is a folder: name the audio files in it") from None
    except OSError as error:
        raise AudioFileError(f"{path} cannot be opened: {error.strerror}") from None
    if is_empty:
        raise AudioFileError(f"{path} is empty: 0 bytes")
    try:
        file = soundfile.SoundFile(path)
        # soundfile seeks to where it is after every read of a seekable file, and libsndfile then misplaces
        # the blocks of an MP3 file and fails at the end of a FLAC file of undeclared length
        file.seekable = lambda: False
        return file
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    except TypeError:  # soundfile wants to be told the rate of a file called .raw
        reason = "raw samples without a header"
    raise AudioFileError(
        f"{path} is not audio that can be read ({reason}): expected wav, flac, ogg, opus, mp3, aiff, au "
        f"or caf; others convert with: ffmpeg -i {path.name} {path.stem}.converted.wav"
    )


def _read(file: "soundfile.SoundFile", length: int) -> tuple[NDArray[np.float32], bool]:
    """Up to `length` samples, (n, channels) float32, and whether the file is damaged after them."""
    import soundfile

    samples = np.full((length, file.channels), np.nan, np.float32)
    try:
        return file.read(out=samples), False
    except soundfile.LibsndfileError:
        # what could be decoded before the damage is there; only the count went with the exception
        filled = np.flatnonzero(~np.isnan(samples[:, 0]))
        return samples[: filled[-1] + 1 if len(filled) else 0], True
