"""Controls that a client sent and that are not answered yet: said again after a lost connection."""

import asyncio
import secrets
from dataclasses import replace

from hocket.streaming.errors import ServiceError

from ..protocol.messages import Control, Done, Finalized, Message, Refusal

Answer = Done | Finalized


class Unanswered:
    """Gives each control an id, and knows which of them wait, in the order in which they were asked."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Control, asyncio.Future[Answer]]] = {}
        self._mark = secrets.token_hex(4)  # by which a service tells one's ids from another's
        self._num_asked = 0
        self._over: ServiceError | None = None

    def ask(self, control: Control) -> tuple[Control, "asyncio.Future[Answer]"]:
        """The control as it is to be sent, and what will come of it. Raises ServiceError when all is over."""
        if self._over is not None:
            raise self._over
        self._num_asked += 1
        name = f"{self._mark}-{self._num_asked}"
        asked = replace(control, id=name)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[name] = asked, answer
        return asked, answer

    def again(self) -> list[Control]:
        """What a new connection has to be told."""
        return [asked for asked, answer in self._waiting.values() if not answer.done()]

    def hear(self, message: Message) -> bool:
        """Whether the message answers one of them."""
        if not isinstance(message, Done | Finalized | Refusal) or message.id not in self._waiting:
            return False
        _, answer = self._waiting.pop(message.id)
        if not answer.done():  # whoever asked may have gone
            if isinstance(message, Refusal):
                answer.set_exception(ServiceError(message.message, message.code))
            else:
                answer.set_result(message)
        return True

    def give_up(self, reason: str) -> None:
        """Nothing will be answered any more."""
        self._over = ServiceError(reason)
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._over)
        self._waiting.clear()
