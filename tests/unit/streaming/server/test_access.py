"""Tokens, origins, and where a server may listen."""

import base64
from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.server.door.access import (
    ROLES,
    Door,
    Tokens,
    bearer,
    check_bind,
    comes_from_here,
    fingerprint,
    origin_allowed,
)

P, S, A, M = ("p" * 20, "s" * 20, "a" * 20, "m" * 20)
TOKENS = Tokens((P,), (S,), (A,), (M,))


def test_a_token_opens_its_role_and_an_admin_s_every_role() -> None:
    for role, token in zip(ROLES, (P, S, A, M)):
        assert TOKENS.allow(role, token)
        assert TOKENS.allow(role, A)
        assert not TOKENS.allow(role, None)
        assert not TOKENS.allow(role, "")
        assert [each for each in (P, S, M) if TOKENS.allow(role, each)] == (
            [token] if role != "admin" else []
        )


def test_without_tokens_everybody_may_and_with_some_a_role_that_has_none_is_closed() -> None:
    assert all(Tokens().allow(role, None) for role in ROLES)
    some = Tokens(produce=(P,))
    assert some.allow("produce", P)
    assert not any(
        some.allow(role, token) for role in ("subscribe", "admin", "metrics") for token in (P, None)
    )


def test_any_byte_may_come_as_a_token() -> None:
    sent = b"p\xff\x80".decode("ascii", "surrogateescape")
    assert not TOKENS.allow("produce", bearer({"Authorization": f"Bearer {sent}"}))
    assert fingerprint(sent) != fingerprint("p")


def test_a_browser_s_token_comes_as_a_subprotocol() -> None:
    encoded = base64.urlsafe_b64encode(P.encode()).decode().rstrip("=")
    assert bearer({"Sec-WebSocket-Protocol": f"hocket.v1, hocket.bearer.{encoded}"}) == P
    assert bearer({"Sec-WebSocket-Protocol": "hocket.v1, hocket.bearer.ä"}) is None
    assert bearer({"Authorization": "bearer  x "}) == "x"
    assert bearer({}) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("produce = [", "is not TOML"),
        ("produce = []\nsubscribe = ['ssssssssssssssss']", "produce wants a list of tokens, at least one"),
        ("produce = ['short']\nsubscribe = ['ssssssssssssssss']", "16 or more ASCII characters"),
        ("produce = ['pppppppppppppppp']", "has no subscribe tokens: expected produce and subscribe"),
        ("produse = ['pppppppppppppppp']", r"no role 'produse': did you mean 'produce'\?"),
        ("x = 1", "no role 'x': expected produce, subscribe, admin, metrics"),
    ],
)
def test_a_file_of_tokens_says_what_is_wrong_with_it(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        Tokens.read(path)


def test_a_file_of_tokens_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(f"produce = ['{P}']\nsubscribe = ['{S}']\nadmin = ['{A}']\n")
    assert Tokens.read(path) == Tokens((P,), (S,), (A,))


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        (None, "127.0.0.1:8765", True),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("http://127.0.0.1:9999", "127.0.0.1:8765", False),
        ("https://known.example", "127.0.0.1:8765", True),
        ("https://elsewhere.example", "127.0.0.1:8765", False),
        ("http://rebound.example:8765", "rebound.example:8765", False),
        ("http://localhost.rebound.example:8765", "localhost.rebound.example:8765", False),
        ("http://127.0.0.1.rebound.example:8765", "127.0.0.1.rebound.example:8765", False),
        ("null", "127.0.0.1:8765", False),
        ("null", "", False),
        ("http://[", "[", False),
        ("", "", False),
    ],
)
def test_pages_connect_to_their_own_host_but_by_no_name_that_anybody_may_point_here(
    origin: str | None, host: str, is_allowed: bool
) -> None:
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    assert origin_allowed(headers, Door(origins=("https://known.example",))) is is_allowed


def test_a_name_is_as_good_as_an_address_where_tokens_are_asked_for_or_it_is_the_server_s() -> None:
    headers = {"Origin": "https://Hocket.example", "Host": "hocket.example"}
    assert not origin_allowed(headers, Door(insecure=True))
    assert origin_allowed(headers, Door(tokens=TOKENS))
    assert origin_allowed(headers, Door(host="hocket.example", insecure=True))


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.5", "127.0.0.1.example.org", "meeting-room"]
)
def test_others_reach_nothing_without_tokens(host: str) -> None:
    with pytest.raises(ConfigError, match="can be reached from other machines, and no tokens are set"):
        check_bind(host, Tokens(), insecure=False)
    check_bind(host, TOKENS, insecure=False)
    check_bind(host, Tokens(), insecure=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "localhost"])
def test_this_machine_needs_no_tokens(host: str) -> None:
    check_bind(host, Tokens(), insecure=False)


def test_a_proxy_on_this_machine_is_not_this_machine() -> None:
    here = {"Host": "127.0.0.1:8765"}
    assert comes_from_here("127.0.0.1", here)
    assert comes_from_here("::ffff:127.0.0.1", here)
    assert not comes_from_here("192.168.1.5", here)
    assert not comes_from_here("127.0.0.1", here | {"X-Forwarded-For": "192.168.1.5"})
    assert not comes_from_here("127.0.0.1", {"Host": "rebound.example:8765"})
    assert not comes_from_here("127.0.0.1", {})
