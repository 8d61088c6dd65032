"""What a server forgets while it runs: sessions that ended long ago, or beyond so many bytes the oldest."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from hocket.streaming.errors import HocketError

from .limits import Limits
from .remarks import remark
from .store import Store

logger = logging.getLogger(__name__)

TIDY_SECONDS = 60.0
SECONDS_A_DAY = 86_400

Call = Callable[[Callable[[], list[str]]], Awaitable[list[str]]]


async def retire(store: Store, limits: Limits, followed: Callable[[], Collection[str]], call: Call) -> None:
    """Forgets, now and again, until cancelled; never a session that goes on, or that somebody reads.

    followed: names those that somebody reads. call: has the store's work done by whoever writes to it.
    """
    seconds = None if limits.keep_days is None else limits.keep_days * SECONDS_A_DAY
    forget = partial(store.retire, keep_seconds=seconds, keep_bytes=limits.keep_bytes)
    while True:
        try:
            retired = await call(partial(forget, spared=followed()))
        except HocketError as error:  # it is tried again
            logger.error("no session can be forgotten: %s", error)
        else:
            for name in retired:
                remark("is forgotten", name, "forgotten")
        await asyncio.sleep(TIDY_SECONDS)
