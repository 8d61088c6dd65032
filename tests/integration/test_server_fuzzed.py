"""Hostile peers on real sockets: whatever arrives, nobody else notices. `fuzz_service` has more of them."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.property.test_server_fuzz import frames
from tests.served import service
from tests.talking import valid

ROOT = Path(__file__).parents[2]
NUM_MALFORMED = int(os.environ.get("HOCKET_FUZZ", "1500"))


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system has no /proc to count files by")
def test_malformed_handshakes_frames_and_messages_disturb_nobody() -> None:
    fuzz = [sys.executable, "-m", "tests.fuzz_service", str(NUM_MALFORMED)]
    done = subprocess.run(fuzz, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert sum(report["sent"].values()) >= NUM_MALFORMED
    assert report["sound"] >= 1


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service in a thread of its own."""
    loop, stop, found = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    is_up = threading.Event()

    async def serve() -> None:
        async with service(tmp_path_factory.mktemp("sessions")) as url:
            found.append(url)
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    is_up.wait(30)
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames)
@pytest.mark.parametrize("address", ["live?sample_rate=16000", "live?", "sessions/page/admin?from=1"])
def test_every_answer_is_one_that_the_schema_has(url: str, address: str, frames: list[bytes | str]) -> None:
    with connect(f"{url}/v1/{address}", proxy=None, close_timeout=0.1) as socket:
        try:
            for frame in frames:
                socket.send(frame)
            while True:
                valid(socket.recv(timeout=0.02))
        except (ConnectionClosed, TimeoutError):
            pass
