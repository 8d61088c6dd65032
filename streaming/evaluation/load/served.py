"""A server in a process of its own, watched from outside: what it computed, and what memory it has."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from hocket.streaming.errors import ServiceError

_HOCKET = "from hocket.streaming.cli.app import main; main()"
_LISTENING = "listening on "
START_SECONDS = 60.0
STOP_SECONDS = 40.0


class Served:
    """A running server. url: where. Both figures are 0 where the system does not tell them of a process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process
        self._proc = Path(f"/proc/{process.pid}")

    @property
    def processor_seconds(self) -> float:
        """Time computed so far, on all cores together."""
        stat = self._proc / "stat"
        if not stat.exists():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_bytes(self) -> int:
        """Memory now."""
        statm = self._proc / "statm"
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


@contextlib.asynccontextmanager
async def serving(folder: Path, arguments: Sequence[str] = ()) -> AsyncIterator[Served]:
    """`hocket serve` on a port of its own, its sessions in `folder`, until the context ends.

    Raises ServiceError, with its last words, where it does not come up.
    """
    command = ["-c", _HOCKET, "serve", "--port", "0", "--data-dir", str(folder), *arguments]
    async with started(command) as served:
        yield served


@contextlib.asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[Served]:
    """A Python process that says on standard error where it listens. As `serving` otherwise."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    lines: deque[str] = deque(maxlen=20)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            lines.append(raw.decode(errors="replace").strip())
            if _LISTENING in lines[-1] and not listening.done():
                listening.set_result(lines[-1].rpartition(_LISTENING)[2])
        if not listening.done():
            listening.set_exception(ServiceError(f"the server did not come up: {' / '.join(lines)}"))

    reading = asyncio.create_task(read(process.stderr))
    try:
        async with asyncio.timeout(START_SECONDS):
            url = await listening
        yield Served(process, url)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading
