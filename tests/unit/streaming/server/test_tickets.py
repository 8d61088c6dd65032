"""Tickets: once, soon, for what they were given for, and not without end."""

import json

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from hocket.streaming.server.door.access import Door, Tokens
from hocket.streaming.server.door.tickets import (
    MOST_TICKETS,
    SECONDS,
    Grant,
    Tickets,
    answer_for_ticket,
)
from hocket.streaming.server.protocol.ends import Rejected
from hocket.streaming.server.sessions.figures import Figures

P, S, A = "p" * 20, "s" * 20, "a" * 20
DOOR = Door(tokens=Tokens((P,), (S,), (A,)))
GRANT = Grant("produce", "room", "holder")
OTHERS = [("subscribe", "room"), ("produce", "other"), ("produce", None)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_opens_what_it_is_for_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue(GRANT)
    assert tickets.redeem(ticket, "produce", "room") == GRANT
    with pytest.raises(Rejected, match="this ticket is used"):
        tickets.redeem(ticket, "produce", "room")


@pytest.mark.parametrize(("role", "session"), OTHERS)
def test_a_ticket_opens_nothing_else_and_is_used_by_the_attempt(role: str, session: str | None) -> None:
    tickets = Tickets()
    ticket = tickets.issue(GRANT)
    for asked in ((role, session), ("produce", "room")):
        with pytest.raises(Rejected, match="ask for another"):
            tickets.redeem(ticket, *asked)


@pytest.mark.parametrize("guess", ["", "guessed", "ä\ud800", "x" * 5000])
def test_what_is_no_ticket_opens_nothing(guess: str) -> None:
    with pytest.raises(Rejected):
        Tickets().redeem(guess, "produce", "room")


def test_a_ticket_is_good_for_seconds_only() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    early, late = tickets.issue(GRANT), tickets.issue(GRANT)
    clock.now = SECONDS - 0.01
    assert tickets.redeem(early, "produce", "room")
    clock.now = SECONDS
    with pytest.raises(Rejected, match="older than 30 s"):
        tickets.redeem(late, "produce", "room")


def test_whoever_asks_for_too_many_has_to_wait_and_others_do_not() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    for _ in range(MOST_TICKETS):
        tickets.issue(GRANT)
    with pytest.raises(Rejected, match="256 tickets of this token wait"):
        tickets.issue(GRANT)
    tickets.issue(Grant("produce", "room", "somebody else"))
    clock.now = SECONDS
    tickets.issue(GRANT)


@pytest.mark.parametrize(
    ("query", "headers", "status", "said"),
    [
        ("role=produce&session=room", {"Authorization": f"Bearer {P}"}, 200, None),
        ("role=produce", {"Authorization": f"Bearer {A}"}, 200, None),
        ("role=subscribe&session=room", {"Authorization": f"Bearer {P}"}, 401, "a token that may subscribe"),
        ("role=admin&session=room", {}, 401, "a token that may admin"),
        ("role=dance", {"Authorization": f"Bearer {A}"}, 400, "role 'dance': expected one of produce"),
        ("role=admin&session=a/b", {"Authorization": f"Bearer {A}"}, 400, "session 'a/b' is no name"),
        (
            "role=produce",
            {"Authorization": f"Bearer {P}", "Origin": "https://elsewhere.example", "Host": "here"},
            403,
            "pages from elsewhere",
        ),
    ],
)
def test_who_asks_with_a_token_gets_a_ticket_or_is_told_why_not(
    query: str, headers: dict[str, str], status: int, said: str | None
) -> None:
    request = Request(f"/v1/tickets?{query}", Headers(headers))
    figures = Figures(int, int, int)
    response = answer_for_ticket(request, DOOR, Tickets(), figures)
    assert ("hocket_refused_connections_total{" in figures.text()) is (status != 200)
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "no-store"
    body = json.loads(response.body)
    if said is None:
        assert body["seconds"] == SECONDS
        assert len(body["ticket"]) == 32
    else:
        assert said in body["message"]
