"""What a request asks for: its address as a route, and whether whoever asks may go there."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request

from ..protocol.ends import NAME, Close, Rejected
from .access import Door, check_origin, holder_of
from .tickets import Tickets

SOCKETS = re.compile(r"/v1/(?:live|sessions/(?P<session>[^/]*)/(?P<end>audio|events|admin))")


@dataclass(frozen=True, slots=True)
class Route:
    """What an address asks for: role produce, subscribe or admin, and whether it reads events beside.

    holder: what stands for the token of whoever asks; None where none is needed.
    """

    role: str
    session: str
    query: dict[str, str]
    reads_events: bool
    holder: str | None


def joined(headers: Headers) -> Headers:
    """Headers of which each stands once: several of a name are one list, as HTTP has it (RFC 9110, 5.3)."""
    return Headers([(name, ", ".join(headers.get_all(name))) for name in headers])


def route_of(request: Request, door: Door, tickets: Tickets) -> Route:
    """What a request asks for; a ticket in it is used then. Raises Rejected where there is nothing, or not
    for this one."""
    address = urlsplit(request.path)
    match = SOCKETS.fullmatch(address.path)
    if match is None:
        raise Rejected(
            "no_session", Close.NO_SESSION,
            f"nothing at {address.path[:80]!r}: expected /v1/live or /v1/sessions/NAME/ with audio, "
            "events or admin",
        )  # fmt: skip
    check_origin(request.headers, door)
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    role = _ROLES[match["end"]]
    named = match["session"] or query.get("session") or None
    if (ticket := query.pop("ticket", None)) is not None:
        holder = tickets.redeem(ticket, role, named).holder
    else:
        holder = holder_of(request.headers, door, role)
    session = named or secrets.token_hex(4)
    if not NAME.fullmatch(session):
        raise Rejected(
            "bad_config", Close.BAD_MESSAGE,
            f"session {session[:80]!r}: expected up to 64 letters, digits, '_', '.' and '-'",
        )  # fmt: skip
    reads_events = match["end"] is None or (role == "admin" and "from" in query)
    return Route(role, session, query, reads_events, holder)


_ROLES = {None: "produce", "audio": "produce", "events": "subscribe", "admin": "admin"}
