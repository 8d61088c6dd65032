"""Opus in Ogg and WebM, as browsers record it, through the service."""

import asyncio
import contextlib
import io
import random
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import connect

from hocket.streaming.errors import FormatError
from hocket.streaming.events import Gap
from hocket.streaming.server.protocol import opus
from hocket.streaming.server.protocol.ends import Audio
from hocket.streaming.server.protocol.messages import Missing
from hocket.streaming.server.protocol.opus import OpusStream
from tests.damage import damaged
from tests.recorder import CONTAINERS, RATE, recorded
from tests.served import service
from tests.sound import tone
from tests.talking import closed, followed, heard, run, said

SOUND = np.stack([tone(3.0, rate=RATE)], axis=1) * np.float32(0.5)
BOTH = np.concatenate([SOUND, -SOUND], axis=1)


async def decoded(encoding: str, data: bytes, step: int, channels: int = 1) -> list[Audio | Missing]:
    stream, pieces = OpusStream(encoding, channels), list[Audio | Missing]()
    try:
        for start in range(0, len(data), step):
            pieces += [piece async for piece in stream.decode(data[start : start + step])]
        pieces += [piece async for piece in stream.finish()]
    finally:
        stream.close()
    return pieces


@pytest.mark.parametrize("encoding", CONTAINERS)
def test_what_was_recorded_comes_out_however_it_was_cut(encoding: str) -> None:
    async def test() -> None:
        data = recorded(BOTH, encoding)
        for step in (61, 1000, len(data)):
            pieces = await decoded(encoding, data, step, channels=2)
            samples = np.concatenate([piece.samples for piece in pieces if isinstance(piece, Audio)])
            assert samples.shape == BOTH.shape
            assert np.corrcoef(samples[:, 0], BOTH[:, 0])[0, 1] > 0.999
            assert np.corrcoef(samples[:, 0], samples[:, 1])[0, 1] < -0.99

    run(test())


def test_what_the_recorder_left_out_is_a_gap() -> None:
    async def test() -> None:
        pieces = await decoded("webm_opus", recorded(SOUND, "webm_opus", silent=(RATE, 2 * RATE)), 500)
        [gap] = [piece for piece in pieces if isinstance(piece, Missing)]
        assert gap.samples == pytest.approx(RATE, abs=RATE // 50)
        total = sum(len(piece.samples) for piece in pieces if isinstance(piece, Audio)) + gap.samples
        assert total == pytest.approx(len(SOUND), abs=RATE // 50)

    run(test())


@pytest.mark.parametrize("encoding", CONTAINERS)
def test_a_recording_goes_through_a_session_and_on_after_a_lost_connection(
    tmp_path: Path, encoding: str
) -> None:
    start = {"type": "start", "encoding": encoding, "sample_rate": RATE}

    async def test() -> None:
        data = recorded(SOUND, encoding)
        async with service(tmp_path) as url:
            audio = f"{url}/v1/sessions/page/audio"
            async with connect(audio, proxy=None) as first:
                await said(first, **start)
                token = (await heard(first, "started"))["token"]
                for at in range(0, len(data), 700):
                    await first.send(data[at : at + 700])
                await said(first, type="finalize", id="so far")
                there = (await heard(first, "finalized"))["sample"]
                assert there == pytest.approx(len(SOUND), abs=RATE // 5)
                first.transport.abort()
            async with connect(audio, proxy=None) as second:
                # a fresh stream: half a second of it was never recorded
                await said(second, **start, resume={"token": token, "sample": 4 * RATE})
                assert (await heard(second, "started"))["sample"] == 4 * RATE
                await second.send(data)
                await said(second, type="stop")
                messages, code, _ = await closed(second)
                assert code == 1000
                assert messages[-1]["sample"] == 4 * RATE + len(SOUND)
            events = await followed(url, "page")
            assert [event.end for event in events if isinstance(event, Gap)] == [4.0]

    run(test())


def vorbis() -> bytes:
    out = io.BytesIO()
    soundfile.write(out, SOUND, RATE, format="OGG", subtype="VORBIS")
    return out.getvalue()


WEBM = {"encoding": "webm_opus", "sample_rate": RATE}
SLOW = {"encoding": "ogg_opus", "sample_rate": 16_000}


@pytest.mark.parametrize(
    ("start", "data", "message"),
    [
        (SLOW, b"", "sample_rate 16000: Opus comes out at 48000, send that"),
        (WEBM, recorded(BOTH, "webm_opus"), "the stream has 2 channels, and 1 were declared: send "),
        (WEBM, recorded(SOUND, "ogg_opus"), "no matroska stream of Opus"),
        (WEBM, b"\0" * 50_000, "no matroska stream of Opus"),
        (WEBM | {"encoding": "ogg_opus"}, vorbis(), "audio vorbis in the ogg stream: expected one track"),
        ({"sample_rate": RATE}, recorded(SOUND, "webm_opus"), "this looks like a WebM or Matroska file"),
    ],
)
def test_what_is_no_such_stream_is_refused_with_what_to_send(
    tmp_path: Path, start: dict[str, object], data: bytes, message: str
) -> None:
    async def test() -> None:
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/page/audio", proxy=None) as socket,
        ):
            await said(socket, type="start", **start)
            for at in range(0, len(data), 20_000):
                await socket.send(data[at : at + 20_000])
            await said(socket, type="stop")
            messages, code, reason = await closed(socket)
            assert (code, reason) == (4400, messages[-1]["code"])
            assert messages[-1]["message"].startswith(message)

    run(test())


@pytest.mark.parametrize("encoding", CONTAINERS)
def test_damaged_streams_are_refused_or_heard_and_leave_no_thread(encoding: str) -> None:
    async def test() -> None:
        sound = recorded(SOUND[: RATE // 2], encoding)
        for seed in range(150):
            rng = random.Random(seed)
            data = damaged(sound, rng)
            if rng.random() < 0.3:
                data += rng.randbytes(2000)
            with contextlib.suppress(FormatError):
                await decoded(encoding, data, rng.choice((100, 997, len(data))))
        async with asyncio.timeout(5):
            while "hocket-opus" in {thread.name for thread in threading.enumerate()}:
                await asyncio.sleep(0.01)

    run(test())


def test_bytes_without_audio_and_audio_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(opus, "MOST_SILENT_BYTES", 1000)
        void = recorded(SOUND, "webm_opus")[:40] + b"\xec\x01" + (1 << 40).to_bytes(7, "big") + b"\0" * 5000
        with pytest.raises(FormatError, match=r"without any audio|no matroska stream"):
            await decoded("webm_opus", void, 500)
        monkeypatch.setattr(opus, "MOST_SILENT_BYTES", 1 << 20)
        monkeypatch.setattr(opus, "MOST_SECONDS", 1.0)
        with pytest.raises(FormatError, match="more than 1 s of audio in one frame"):
            await decoded("ogg_opus", recorded(SOUND, "ogg_opus"), 1 << 20)

    run(test())
