"""Events from a service: each once and in order, through lost connections and restarts of the service."""

import asyncio
import json
from collections.abc import AsyncGenerator

from websockets.exceptions import ConnectionClosed

from hocket.streaming.errors import FormatError, ServiceError
from hocket.streaming.events import EVENT_TYPES, Event, SessionEnd

from ..protocol.messages import FROM_SERVER, Refusal, read_message
from .connecting import Patience, address, opened, raise_if_fatal, raise_if_final

SILENCE_SECONDS = 30.0  # heartbeats come more often


class Subscriber:
    """Follows a session, which may have ended, or not begun.

    url: of the service. session: its name there. from_seq: the first event wanted. finals: leave out what may
    still change. bearer: the token that lets in, where one is needed. patience: seconds without a connection
    before giving up.
    seq: of the newest event that came; another subscriber goes on from seq + 1.
    """

    def __init__(
        self,
        url: str,
        session: str,
        *,
        from_seq: int = 1,
        finals: bool = False,
        bearer: str | None = None,
        patience: float = 60.0,
    ) -> None:
        self.seq = from_seq - 1
        self._url, self._session = url, session
        self._finals = finals
        self._bearer = bearer
        self._patience = Patience(patience)
        address(url, session, "events")

    async def events(self) -> AsyncGenerator[Event, None]:
        """The session's events, to its last. Raises ServiceError when the service refuses or stays away."""
        while True:
            try:
                async for event in self._connected():
                    yield event
                return
            except ConnectionClosed as error:
                raise_if_final(error)
                failure: Exception = error
            except (OSError, TimeoutError) as error:
                failure = error
            delay = self._patience.next_delay(failure)
            await asyncio.sleep(delay)

    async def _connected(self) -> AsyncGenerator[Event, None]:
        """Events of one connection; ends where the session does."""
        query = {"from": str(self.seq + 1)} | ({"finals": "1"} if self._finals else {})
        connection = await opened(address(self._url, self._session, "events", query), self._bearer)
        try:
            self._patience.renew()
            while True:
                try:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        frame = await connection.recv()
                except ConnectionClosed as error:
                    if error.rcvd is not None and error.rcvd.code == 1000:
                        return
                    raise
                if (event := self._event(frame)) is not None:
                    yield event
                    if isinstance(event, SessionEnd):
                        return
        finally:
            connection.transport.abort()

    def _event(self, frame: str | bytes) -> Event | None:
        """The event that a frame holds, None for other messages."""
        try:
            data = json.loads(frame)
            if data["type"] not in EVENT_TYPES:
                message = read_message(str(frame), FROM_SERVER)
                if isinstance(message, Refusal):
                    raise_if_fatal(message)
                return None
            event: Event = Event.from_dict(data)
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(f"the service sent what is no event: {error}") from error
        if not self._finals and event.seq != self.seq + 1:
            raise ServiceError(f"the service sent event {event.seq} after {self.seq}: expected the next one")
        self.seq = event.seq
        return event
