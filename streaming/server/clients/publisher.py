"""Audio to a service: a source in, and whatever the network does, every sample of it there once."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hocket.streaming.errors import ServiceError
from hocket.streaming.sources.base import Block, Lost, Source

from ..protocol.messages import (
    FROM_SERVER,
    Control,
    Message,
    Missing,
    Received,
    Refusal,
    Resume,
    Start,
    Started,
    Stop,
    Stopped,
    read_message,
)
from .asking import Answer, Unanswered
from .connecting import Patience, address, opened, raise_if_fatal, raise_if_final

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 10.0  # of audio that may be on its way, and of a file that is read ahead
KEPT_SECONDS = 30.0  # of a microphone's audio, while the service is away
FRAME_SECONDS = 0.25
SILENCE_SECONDS = 60.0  # without an answer before a connection counts as dead
FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class Published:
    """How it went. sample: how many the service has heard; seq: of the session's last event."""

    session: str
    sample: int
    seq: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Samples from `start` on as they are sent, or why there are none."""

    start: int
    stop: int
    content: bytes | str


class Publisher:
    """Sends a source to a session of a service, through lost connections and restarts of the service.

    url: of the service. session: its name there. bearer: the token that lets in, where one is needed.
    resume: the token of a session that another process began: a file goes on where the service has not heard
    it, a microphone from now on. channel: the one to listen to, from 0; None for the mean of all,
    "separate" for a session of each, `session`.1 and so on. options: of the diarizer, as in `start`.
    patience: seconds without success before giving up. on_started: called with the token that would resume
    the session.
    """

    def __init__(
        self,
        url: str,
        session: str,
        *,
        bearer: str | None = None,
        resume: str | None = None,
        channel: int | Literal["separate"] | None = None,
        options: Mapping[str, Any] | None = None,
        patience: float = 60.0,
        on_started: Callable[[str], None] = lambda token: None,
    ) -> None:
        self._uri = address(url, session, "audio")
        self._session = session
        self._bearer = bearer
        self._token = resume
        self._channel: int | Literal["separate"] | None = channel
        self._options = dict(options or {})
        self._patience = Patience(patience)
        self._on_started = on_started
        self._unanswered = Unanswered()
        self._connection: ClientConnection | None = None  # once the session goes on there

    async def tell(self, control: Control) -> Answer:
        """Tell the session something while `run` sends audio: who somebody is, or words of a recogniser.

        Returns what it answers; said again after a lost connection. Raises ServiceError where it is refused,
        and for what is not answered when the audio is at its end.
        """
        asked, answer = self._unanswered.ask(control)
        if self._connection is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._connection.send(asked.to_json())
        return await answer

    async def run(self, source: Source) -> Published:
        """Send all of the source, and wait until the service has said what it has to say about it.

        Raises ServiceError when the service refuses or stays away, and what the source raises.
        """
        outbox = _Outbox(source, follows=self._token is not None and source.live)
        reading = asyncio.create_task(outbox.fill())
        try:
            while True:
                try:
                    published = await self._attempt(source, outbox)
                except ConnectionClosed as error:
                    raise_if_final(error)
                    failure: Exception = error
                except (OSError, TimeoutError) as error:
                    failure = error
                else:
                    await reading
                    return published
                delay = self._patience.next_delay(failure)
                await asyncio.sleep(delay)
        finally:
            self._unanswered.give_up("the session ended before it answered")
            source.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _attempt(self, source: Source, outbox: "_Outbox") -> Published:
        """One connection, to the end of the session or its own."""
        connection = await opened(self._uri, self._bearer)
        try:
            resume = None if self._token is None else Resume(token=self._token, sample=outbox.first)
            start = Start(
                sample_rate=source.rate_hz,
                channels=source.channels,
                channel=self._channel,
                realtime=source.live,
                options=self._options,
                resume=resume,
            )
            await connection.send(start.to_json())
            sending: asyncio.Task[None] | None = None
            try:
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        message = _understood(await connection.recv())
                    if self._unanswered.hear(message):
                        continue
                    match message:
                        case Started(token=token, sample=sample):
                            self._token = token
                            self._on_started(token)
                            outbox.resume(sample)
                            for asked in self._unanswered.again():
                                await connection.send(asked.to_json())
                            self._connection = connection
                            sending = asyncio.create_task(_send_all(connection, outbox))
                        case Received(sample=sample):
                            self._patience.renew()
                            outbox.forget(sample)
                        case Stopped(session=session, sample=sample, seq=seq):
                            if not outbox.is_empty:
                                raise ServiceError("the service ended the session before the audio did")
                            return Published(session, sample, seq)
                        case Refusal():
                            raise_if_fatal(message)
                            logger.warning("the service: %s", message.message)
                        case _:
                            pass
            finally:
                self._connection = None
                if sending is not None:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await connection.close()


def _understood(frame: str | bytes) -> Message:
    if isinstance(frame, bytes):
        raise ServiceError("the service sent bytes: expected messages")
    return read_message(frame, FROM_SERVER)


async def _send_all(connection: ClientConnection, outbox: "_Outbox") -> None:
    try:
        while (piece := await outbox.next()) is not None:
            match piece.content:
                case bytes():
                    await connection.send(piece.content)
                case reason:
                    await connection.send(Missing(samples=piece.stop - piece.start, reason=reason).to_json())
        await connection.send(Stop().to_json())
    except ConnectionClosed:
        return  # who receives says so


class _Outbox:
    """A source's audio from the first sample that the service may ask for again.

    follows: the source's first sample comes after the last that the service has, whichever that is.
    """

    def __init__(self, source: Source, *, follows: bool) -> None:
        self.is_over = False
        self._source = source
        self._pieces: deque[_Piece] = deque()
        self._read = 0  # samples that the source gave so far
        self._sent = 0
        self._received = 0
        self._changed = asyncio.Event()
        self._may_begin = asyncio.Event()
        self._follows = follows
        if not follows:
            self._may_begin.set()

    @property
    def first(self) -> int:
        """The first sample that can still be sent."""
        return 0 if self._follows else (self._pieces[0].start if self._pieces else self._read)

    @property
    def is_empty(self) -> bool:
        """Whether the source is at its end, and all of it was sent."""
        return self.is_over and self._sent >= self._read

    async def fill(self) -> None:
        """Reads the source to its end; raises what it raises."""
        await self._may_begin.wait()
        try:
            async with contextlib.aclosing(self._source.blocks()) as pieces:
                async for piece in pieces:
                    for start in range(0, _length(piece), self._frame):
                        self._append(piece, start)
                    await self._have_room()
        finally:
            self.is_over = True
            self._wake()

    def resume(self, sample: int) -> None:
        """The service wants audio from this sample on."""
        if self._follows:
            self._follows, self._read = False, sample
            self._may_begin.set()
        self._sent = sample
        self.forget(sample)

    def forget(self, sample: int) -> None:
        """The service has everything before this sample."""
        self._received = sample
        while self._pieces and self._pieces[0].stop <= sample:
            self._pieces.popleft()
        self._wake()

    async def next(self) -> _Piece | None:
        """What to send next, no further ahead of what is received than the window; None at the end."""
        while True:
            changed = self._changed
            window = self._received + WINDOW_SECONDS * self._source.rate_hz
            for piece in self._pieces:
                if piece.stop > self._sent and piece.start < window:
                    cut = self._cut(piece)
                    self._sent = piece.stop
                    return cut
            if self.is_empty:
                return None
            await changed.wait()

    def _cut(self, piece: _Piece) -> _Piece:
        """What of a piece is not sent yet."""
        if piece.start >= self._sent or isinstance(piece.content, str):
            return _Piece(max(piece.start, self._sent), piece.stop, piece.content)
        skipped = (self._sent - piece.start) * 2 * self._source.channels
        return _Piece(self._sent, piece.stop, piece.content[skipped:])

    @property
    def _frame(self) -> int:
        return round(FRAME_SECONDS * self._source.rate_hz)

    def _append(self, piece: Block | Lost, start: int) -> None:
        length = min(self._frame, _length(piece) - start)
        content: bytes | str
        if isinstance(piece, Lost):
            content = piece.reason
        else:
            samples = np.nan_to_num(piece.samples[start : start + length])
            content = (
                np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()
            )
        self._read += length
        if self._read > self._received:
            self._pieces.append(_Piece(self._read - length, self._read, content))
        self._wake()

    async def _have_room(self) -> None:
        rate = self._source.rate_hz
        if self._source.live:
            while self._pieces and self._read - self._pieces[0].start > KEPT_SECONDS * rate:
                self._pieces.popleft()
            return
        while self._read - self._received > 2 * WINDOW_SECONDS * rate:
            changed = self._changed
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _length(piece: Block | Lost) -> int:
    return len(piece.samples) if isinstance(piece, Block) else piece.num_samples
