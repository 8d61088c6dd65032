"""Events to a socket: each once, in order, at the pace of its reader."""

import asyncio
import json

from websockets.asyncio.server import ServerConnection

from hocket.streaming.events import Event

from ..protocol.ends import Close, Subscription
from ..protocol.messages import Heartbeat, Refusal
from ..sessions.hub import Hub
from .wire import close, hold_little, refuse, send

HEARTBEAT_SECONDS = 5.0


async def feed(hub: Hub, socket: ServerConnection, session: str, asked: Subscription) -> None:
    """Events from the one asked for to the session's last; sends away whom it cannot serve."""
    hold_little(socket)
    seq = asked.from_seq - 1
    with hub.follow(session) as log:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    rows = await log.after(seq)
            except TimeoutError:
                beat = Heartbeat(seq=log.seq, lag=round(log.lag, 3), rtf=round(log.rtf, 3))
                await send(socket, beat.to_json())
                continue
            if not rows and seq >= log.seq:
                return
            if not rows or rows[0][0] != seq + 1:
                gone = f"events before {rows[0][0] if rows else log.seq + 1} are no longer kept"
                expired = Refusal(code="expired", message=gone, fatal=True, close_code=Close.EXPIRED)
                await refuse(socket, expired, hub.figures)
                return
            for number, text in rows:
                if not asked.finals or asked.wants(Event.from_dict(json.loads(text))):
                    try:
                        await send(socket, text)
                    except TimeoutError:
                        hub.figures.refused("slow_consumer")
                        await close(socket, Close.SLOW, "slow_consumer: come back, from the next seq")
                        return
                seq = number
