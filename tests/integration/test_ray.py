"""A cluster of two nodes on this machine: real Ray, replicas and a node of which are killed, quick models."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError, ServiceError
from hocket.streaming.events import Event
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.sessions.engines import Engines
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from hocket.streaming.stream import Engine
from tests.ray_cluster import TwoNodes, kill_replica, require_ray, two_nodes
from tests.served import RATE, Babble, UnrulyModels

require_ray()
# Ray's data room warns of settings of its own
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")

from hocket.streaming.machines.archive import hear_all  # noqa: E402
from hocket.streaming.machines.connection import joined  # noqa: E402
from hocket.streaming.machines.hosts import ClusterHost, cluster_hosts  # noqa: E402

SECONDS = 600.0  # more than is heard before it is stopped
SESSIONS = range(8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    with two_nodes() as cluster, joined(cluster.address) as cores:
        assert cores == 2
        yield cluster


def open_engines() -> Engines:
    return Engines(UnrulyModels())


def no_engines() -> Engines:
    raise ServiceError("no models on this machine")


def test_replicas_that_cannot_begin_say_why(cluster: TwoNodes) -> None:
    with pytest.raises(ServiceError, match=r"no replica can begin: .*no models on this machine"):
        cluster_hosts(no_engines, 1)


@asynccontextmanager
async def service(folder: Path, hosts: list[ClusterHost]) -> AsyncIterator[str]:
    hub = Hub(UnrulyModels(), folder, Limits(), hosts=hosts)
    async with serving(hub, Door(port=0)) as port:
        yield f"ws://127.0.0.1:{port}"


async def followed(url: str, session: str) -> list[Event]:
    return [event async for event in Subscriber(url, session).events()]


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not claim():
            await asyncio.sleep(0.05)


@pytest.mark.timeout(180)
def test_sessions_outlive_the_replicas_and_the_node_that_they_are_on(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    async def test() -> None:
        hosts = cluster_hosts(open_engines, 2)
        async with service(tmp_path, hosts) as url:
            await until(lambda: all(host.is_up for host in hosts))
            sources = [Babble(number, SECONDS, pace=0.2) for number in SESSIONS]
            following = [asyncio.create_task(followed(url, f"room-{number}")) for number in SESSIONS]
            publishing = [
                asyncio.create_task(Publisher(url, f"room-{number}").run(source))
                for number, source in zip(SESSIONS, sources, strict=True)
            ]
            await asyncio.sleep(2)
            [first] = cluster.on_first(hosts)
            kill_replica(first)
            await until(lambda: not first.is_up)
            await until(lambda: first.is_up)
            await asyncio.sleep(1)
            cluster.kill_second(hosts)  # to which all sessions went
            await until(lambda: not all(host.is_up for host in hosts))
            cluster.add_another()
            await until(lambda: all(host.is_up for host in hosts))
            assert not any(task.done() for task in publishing)
            for source in sources:
                source.close()
            published = await asyncio.gather(*publishing)
            seen = await asyncio.gather(*following)
        for number, source, events, outcome in zip(SESSIONS, sources, seen, published, strict=True):
            source.samples = source.samples[: outcome.sample]
            assert events == source.said(f"room-{number}")
            assert outcome.seq == len(events)

    asyncio.run(test())


class Deadly:
    """An engine that takes its process with it."""

    rate = RATE

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        os._exit(1)


def open_listeners() -> Callable[[str], Engine]:
    models = UnrulyModels()

    def listener(recording: str) -> Engine:
        if recording == "deadly":
            return Deadly()  # type: ignore[return-value] it comes to nothing else
        return Diarizer(models.segmenter, models.embedder, session=recording, models=models.names)

    return listener


def test_an_archive_is_heard_whatever_happens_to_some_recordings(cluster: TwoNodes, tmp_path: Path) -> None:
    sources = {name: Babble(number, 20) for number, name in enumerate(("one", "deadly", "two", "three"))}
    paths = {name: str(tmp_path / f"{name}.wav") for name in [*sources, "absent"]}
    for name, source in sources.items():
        soundfile.write(paths[name], source.samples, RATE)
    heard = {each.recording: each for each in hear_all(paths, open_listeners, 2)}
    for name in ("one", "two", "three"):
        assert heard[name].events == sources[name].said(name)
        assert heard[name].error is None
    assert heard["absent"].error == f"no such file: {paths['absent']}"
    assert heard["deadly"].error == f"{paths['deadly']}: the process that heard it died 3 times"
    assert heard.keys() == paths.keys()


def no_listeners() -> Callable[[str], Engine]:
    raise ServiceError("no models on this machine")


def test_listeners_that_cannot_begin_say_why(cluster: TwoNodes) -> None:
    with pytest.raises(ServiceError, match=r"cannot hear recordings: .*no models on this machine"):
        list(hear_all({"a": "a.wav"}, no_listeners, 1))


def test_the_command_writes_what_it_writes_without_a_cluster(cluster: TwoNodes, tmp_path: Path) -> None:
    conversation, rate = soundfile.read(str(files("hocket.demo") / "conversation.ogg"), dtype="float32")
    recordings = [tmp_path / f"{name}.wav" for name in ("a", "b")]
    for number, path in enumerate(recordings):
        soundfile.write(path, conversation[number * 4 * rate : (number * 4 + 6) * rate], rate)
    here, there = tmp_path / "here", tmp_path / "there"
    plain = diarize(*recordings, "--rttm", f"{here}/", "--jsonl", f"{here}/")
    spread = diarize(
        *recordings,
        tmp_path / "absent.wav",
        "--ray",
        cluster.address,
        "--rttm",
        f"{there}/",
        "--jsonl",
        f"{there}/",
    )
    assert plain.returncode == 0
    assert spread.returncode == 1
    assert f"error: no such file: {tmp_path / 'absent.wav'}" in spread.stderr.splitlines()
    assert spread.stdout == ""
    names = [f"{path.stem}.{kind}" for path in recordings for kind in ("jsonl", "rttm")]
    assert sorted(path.name for path in there.iterdir()) == names
    assert [(there / name).read_bytes() for name in names] == [(here / name).read_bytes() for name in names]


def diarize(*arguments: object) -> "subprocess.CompletedProcess[str]":
    program = "from hocket.streaming.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "diarize", *map(str, arguments)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "no address of a Ray cluster: 'nonsense': expected HOST:PORT, auto or local"),
        ("ray://there:10001", "no address of a Ray cluster: 'ray://there:10001': expected HOST:PORT"),
        ("127.0.0.1:9", "no Ray cluster at 127.0.0.1:9: Connection refused: begin one with ray start --head"),
    ],
)
def test_an_address_without_a_cluster_is_an_error_at_once(address: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught, joined(address):
        pass
    assert str(caught.value).startswith(message)
