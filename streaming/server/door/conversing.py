"""Who talks with the server: answers queue up for a peer, who may not send more text than is reasonable."""

import asyncio

from websockets.asyncio.server import ServerConnection

from ..protocol.ends import Close
from ..protocol.messages import Message, Refusal, Stopped
from ..sessions.figures import Figures
from .wire import close, refuse, send

WAITING_MESSAGES = 256
CONTROLS_PER_SECOND, MOST_CONTROLS = 20.0, 100.0


class Replies:
    """What a peer is to be told, in order, without waiting for it. One that never reads is cut off.

    may_end: set once the last message may go out.
    """

    def __init__(self, socket: ServerConnection, figures: Figures) -> None:
        self.may_end = asyncio.Event()
        self._socket = socket
        self._figures = figures
        self._messages: asyncio.Queue[Message] = asyncio.Queue(WAITING_MESSAGES)

    def tell(self, message: Message) -> None:
        """The peer is told; a fatal refusal is the last of it, and so is the end of the session."""
        if self._messages.full():
            self._socket.transport.abort()
        else:
            self._messages.put_nowait(message)

    async def send(self) -> None:
        """Sends messages until one of them is the last, and then closes."""
        while True:
            message = await self._messages.get()
            if isinstance(message, Refusal) and message.fatal:
                await refuse(self._socket, message, self._figures)
                return
            if isinstance(message, Stopped):
                await self.may_end.wait()
            await send(self._socket, message.to_json())
            if isinstance(message, Stopped):
                await close(self._socket, Close.DONE, "done")
                return


class Allowance:
    """How much text a peer may still send: so many frames a second, and some more at once."""

    def __init__(self) -> None:
        self._left, self._counted_at = MOST_CONTROLS, asyncio.get_running_loop().time()

    def refusal(self, frame: str | bytes) -> Refusal | None:
        """Why this frame is one too many, if it is."""
        if isinstance(frame, bytes):
            return None
        now = asyncio.get_running_loop().time()
        self._left = min(MOST_CONTROLS, self._left + (now - self._counted_at) * CONTROLS_PER_SECOND) - 1
        self._counted_at = now
        if self._left >= 0:
            return None
        message = f"more than {CONTROLS_PER_SECOND:g} text frames a second"
        return Refusal(code="too_many", message=message, fatal=True, close_code=Close.TOO_MANY)


async def all_of(*tasks: asyncio.Task[None]) -> None:
    """Waits for all, or for the first that fails, whose error is raised; none is left running."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
