"""A session of a service told things from outside: who somebody is, what was said, that it is enough."""

import asyncio
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hocket.streaming.errors import ServiceError

from ..protocol.messages import FROM_SERVER, Control, Refusal, read_message
from .asking import Answer, Unanswered
from .connecting import Patience, address, opened, raise_if_fatal, raise_if_final


class Admin:
    """Tells a session that goes on one thing after the other, through lost connections.

        async with Admin("ws://127.0.0.1:8765", "monday") as admin:
            await admin.tell(Name(speaker="S1", name="Anna"))

    url: of the service. session: its name there. bearer: an admin's token, where one is needed. patience:
    seconds without a connection before giving up. What was not answered when a connection was lost is said
    again, under the same id, and is done once.
    """

    def __init__(self, url: str, session: str, *, bearer: str | None = None, patience: float = 60.0) -> None:
        self._uri = address(url, session, "admin")
        self._bearer = bearer
        self._patience = Patience(patience)
        self._unanswered = Unanswered()
        self._connection: ClientConnection | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unanswered.give_up("the admin was closed")
        if self._connection is not None:
            await self._connection.close()

    async def tell(self, control: Control) -> Answer:
        """What the session answers: `done`, with the number of the last event that came of it.

        Raises ServiceError where it is refused, there is no such session, or the service stays away.
        """
        async with self._turn:
            asked, answer = self._unanswered.ask(control)
            while not answer.done():
                try:
                    await self._exchange(asked)
                    continue
                except ConnectionClosed as error:
                    raise_if_final(error)
                    failure: Exception = error
                except (OSError, TimeoutError) as error:
                    failure = error
                self._connection = None
                await asyncio.sleep(self._patience.next_delay(failure))
            return answer.result()

    async def _exchange(self, asked: Control) -> None:
        """Sends it, and listens until it is answered."""
        if self._connection is None:
            self._connection = await opened(self._uri, self._bearer)
            self._patience.renew()
        await self._connection.send(asked.to_json())
        while True:
            frame = await self._connection.recv()
            if isinstance(frame, bytes):
                raise ServiceError("the service sent bytes: expected messages")
            message = read_message(frame, FROM_SERVER)
            if self._unanswered.hear(message):
                return
            if isinstance(message, Refusal):
                raise_if_fatal(message)
