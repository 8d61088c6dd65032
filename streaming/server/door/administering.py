"""An admin's socket: controls in, answers out, and events too where they are asked for."""

import asyncio

from websockets.asyncio.server import ServerConnection

from ..protocol.controls import minor
from ..protocol.ends import Close, Rejected, Subscription, told_by_admin
from ..protocol.messages import Control, KeepAlive, Refusal
from ..sessions.hub import Hub
from .addresses import Route
from .conversing import Allowance, Replies, all_of
from .feeding import feed
from .wire import close


class AdminEnd:
    """An admin's connection. It may open before its session, and outlives it unless it reads events."""

    def __init__(self, hub: Hub, socket: ServerConnection, route: Route) -> None:
        self._hub = hub
        self._socket = socket
        self._route = route
        self._replies = Replies(socket, hub.figures)

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._replies.send())]
        if self._route.reads_events:
            tasks.append(asyncio.create_task(self._feed_itself()))
        await all_of(*tasks)

    async def _feed_itself(self) -> None:
        await feed(self._hub, self._socket, self._route.session, Subscription.of(self._route.query))
        await close(self._socket, Close.DONE, "done")

    async def _read(self) -> None:
        allowance = Allowance()
        while True:
            frame = await self._socket.recv()
            if refusal := allowance.refusal(frame):
                self._replies.tell(refusal)
                return
            match told_by_admin(frame):
                case Control() as control:
                    await self._pass_on(control)
                case Refusal() as refusal:
                    self._replies.tell(refusal)
                case KeepAlive():
                    pass

    async def _pass_on(self, control: Control) -> None:
        try:
            await self._hub.tell(self._route.session, control, self._replies.tell)
        except Rejected as rejected:
            self._replies.tell(minor(rejected.refusal.code, str(rejected), control.id))
