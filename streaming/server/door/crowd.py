"""Connections as they are now, by where they come from: no more than a server can bear, in all and of one."""

import asyncio
import ipaddress
from collections import Counter

from websockets.asyncio.server import ServerConnection

from ..protocol.ends import Close, Rejected
from .access import Door

CUT_OFF = 2  # times as many as are let in: from there on nobody is told why
WHOSE = 64  # leading bits of an IPv6 address that one network has


class Crowd:
    """Who is connected, from the first byte on, whether or not anything was asked for yet."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._from: Counter[str] = Counter()

    def enter(self, place: str) -> None:
        """One more from there."""
        self._from[place] += 1

    def leave(self, place: str) -> None:
        """One less."""
        self._from[place] -= 1
        if not self._from[place]:
            del self._from[place]

    def check(self, place: str) -> None:
        """Raises Rejected where the newest from there is one too many."""
        if self._from.total() > self._door.most_connections:
            raise Rejected(
                "full",
                Close.FULL,
                f"{self._door.most_connections} connections, which is all: come back later, or see "
                "--max-connections",
            )
        if self._from[place] > self._door.most_per_address:
            raise Rejected(
                "too_many",
                Close.TOO_MANY,
                f"{self._door.most_per_address} connections from {place}, which is all for one address: "
                "close some, or see --max-connections-per-address",
            )

    def is_crushing(self, place: str) -> bool:
        """Whether there are so many that not even a refusal is worth its while."""
        return (
            self._from.total() > CUT_OFF * self._door.most_connections
            or self._from[place] > CUT_OFF * self._door.most_per_address
        )


def place_of(connection: ServerConnection) -> str:
    """Where a connection comes from: an IPv4 address, or the network of an IPv6 one."""
    peer = connection.remote_address
    if not peer:
        return "nowhere"  # gone before anybody looked
    address = ipaddress.ip_address(peer[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, WHOSE), strict=False))
        address = address.ipv4_mapped
    return str(address)


def counted_in(crowd: Crowd) -> type[ServerConnection]:
    """Connections that are counted while they last, and cut off where there are far too many."""

    class Counted(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._place = place_of(self)
            crowd.enter(self._place)
            if crowd.is_crushing(self._place):
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            crowd.leave(self._place)
            super().connection_lost(exc)

    return Counted
