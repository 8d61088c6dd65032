"""Tickets: what a browser shows in an address, where a token would stay in histories and in logs of proxies.

`POST /v1/tickets?role=…&session=…` gives one to whoever has a token for that role. It opens one socket, once,
soon. Kept in memory alone: after a restart a page asks for another.
"""

import hashlib
import http
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ..protocol.ends import NAME, Close, Rejected
from ..sessions.figures import Figures
from .access import Door, check_origin, holder_of

ADDRESS = "/v1/tickets"
SECONDS = 30.0  # that a ticket is good for
MOST_TICKETS = 256  # of one holder that wait to be used
ROLES = ("produce", "subscribe", "admin")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a ticket stands for: a role in a session, None for one without a name, and whose token gave it."""

    role: str
    session: str | None
    holder: str | None


class Tickets:
    """Tickets that wait to be used. clock: seconds, of any beginning.

    Looked up by their hashes, so that how long it takes tells nothing of how much of a guess was right.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[bytes, tuple[float, Grant]] = {}  # by digest, the oldest first

    def issue(self, grant: Grant) -> str:
        """A ticket for that. Raises Rejected where its holder has too many that are not used."""
        self._forget_old()
        if sum(kept.holder == grant.holder for _, kept in self._grants.values()) >= MOST_TICKETS:
            raise Rejected(
                "too_many",
                Close.TOO_MANY,
                f"{MOST_TICKETS} tickets of this token wait to be used: use them, or wait {SECONDS:g} s",
            )
        ticket = secrets.token_urlsafe(24)
        self._grants[_digest(ticket)] = self._clock() + SECONDS, grant
        return ticket

    def redeem(self, ticket: str, role: str, session: str | None) -> Grant:
        """What it stands for, which it does no more, even if that is something else. Raises Rejected."""
        self._forget_old()
        _, grant = self._grants.pop(_digest(ticket), (0.0, None))
        if grant is None or (grant.role, grant.session) != (role, session):
            raise Rejected(
                "unauthorized",
                Close.UNAUTHORIZED,
                f"this ticket is used, older than {SECONDS:g} s or for something else: ask for another",
            )
        return grant

    def _forget_old(self) -> None:
        now = self._clock()
        while self._grants and (oldest := next(iter(self._grants))) and self._grants[oldest][0] <= now:
            del self._grants[oldest]


def answer_for_ticket(request: Request, door: Door, tickets: Tickets, figures: Figures) -> Response:
    """A ticket as JSON for a request at `ADDRESS`, or why there is none, as a socket would say it."""
    try:
        ticket = tickets.issue(_asked(request, door))
    except Rejected as rejected:
        figures.refused(rejected.refusal.code)
        status = _STATUS.get(rejected.refusal.close_code or 0, http.HTTPStatus.BAD_REQUEST)
        return _response(status, rejected.refusal.to_json())
    return _response(http.HTTPStatus.OK, json.dumps({"ticket": ticket, "seconds": SECONDS}))


def _asked(request: Request, door: Door) -> Grant:
    """Raises Rejected for what nobody may have, or not whoever asks."""
    check_origin(request.headers, door)
    query = dict(parse_qsl(urlsplit(request.path).query))
    role, session = query.get("role", ""), query.get("session")
    if role not in ROLES:
        expected = ", ".join(ROLES)
        raise Rejected("bad_config", Close.BAD_MESSAGE, f"role {role[:40]!r}: expected one of {expected}")
    if session is not None and not NAME.fullmatch(session):
        raise Rejected("bad_config", Close.BAD_MESSAGE, f"session {session[:80]!r} is no name of one")
    return Grant(role, session, holder_of(request.headers, door, role))


def _response(status: http.HTTPStatus, body: str) -> Response:
    content = body.encode()
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, content)


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()


_STATUS = {
    Close.UNAUTHORIZED: http.HTTPStatus.UNAUTHORIZED,
    Close.FORBIDDEN: http.HTTPStatus.FORBIDDEN,
    Close.TOO_MANY: http.HTTPStatus.TOO_MANY_REQUESTS,
}
