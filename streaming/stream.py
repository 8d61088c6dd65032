"""The one asyncio shell: a source, the engine in its thread, the sinks, and nothing unbounded between."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .backlog import Backlog
from .commands import Commands
from .events import Event
from .resample import Channel, Resampler
from .sinks.base import Sink
from .sources.base import Block, Lost, Source

logger = logging.getLogger(__name__)

READ_AHEAD_SECONDS = 2.0


class Engine(Protocol):
    """What the shell asks of a Diarizer. One call at a time, from one thread."""

    @property
    def rate(self) -> int: ...

    def push(self, samples: NDArray[np.float32]) -> list[Event]: ...

    def gap(self, num_samples: int, reason: str) -> list[Event]: ...

    def status(self, *, lag: float, rtf: float, dropped: float) -> Event: ...

    def finish(self, reason: str = "end") -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class SinkFailure:
    """A sink that was closed before its time."""

    sink: str
    error: Exception


@dataclass(frozen=True, slots=True)
class StreamReport:
    """How a session went, by the wall clock.

    duration: seconds of audio, lost and dropped ones among them. lost: what the source could not give.
    dropped: what a live source gave and the engine was too slow for. compute: seconds in the engine.
    max_lag: longest time between the arrival of audio and its events; 0 for sources that are not live.
    num_invalid: samples that were no sound (NaN, infinite) and became silence.
    reason: why it ended, as in the log.
    """

    duration: float
    lost: float
    dropped: float
    compute: float
    max_lag: float
    num_invalid: int
    failures: tuple[SinkFailure, ...]
    reason: str

    @property
    def rtf(self) -> float:
        """Seconds of compute per second of audio."""
        return self.compute / self.duration if self.duration else 0.0


async def stream(
    source: Source,
    diarizer: Engine,
    sinks: Sequence[Sink] = (),
    *,
    channel: Channel = "mix",
    status_every: float = 0.0,
    max_lag: float = 5.0,
    stop_on: Collection[signal.Signals] = (),
    commands: Commands | None = None,
) -> StreamReport:
    """Diarize `source` to its end, giving every event to every sink in order.

    channel: the one to listen to, or "mix". status_every: seconds between `status` events of a live source,
    0 for none. max_lag: seconds of audio of a live source that may wait before the older half is dropped, as
    a gap. stop_on: signals that end the source; the same again cancels. commands: where the session takes the
    user's word while it runs.

    However it ends, what was heard is finished, told to the sinks, and the sinks are closed. On cancellation
    too, and on an error of the source; both are raised afterwards. A sink that fails is closed, logged and
    reported; the others go on. An error of the engine itself ends everything at once.
    Raises AudioError of the source, ModelError of the engine, ConfigError for a channel or rate out of range.
    """
    with contextlib.closing(Outlets(sinks)) as outlets:
        session = _Session(source, diarizer, outlets, channel, status_every, max_lag, commands)
        run = asyncio.create_task(session.run())

        def stop(reason: str) -> None:
            if not session.stop(reason):
                run.cancel()

        with _handlers(stop_on, stop):
            try:
                await asyncio.shield(run)
            except asyncio.CancelledError:
                session.stop("cancelled")
                await run
                raise
    return session.report()


class _Session:
    """One run of `stream`: its coroutines read and deliver, its thread resamples and diarizes."""

    def __init__(
        self,
        source: Source,
        diarizer: Engine,
        outlets: "Outlets",
        channel: Channel,
        status_every: float,
        max_lag: float,
        commands: Commands | None,
    ) -> None:
        waiting_seconds = max_lag if source.live else READ_AHEAD_SECONDS
        self._source = source
        self._diarizer = diarizer
        self._outlets = outlets
        self._resampler = Resampler(source.rate_hz, diarizer.rate, source.channels, channel)
        self._backlog = Backlog(source.rate_hz, waiting_seconds, live=source.live)
        self._status_every = status_every if source.live and status_every > 0 else None
        self._commands = commands
        self._one_step = asyncio.Lock()
        self._total, self._recent = _Meter(), _Meter()
        self._reason = ""
        self._warned = False

    def stop(self, reason: str) -> bool:
        """Ends the source; False when that was asked for before."""
        if self._reason:
            return False
        self._reason = reason
        self._source.close()
        return True

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            with ThreadPoolExecutor(1, "hocket-engine") as thread:
                async with self._obeying(thread):
                    await self._listen(thread)
                await asyncio.wait({reading})
                self._reason = str(reading.exception() or self._reason or "end")
                await self._compute(thread, self._finish)
            reading.result()  # raises what the source raised
        finally:
            self._source.close()
            reading.cancel()
            await asyncio.wait({reading})

    def report(self) -> StreamReport:
        rate, dropped = self._source.rate_hz, self._backlog.num_dropped
        return StreamReport(
            duration=self._total.num_samples / rate,
            lost=(self._total.num_lost - dropped) / rate,
            dropped=dropped / rate,
            compute=self._total.compute,
            max_lag=self._total.lag if self._source.live else 0.0,
            num_invalid=self._resampler.num_invalid,
            failures=tuple(self._outlets.failures),
            reason=self._reason,
        )

    async def _read(self) -> None:
        try:
            async with contextlib.aclosing(self._source.blocks()) as pieces:
                async for piece in pieces:
                    await self._backlog.put(piece)
        finally:
            await self._backlog.close()

    async def _listen(self, thread: Executor) -> None:
        """Feeds the engine until nothing more comes; says how things stand when it is time, heard or not."""
        now = asyncio.get_running_loop().time
        status_due = now() + self._status_every if self._status_every else None
        while True:
            try:
                async with asyncio.timeout_at(status_due):
                    waiting = await self._backlog.take()
            except TimeoutError:
                pass
            else:
                if waiting is None:
                    return
                await self._compute(thread, self._hear, waiting.piece)
                for meter in (self._total, self._recent):
                    meter.add(waiting.piece, lag=now() - waiting.arrived)
            if status_due is not None and self._status_every and now() >= status_due:
                await self._compute(thread, self._status)
                self._recent = _Meter()
                status_due = now() + self._status_every

    @contextlib.asynccontextmanager
    async def _obeying(self, thread: Executor) -> AsyncIterator[None]:
        """Commands are obeyed inside, between two pieces of audio."""
        obeying = asyncio.create_task(self._obey(thread, self._commands)) if self._commands else None
        try:
            yield
        finally:
            if obeying is not None:
                async with self._one_step:  # a command that was begun is carried out
                    obeying.cancel()
                await asyncio.wait({obeying})

    async def _obey(self, thread: Executor, commands: Commands) -> None:
        async with contextlib.aclosing(commands.orders()) as orders:
            async for order in orders:
                if order.step is None:
                    self.stop("finalized")
                    order.answer.set_result(0)
                else:
                    await self._compute(thread, order.obey, self._diarizer)

    async def _compute(self, thread: Executor, step: Callable[..., list[Event]], *arguments: Any) -> None:
        """One step in the engine's thread; its events go out before the next one starts."""
        loop = asyncio.get_running_loop()
        async with self._one_step:
            events, seconds = await loop.run_in_executor(thread, _timed, step, *arguments)
            self._total.compute += seconds
            self._recent.compute += seconds
            self._outlets.write(events)

    def _hear(self, piece: Block | Lost) -> list[Event]:
        match piece:
            case Block(samples):
                resampled = self._resampler.push(samples)
                self._warn_once_of_invalid_samples()
                return self._diarizer.push(resampled)
            case Lost(0, reason):
                logger.warning("an unknown amount of audio was lost: %s", reason)
                return []
            case Lost(num_samples, reason):
                if not self._source.live:  # where nobody watches, a gap in the log is easily missed
                    logger.warning(
                        "%.1f s of audio were lost: %s", num_samples / self._source.rate_hz, reason
                    )
                rest, num_lost = self._resampler.gap(num_samples)
                heard = self._diarizer.push(rest)
                # a gap is only taken down; the models run at the next push, and that may be hours away
                return heard + self._diarizer.gap(num_lost, reason) + self._diarizer.push(rest[:0])

    def _status(self) -> list[Event]:
        meter, rate = self._recent, self._source.rate_hz
        rtf = meter.compute * rate / meter.num_samples if meter.num_samples else 0.0
        return [self._diarizer.status(lag=meter.lag, rtf=rtf, dropped=self._backlog.num_dropped / rate)]

    def _finish(self) -> list[Event]:
        return self._diarizer.push(self._resampler.finish()) + self._diarizer.finish(self._reason)

    def _warn_once_of_invalid_samples(self) -> None:
        if self._resampler.num_invalid and not self._warned:
            self._warned = True
            logger.warning("some samples are no sound (NaN, infinite or absurd): taken as silence")


@dataclass(slots=True)
class _Meter:
    """What a stretch of the session took: audio heard and lost, compute, the worst lag."""

    num_samples: int = 0
    num_lost: int = 0
    compute: float = 0.0
    lag: float = 0.0

    def add(self, piece: Block | Lost, *, lag: float) -> None:
        if isinstance(piece, Lost):
            self.num_samples += piece.num_samples
            self.num_lost += piece.num_samples
        else:
            self.num_samples += len(piece.samples)
            self.lag = max(self.lag, lag)


class Outlets:
    """Sinks that are told all events in order: one that fails is closed and remembered, the others go on."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.failures: list[SinkFailure] = []
        self._sinks = list(sinks)

    def write(self, events: list[Event]) -> None:
        for sink in self._sinks.copy():
            try:
                for event in events:
                    sink.write(event)
            except Exception as error:
                self._fail(sink, error)
                self._close(sink)

    def close(self) -> None:
        while self._sinks:
            self._close(self._sinks[0])

    def _close(self, sink: Sink) -> None:
        self._sinks.remove(sink)
        try:
            sink.close()
        except Exception as error:
            self._fail(sink, error)

    def _fail(self, sink: Sink, error: Exception) -> None:
        logger.error("sink %s is closed: %s", sink.name, error)
        self.failures.append(SinkFailure(sink.name, error))


def _timed(step: Callable[..., list[Event]], *arguments: Any) -> tuple[list[Event], float]:
    started = time.perf_counter()
    events = step(*arguments)
    return events, time.perf_counter() - started


@contextlib.contextmanager
def _handlers(wanted: Collection[signal.Signals], stop: Callable[[str], None]) -> Iterator[None]:
    """Calls `stop` with a signal's name when it comes; puts the handlers back that were there."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in wanted:
        handler = signal.getsignal(number)
        # Windows, or not the main thread: there, asyncio.run turns Ctrl-C into a cancellation
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop, number.name)
            before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
