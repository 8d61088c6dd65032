import asyncio
import io
import os
import threading
from typing import BinaryIO

import numpy as np
import pytest

from hocket.streaming.errors import AudioFileError, ConfigError
from hocket.streaming.sources.base import Lost
from hocket.streaming.sources.pcm import PcmSource
from tests.sound import heard, losses_of, pieces, samples_of, tone


class Dribble(io.RawIOBase):
    """A stream whose reads end anywhere, also inside a sample; None where nothing is there yet."""

    def __init__(self, data: bytes, lengths: list[int]) -> None:
        self._data, self._lengths = data, lengths

    def read(self, size: int = -1) -> bytes | None:
        length = self._lengths[0]
        self._lengths.append(self._lengths.pop(0))
        taken, self._data = self._data[: abs(length)], self._data[abs(length) :]
        return taken if length else None


def test_samples_straddle_reads() -> None:
    samples = (tone(1.0) * 32_768).astype("<i2")
    stream: BinaryIO = Dribble(samples.tobytes(), [1, 3, 0, 501, 2])  # type: ignore[assignment]
    assert np.array_equal(heard(PcmSource(stream))[:, 0] * 32_768, samples)


def test_floats_and_channels_are_read_as_declared() -> None:
    samples = np.stack([tone(0.7), tone(0.7, frequency=1_000)], axis=1)
    source = PcmSource(io.BytesIO(samples.astype("<f4").tobytes()), channels=2, encoding="f32le")
    assert np.array_equal(heard(source), samples)


def test_half_a_sample_at_the_end_is_told() -> None:
    said = asyncio.run(pieces(PcmSource(io.BytesIO(b"\0" * 7), channels=2)))
    assert losses_of(said) == [Lost(0, "raw audio ended 1 bytes short of a whole sample")]
    assert len(samples_of(said)) == 1


def test_pipe_is_read_as_it_is_written() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as stream, open(writing, "wb", buffering=0) as pipe:  # noqa: PTH123

        async def first_block() -> int:
            source = PcmSource(stream, live=True)
            blocks = source.blocks()
            pipe.write(b"\0" * 640)
            block = await anext(blocks)
            assert not isinstance(block, Lost)
            source.close()
            pipe.write(b"\0")  # lets the reading thread go
            await blocks.aclose()
            return len(block.samples)

        assert asyncio.run(first_block()) == 320
        for thread in threading.enumerate():
            if thread.name == "hocket-pcm":
                thread.join(5.0)


def test_closing_ends_a_source_whose_writer_is_silent() -> None:
    reading, writing = os.pipe()
    stream = open(reading, "rb", buffering=0)  # noqa: PTH123, SIM115

    async def wait_and_close() -> list[object]:
        source = PcmSource(stream)
        asyncio.get_running_loop().call_later(0.05, source.close)
        return list(await pieces(source))

    assert asyncio.run(wait_and_close()) == []
    os.close(writing)
    for thread in threading.enumerate():
        if thread.name == "hocket-pcm":
            thread.join(5.0)
    stream.close()


def test_stream_without_a_sample_is_an_error() -> None:
    with pytest.raises(AudioFileError, match="no raw audio arrived: the program that should write it may"):
        heard(PcmSource(io.BytesIO(b"")))


def test_failing_read_is_an_error() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    stream: BinaryIO = Broken()  # type: ignore[assignment]
    with pytest.raises(AudioFileError, match="reading raw audio failed: Input/output error"):
        heard(PcmSource(stream))


def test_unknown_encoding_is_refused() -> None:
    with pytest.raises(ConfigError, match="PCM encoding 's24le': expected one of s16le, f32le"):
        PcmSource(io.BytesIO(b""), encoding="s24le")  # type: ignore[arg-type]


def test_terminal_as_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(AudioFileError, match="standard input is a terminal: pipe raw samples into it"):
        PcmSource()
