"""Files as people have them: every format, every rate, and damaged in every way."""

import asyncio
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.streaming.errors import AudioFileError
from hocket.streaming.sources.base import Lost
from hocket.streaming.sources.file import FileSource
from tests.sound import heard, losses_of, pieces, samples_of, tone

PCM_STEP = 2**-15
CODEC_ERROR = 0.02  # of full scale: what Vorbis, Opus and MP3 may do to a quiet sine


@pytest.mark.parametrize(
    ("name", "rate", "channels", "tolerance"),
    [
        ("telephone.wav", 8_000, 1, PCM_STEP),
        ("studio.wav", 48_000, 2, PCM_STEP),
        ("high.flac", 192_000, 1, PCM_STEP),
        ("array.flac", 44_100, 8, PCM_STEP),
        ("apple.aiff", 22_050, 1, PCM_STEP),
        ("vorbis.ogg", 44_100, 2, CODEC_ERROR),
        ("speech.opus", 48_000, 1, CODEC_ERROR),
        ("music.mp3", 44_100, 2, CODEC_ERROR),
    ],
)
def test_every_format_rate_and_channel_count_is_read(
    tmp_path: Path, name: str, rate: int, channels: int, tolerance: float
) -> None:
    samples = np.stack([tone(1.3, rate=rate)] * channels, axis=1)
    soundfile.write(tmp_path / name, samples, rate, format="OGG" if name.endswith("opus") else None,
                    subtype="OPUS" if name.endswith("opus") else None)  # fmt: skip
    source = FileSource(tmp_path / name)
    assert (source.rate_hz, source.channels, source.live) == (rate, channels, False)
    read = heard(source)
    assert len(read) == source.num_samples
    inner = slice(rate // 10, rate)
    assert np.abs(read[inner] - samples[inner]).max() <= tolerance


@pytest.mark.parametrize("name", ["stereo.mp3", "stereo.ogg", "stereo.flac"])
def test_block_by_block_is_the_same_as_whole(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, np.stack([tone(1.3, rate=44_100)] * 2, axis=1), 44_100)
    whole, _ = soundfile.read(tmp_path / name, dtype="float32")
    assert np.array_equal(heard(FileSource(tmp_path / name)), whole)


def test_fifty_milliseconds_are_a_file_too(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", tone(0.05), 16_000)
    assert len(heard(FileSource(tmp_path / "short.wav"))) == 800


def test_nan_and_infinity_pass_as_they_are(tmp_path: Path) -> None:
    samples = tone(1.0)
    samples[:3] = [np.nan, np.inf, -np.inf]
    samples[-1] = np.nan
    soundfile.write(tmp_path / "broken.wav", samples, 16_000, subtype="FLOAT")
    assert np.array_equal(heard(FileSource(tmp_path / "broken.wav"))[:, 0], samples, equal_nan=True)


def test_file_can_be_heard_twice(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "again.flac", tone(1.0), 16_000)
    source = FileSource(tmp_path / "again.flac")
    assert np.array_equal(heard(source), heard(source))


def test_truncated_flac_gives_all_that_can_be_decoded_and_tells_the_rest(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.flac", tmp_path / "cut.flac"
    soundfile.write(whole, noise := np.random.default_rng(1).uniform(-0.3, 0.3, 160_000), 16_000)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    said = asyncio.run(pieces(FileSource(cut)))
    read = samples_of(said)[:, 0]
    # 4,096 samples are a FLAC frame here: half the file holds 19 of 39, the last of them in part
    assert len(read) == 19 * 4_096
    assert np.abs(read - noise[: len(read)]).max() <= PCM_STEP
    assert losses_of(said) == [Lost(160_000 - len(read), "cut.flac is cut short at 4.86 s")]


def test_flac_damaged_in_the_middle_is_heard_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "scratched.flac"
    soundfile.write(path, noise := np.random.default_rng(1).uniform(-0.3, 0.3, 160_000), 16_000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)
    said = asyncio.run(pieces(FileSource(path)))
    (lost,) = losses_of(said)
    assert lost.num_samples == 8_000
    assert lost.reason == "scratched.flac is damaged at 4.86 s"
    before = 19 * 4_096
    read = samples_of(said)[:, 0]
    assert np.abs(read[:before] - noise[:before]).max() <= PCM_STEP
    assert np.abs(read[before:] - noise[before + 8_000 :]).max() <= PCM_STEP


def test_flac_of_undeclared_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "streamed.flac"
    soundfile.write(path, tone(10.3), 16_000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # total samples, 36 bits from here: 0 is "unknown" (FLAC format, STREAMINFO)
    data[22:26] = bytes(4)
    path.write_bytes(data)
    source = FileSource(path)
    assert source.num_samples is None
    assert np.abs(heard(source)[:, 0] - tone(10.3)).max() <= PCM_STEP


def test_truncated_wav_and_ogg_give_what_is_there(tmp_path: Path) -> None:
    for name in ("cut.wav", "cut.ogg"):
        path = tmp_path / name
        soundfile.write(path, np.random.default_rng(1).uniform(-0.3, 0.3, 160_000), 16_000)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert 2.0 < len(heard(FileSource(path))) / 16_000 < 6.0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", r"empty\.wav is empty: 0 bytes"),
        ("text.wav", b"dear diary,\n" * 40, r"text\.wav is not audio that can be read \(Format not rec"),
        ("phone.m4a", b"\0\0\0 ftypM4A " + bytes(400), "with: ffmpeg -i phone.m4a phone.converted.wav"),
        ("pcm.raw", bytes(400), r"not audio that can be read \(raw samples without a header\)"),
    ],
)  # fmt: skip
def test_what_is_not_audio_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioFileError, match=message):
        FileSource(tmp_path / name)


def test_header_without_samples_is_an_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "header.wav", [], 16_000)
    with pytest.raises(AudioFileError, match=r"header\.wav holds no audio: a header and 0 samples"):
        FileSource(tmp_path / "header.wav")


def test_missing_file_and_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"no such file: .*nowhere\.wav"):
        FileSource(tmp_path / "nowhere.wav")
    with pytest.raises(AudioFileError, match="is a folder: name the audio files in it"):
        FileSource(tmp_path)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        path = tmp_path / f"{seconds}.flac"
        soundfile.write(path, np.zeros(8_000 * seconds, np.int16), 8_000)

        async def read() -> None:
            async for _ in FileSource(path).blocks():
                pass

        tracemalloc.start()
        asyncio.run(read())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(10)  # imports and caches
    assert peak(1_200) < 1.2 * peak(60)


def test_realtime_keeps_the_pace_of_the_clock(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "pace.wav", tone(0.6), 16_000)
    source = FileSource(tmp_path / "pace.wav", realtime=True)
    started = time.monotonic()
    assert len(heard(source)) == 9_600
    assert source.live
    assert 0.6 <= time.monotonic() - started < 1.0


def test_closing_ends_a_realtime_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tone(60.0), 16_000)
    source = FileSource(tmp_path / "long.wav", realtime=True)

    async def close_soon() -> int:
        asyncio.get_running_loop().call_later(0.35, source.close)
        return len(await pieces(source))

    assert asyncio.run(close_soon()) == 3


def test_standard_input_is_read_and_leaves_in_peace() -> None:
    program = (
        "import asyncio, sys\n"
        "from hocket.streaming.sources.pcm import PcmSource\n"
        "async def main():\n"
        "    source, total = PcmSource(channels=2), 0\n"
        "    async for block in source.blocks():\n"
        "        total += len(block.samples)\n"
        "        if total >= 1600: source.close()\n"
        "    print(total)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(bytes(6_400))
        process.stdin.flush()  # and stays open: the program must end with a read still waiting
        assert process.stdout.read() == b"1600\n"
        assert process.stderr.read() == b""
        assert process.wait(10.0) == 0
