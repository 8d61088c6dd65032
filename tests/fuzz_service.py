"""Malformed handshakes, frames and messages into a service on loopback, while a sound session goes on beside.

    python -m tests.fuzz_service COUNT [SEED]

The service runs in a process of its own. Prints one line of JSON: how many of each kind were sent, how the
connections ended, how many sound sessions were held beside and how many of them were disturbed, resident
memory and open files of the service before and after, and what went wrong inside it. Exits with 1 for what
should not be.
"""

import asyncio
import base64
import contextlib
import ctypes
import gc
import json
import logging
import os
import random
import signal
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np

from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.clients.subscriber import Subscriber
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.sessions.limits import Limits
from tests.damage import damaged
from tests.recorder import recorded
from tests.served import Babble, service
from tests.sound import tone

ROOT = Path(__file__).parents[1]
AT_ONCE = 8  # connections
IDLE_SECONDS = 3.0
MOST_SESSIONS = 512  # room for the sound ones beside all that are begun and left
PATIENCE = 0.5  # seconds for the answer to a handshake
LONGEST_SETTLING = 60.0  # seconds for the sessions that were left behind to end
READER_SECONDS = 2.0  # for their readers to be gone
MOST_GROWTH = 24 << 20  # bytes of resident memory, once warm
SOUND = [
    {"type": "start", "sample_rate": 16_000, "channels": 2, "options": {"hop": 0.5, "max_speakers": 3}},
    {"type": "start", "sample_rate": 8_000, "encoding": "mulaw", "realtime": True},
    {"type": "start", "sample_rate": 48_000, "encoding": "webm_opus"},
    {"type": "start", "sample_rate": 16_000, "channels": 2, "channel": "separate"},
    {"type": "start", "sample_rate": 16_000, "resume": {"token": "guessed", "sample": 5}},
    {"type": "gap", "samples": 160, "reason": "lost"},
    {"type": "name", "id": "1", "speaker": "S1", "name": "Anna"},
    {"type": "merge", "speaker": "S2", "into": "S1"},
    {"type": "split", "speaker": "S1", "turns": ["t1"]},
    {"type": "correct", "start": 0.5, "end": 1.5, "speaker": "S2"},
    {"type": "enroll", "name": "Bert", "start": 0.0, "end": 2.0},
    {"type": "words", "words": [{"text": "so", "start": 0.5, "end": 0.75, "id": "w1"}]},
    {"type": "finalize", "id": "x"},
    {"type": "keepalive"},
    {"type": "end"},
    {"type": "stop"},
]
OPUS = recorded(np.stack([tone(0.5, rate=48_000)], axis=1), "webm_opus")
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1e308,
    -0.5,
    "",
    "ä\ud800",
    "x" * 5000,
    [],
    {},
    [[]],
    [{}],
]


def request(rng: random.Random) -> bytes:
    """A sound request to open a socket at one of the addresses."""
    end = rng.choice(
        ["audio", "audio?sample_rate=16000", "events?from=1", "events?finals=1", "admin", "admin?from=1"]
    )
    name = f"f{rng.randrange(40) if rng.random() < 0.8 else rng.randrange(10**6)}"
    path = rng.choice([f"/v1/sessions/{name}/{end}", f"/v1/live?session={name}&sample_rate=16000"])
    key = base64.b64encode(rng.randbytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: hocket.v1\r\n\r\n"
    ).encode()


def ticket_request(rng: random.Random) -> bytes:
    """A sound request for a ticket, or one to open a socket by a ticket that nobody has."""
    role = rng.choice(["produce", "subscribe", "admin"])
    if rng.random() < 0.5:
        return request(rng).replace(b" HTTP", f"?ticket={rng.randbytes(9).hex()} HTTP".encode(), 1)
    return (
        f"POST /v1/tickets?role={role}&session=f{rng.randrange(40)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {rng.randbytes(9).hex()}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def frame(payload: bytes, opcode: int, rng: random.Random) -> bytes:
    """A sound frame as a client sends it, masked."""
    length = len(payload)
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    mask = rng.randbytes(4)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def message(rng: random.Random) -> bytes:
    """A message that is nearly sound: fields missing, odd, of another message; or its text damaged."""
    fields: dict[str, Any] = dict(rng.choice(SOUND))
    for _ in range(rng.randint(0, 2)):
        key = rng.choice([*fields, *rng.choice(SOUND)])
        match rng.randrange(4):
            case 0:
                fields.pop(key, None)
            case 1:
                fields[key] = rng.choice(ODD)
            case 2:
                fields |= rng.choice(SOUND)
            case 3:
                fields["words"] = [
                    rng.choice(ODD)
                    if rng.random() < 0.5
                    else {"text": "a", "start": rng.choice(ODD), "end": 1}
                ]
    text = json.dumps(fields).encode()
    return damaged(text, rng) if rng.random() < 0.3 else text


def malformed(rng: random.Random) -> tuple[str, bytes]:
    """One malformed thing to send on an open connection, and what kind it is."""
    match rng.randrange(9):
        case 0:
            return "frames", damaged(frame(message(rng), 1, rng), rng)
        case 1:
            return "frames", damaged(frame(rng.randbytes(rng.choice((2, 320, 3200))), 2, rng), rng)
        case 2:
            return "frames", bytes([rng.randrange(256), rng.randrange(256)]) + rng.randbytes(
                rng.randrange(40)
            )
        case 3:
            return "messages", frame(rng.randbytes(rng.randrange(200)), 1, rng)
        case 4:
            return "messages", frame(rng.choice((b"RIFF....WAVE", b"OggS", b"\x1aE\xdf\xa3", b"")), 2, rng)
        case 5:
            return "messages", frame(damaged(OPUS, rng)[: rng.choice((100, 1000, len(OPUS)))], 2, rng)
    return "messages", frame(message(rng), 1, rng)


class Fuzzer:
    """Sends until so many malformed things are sent, over several connections at once."""

    def __init__(self, port: int, count: int, seed: int) -> None:
        self.sent: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self._port, self._count = port, count
        self._seed = seed
        self._num_cases = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._cases())

    async def _cases(self) -> None:
        while self.sent.total() < self._count:
            self._num_cases += 1
            rng = random.Random(f"{self._seed} {self._num_cases}")
            try:
                async with asyncio.timeout(10):
                    self.ends[await self._case(rng)] += 1
            except TimeoutError:
                self.ends["hangs"] += 1
            except (OSError, asyncio.IncompleteReadError):
                self.ends["cut off"] += 1

    async def _case(self, rng: random.Random) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            if rng.random() < 0.2:
                self.sent["handshakes"] += 1
                asked = rng.choice((request, request, ticket_request))(rng)
                writer.write(damaged(asked, rng) + rng.choice((b"", b"", b"\r\n\r\n", rng.randbytes(9))))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):  # one that looks unfinished is waited for
                        answer = await reader.read(64)
                        return answer.split(b"\r\n")[0].decode("latin-1")[:12] or "no answer"
                return "unfinished"
            writer.write(request(rng))
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 101"):
                return "refused"
            if rng.random() < 0.7:
                writer.write(frame(json.dumps(rng.choice(SOUND[:4])).encode(), 1, rng))
            for _ in range(rng.randint(3, 12)):
                kind, data = malformed(rng)
                self.sent[kind] += 1
                writer.write(data)
            await writer.drain()
            if rng.random() < 0.2:
                writer.transport.abort()
                return "aborted"
            writer.write(frame(b"\x03\xe8", 8, rng))
            with contextlib.suppress(OSError):
                writer.write_eof()
            while await reader.read(1 << 16):
                pass
            return "closed"
        finally:
            writer.transport.abort()


async def sound_session(url: str, name: str, seed: int) -> bool:
    """Whether a session says what it would say alone."""
    source = Babble(seed, 12, pace=0.15)
    await Publisher(url, name).run(source)
    return [event async for event in Subscriber(url, name).events()] == source.said(name)


async def fuzz(count: int, seed: int) -> dict[str, Any]:
    """Everything that is to be known of a run."""
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fuzz_service", "--serve", folder,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        port = int(url.rpartition(":")[2])
        try:
            warm = Fuzzer(port, max(500, count // 5), seed)
            await warm.run()
            before = await settled(server.pid, url)
            fuzzer, num_sound, num_disturbed = Fuzzer(port, count, seed + 1), 0, 0
            running = asyncio.create_task(fuzzer.run())
            while not running.done() or not num_sound:
                num_disturbed += not await sound_session(url, f"sound-{num_sound}", num_sound)
                num_sound += 1
            await running
            after = await settled(server.pid, url)
        finally:
            server.send_signal(signal.SIGTERM)
            output, _ = await server.communicate()
    return {
        "sent": fuzzer.sent,
        "ends": fuzzer.ends,
        "sound": num_sound,
        "disturbed": num_disturbed,
        "before": before,
        "after": after,
        "wrong": json.loads(output or '["died"]'),
        "exit": server.returncode,
    }


async def settled(pid: int, url: str) -> dict[str, int]:
    """Resident bytes and open files of the service, once all that was left behind has ended."""
    health = url.replace("ws:", "http:") + "/healthz"
    async with asyncio.timeout(LONGEST_SETTLING):
        while await asyncio.to_thread(lambda: urlopen(health).read()) != b"ok, 0 sessions\n":
            await asyncio.sleep(0.5)
    await asyncio.sleep(READER_SECONDS)
    os.kill(pid, signal.SIGUSR1)
    await asyncio.sleep(0.5)
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        "resident": 1024 * int(status.partition("VmRSS:")[2].split()[0]),
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


def give_back() -> None:
    """Hand memory that nobody needs back to the system, so that what is resident is what is held."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def complaints(report: dict[str, Any]) -> Iterator[str]:
    """What should not have been."""
    if report["exit"] != 0 or report["wrong"]:
        yield f"the service ended with {report['exit']}, and these went wrong inside: {report['wrong']}"
    if report["disturbed"]:
        yield f"{report['disturbed']} of {report['sound']} sound sessions were disturbed"
    if report["ends"]["HTTP/1.1 500"]:
        yield f"{report['ends']['HTTP/1.1 500']} handshakes were an internal error"
    if report["ends"]["hangs"]:
        yield f"{report['ends']['hangs']} connections were neither answered nor closed"
    if report["after"]["files"] > report["before"]["files"]:
        yield f"open files grew from {report['before']['files']} to {report['after']['files']}"
    if report["after"]["resident"] > report["before"]["resident"] + MOST_GROWTH:
        yield f"memory grew from {report['before']['resident']} to {report['after']['resident']} bytes"


class Wrong(logging.Handler):
    """Keeps what a service should never have to say: errors of its own, not its peers'."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record)[-2000:])


async def serve(folder: str) -> None:
    """The service under fire, until SIGTERM."""
    wrong, stop = Wrong(), asyncio.Event()
    logging.getLogger().addHandler(wrong)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, give_back)
    limits = Limits(idle_seconds=IDLE_SECONDS, most_sessions=MOST_SESSIONS)
    async with service(Path(folder), Door(port=0), limits) as url:
        print(url, flush=True)  # noqa: T201
        await stop.wait()
    print(json.dumps(wrong.said[:10]), flush=True)  # noqa: T201


def main(count: int, seed: int) -> int:
    report = asyncio.run(fuzz(count, seed))
    report["complaints"] = list(complaints(report))
    print(json.dumps(report))  # noqa: T201
    return 1 if report["complaints"] else 0


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        asyncio.run(serve(sys.argv[2]))
    else:
        sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
