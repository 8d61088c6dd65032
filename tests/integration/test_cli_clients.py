"""hocket publish and hocket subscribe at a service, as typed."""

import asyncio
import sys
from pathlib import Path

import numpy as np
import soundfile
from websockets.asyncio.client import connect

from tests.served import RATE, Babble, service
from tests.talking import START, closed, run, said

LEFT, RIGHT = Babble(1, 4), Babble(2, 4)


async def hocket(*arguments: str) -> tuple[int | None, str, str]:
    program = "from hocket.streaming.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def test_channels_are_published_apart_and_followed(tmp_path: Path) -> None:
    recording = tmp_path / "both.wav"
    soundfile.write(recording, np.stack([LEFT.samples, RIGHT.samples], axis=1), RATE, subtype="PCM_16")

    async def test() -> None:
        async with service(tmp_path / "sessions") as url:
            code, _, err = await hocket(
                "publish", str(recording), url, "--session", "call", "--channel", "separate"
            )
            assert code == 0, err
            assert "session call: 4.0 s heard" in err
            code, out, _ = await hocket("subscribe", url, "--session", "call.2", "--jsonl")
            assert code == 0
            assert len(out.splitlines()) == len(RIGHT.said("call.2"))
            code, _, err = await hocket("publish", str(recording), url, "--channel", "left")
            assert code == 2
            assert "expected a number from 0, or separate" in err

    run(test())


def test_words_are_followed_as_captions(tmp_path: Path) -> None:
    words = [{"text": f"word{n}", "start": n / 2, "end": n / 2 + 0.4} for n in range(6)]

    async def test() -> None:
        async with (
            service(tmp_path) as url,
            connect(f"{url}/v1/sessions/room/audio", proxy=None) as producer,
        ):
            await said(producer, **START)
            await producer.send(LEFT.pcm())
            await said(producer, type="words", words=words)
            await said(producer, type="stop")
            await closed(producer)
            code, out, err = await hocket("subscribe", url, "--session", "room", "--vtt")
            assert code == 0, err
            assert out.startswith("WEBVTT")
            assert all(word["text"] in out for word in words)

    run(test())
