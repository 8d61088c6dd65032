"""Server, producer and subscriber killed at any moment: nothing is lost, doubled or renumbered."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import socket
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from hocket.streaming.events import Event
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.sessions import hosted
from tests.served import Babble, service

KILLS = int(os.environ.get("HOCKET_KILLS", "50"))
ALIVE_SECONDS = (0.1, 0.4)  # between two kills
PACE = 0.04  # of the clock: a second of audio takes so many
AUDIO_SECONDS = 20 + KILLS * ALIVE_SECONDS[1] / PACE  # lasts longer than the killing


def serve(folder: Path, port: int) -> None:
    hosted.SNAPSHOT_SECONDS = 5.0  # more of them to die between, and less to hear again after a death

    async def run() -> None:
        async with service(folder, Door(port=port)):
            await asyncio.Event().wait()

    asyncio.run(run())


def produce(url: str, session: str, seed: int, kept: Path) -> None:
    """As `hocket publish --resume` does: the token is kept, and the same again goes on."""
    token = kept.read_text() if kept.exists() else None
    publisher = Publisher(url, session, resume=token or None, on_started=keeper(kept))
    asyncio.run(publisher.run(Babble(seed, AUDIO_SECONDS, pace=PACE)))
    kept.with_suffix(".done").touch()


def keeper(kept: Path) -> Callable[[str], None]:
    def keep(token: str) -> None:
        kept.with_suffix(".new").write_text(token)
        kept.with_suffix(".new").replace(kept)

    return keep


def follow(url: str, session: str, seen: Path) -> None:
    """Writes events down as they come; the same again goes on after the last whole line."""
    lines = seen.read_bytes().split(b"\n")[:-1] if seen.exists() else []
    seen.write_bytes(b"".join(line + b"\n" for line in lines))

    async def run() -> None:
        with seen.open("a") as file:
            async for event in Subscriber(url, session, from_seq=len(lines) + 1).events():
                file.write(json.dumps(event.to_dict()) + "\n")
                file.flush()

    if not lines or b"session.end" not in lines[-1]:
        asyncio.run(run())


class Victim:
    """A process that is started again after each of its deaths."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self._target, self._arguments = target, arguments
        self._process: ForkServerProcess | None = None
        self.start()

    def start(self) -> None:
        # forked from a process that has everything imported: 50 interpreters would take minutes
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._process = context.Process(target=self._target, args=self._arguments, daemon=True)
        self._process.start()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.join()

    def wait(self, seconds: float) -> None:
        assert self._process is not None
        self._process.join(seconds)
        assert self._process.exitcode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_renumbered(tmp_path: Path) -> None:
    chance, port = random.Random(KILLS), free_port()
    url, sessions = f"ws://127.0.0.1:{port}", {"hall": 5, "room": 6}
    server = Victim(serve, tmp_path / "data", port)
    victims = [server]
    for name, seed in sessions.items():
        victims.append(Victim(produce, url, name, seed, tmp_path / f"{name}.token"))
        victims.append(Victim(follow, url, name, tmp_path / f"{name}.jsonl"))
    with contextlib.ExitStack() as over:
        over.callback(lambda: [victim.kill() for victim in victims])
        while not all((tmp_path / f"{name}.token").exists() for name in sessions):
            time.sleep(0.05)  # who does not know the token cannot go on
        for number in range(KILLS):
            time.sleep(chance.uniform(*ALIVE_SECONDS))
            dying = {victims[number % len(victims)], *chance.sample(victims, chance.randint(0, 2))}
            for victim in dying:
                victim.kill()
            for victim in dying:
                victim.start()
        assert not list(tmp_path.glob("*.done")), "the audio was at its end before the killing was"
        for victim in victims[1:]:
            victim.wait(240)
    for name, seed in sessions.items():
        seen = [
            Event.from_dict(json.loads(line))
            for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()
        ]
        assert seen == Babble(seed, AUDIO_SECONDS).said(name)
