"""What a request asks for: its address as a route, and whether whoever asks may go there."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request

from .access import Door, bearer, origin_allowed
from .protocol import NAME, Close, Rejected

SOCKETS = re.compile(r"/v1/(?:live|sessions/(?P<session>[^/]*)/(?P<end>audio|events|admin))")


@dataclass(frozen=True, slots=True)
class Route:
    """What an address asks for: role produce, subscribe or admin, and whether it reads events beside."""

    role: str
    session: str
    query: dict[str, str]
    reads_events: bool


def joined(headers: Headers) -> Headers:
    """Headers of which each stands once: several of a name are one list, as HTTP has it (RFC 9110, 5.3)."""
    return Headers([(name, ", ".join(headers.get_all(name))) for name in headers])


def route_of(request: Request, door: Door) -> Route:
    """What a request asks for. Raises Rejected where there is nothing, or not for this one."""
    address = urlsplit(request.path)
    match = SOCKETS.fullmatch(address.path)
    if match is None:
        raise Rejected(
            "no_session", Close.NO_SESSION,
            f"nothing at {address.path[:80]!r}: expected /v1/live or /v1/sessions/NAME/ with audio, "
            "events or admin",
        )  # fmt: skip
    if not origin_allowed(request.headers, door):
        raise Rejected("forbidden", Close.FORBIDDEN, "pages from elsewhere are not let in: see --origin")
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    role = _ROLES[match["end"]]
    if not door.tokens.allow(role, bearer(request.headers)):
        raise Rejected("unauthorized", Close.UNAUTHORIZED, f"a token that may {role} is needed")
    session = match["session"] or query.get("session") or secrets.token_hex(4)
    if not NAME.fullmatch(session):
        raise Rejected(
            "bad_config", Close.BAD_MESSAGE,
            f"session {session[:80]!r}: expected up to 64 letters, digits, '_', '.' and '-'",
        )  # fmt: skip
    reads_events = match["end"] is None or (role == "admin" and "from" in query)
    return Route(role, session, query, reads_events)


_ROLES = {None: "produce", "audio": "produce", "events": "subscribe", "admin": "admin"}
