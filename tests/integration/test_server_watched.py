"""The service as those meet it who watch over it, and through TLS."""

import asyncio
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError, ServiceError
from hocket.streaming.events import SessionEnd
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.door.access import Door, Tokens, certified
from hocket.streaming.server.sessions.limits import Limits
from tests.broker import certificates
from tests.served import Babble, service
from tests.talking import followed, run


async def asked(url: str, path: str, token: str | None = None, method: str = "GET") -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def ask() -> tuple[int, str]:
        address = url.replace("ws", "http", 1) + path
        request = urllib.request.Request(address, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


def figures(text: str) -> dict[str, float]:
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def test_figures_tell_what_was_done_and_nothing_of_who_or_what_was_said(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(1, 20)
        async with service(tmp_path) as url:
            published = await Publisher(url, "secret-room").run(source)
            assert await asked(url, "/readyz") == (200, "ready\n")
            assert await asked(url, "/readyz", method="HEAD") == (200, "")
            assert await asked(url, "/readyz", method="DELETE") == (405, "expected GET\n")
            assert await asked(url, "/v1/tickets", method="PUT") == (405, "expected POST\n")
            assert (await asked(url, "/v1/nowhere"))[0] == 404
            status, text = await asked(url, "/metrics")
            assert status == 200
            assert "secret-room" not in text
            found = figures(text)
            assert found["hocket_audio_seconds_total"] == pytest.approx(20, abs=0.1)
            said = sum(value for name, value in found.items() if name.startswith("hocket_events_total"))
            assert published.seq - 1 <= said <= published.seq  # session.start is out before any round
            assert found["hocket_round_seconds_count"] > 0
            assert found["hocket_sessions"] == found["hocket_waiting_sessions"] == 0
            assert found['hocket_refused_connections_total{code="no_session"}'] == 1

    run(test())


def test_where_there_are_tokens_figures_want_one_too(tmp_path: Path) -> None:
    tokens = Tokens(("p" * 20,), ("s" * 20,), ("a" * 20,), ("m" * 20,))

    async def test() -> None:
        async with service(tmp_path, Door(port=0, tokens=tokens)) as url:
            assert (await asked(url, "/metrics"))[0] == 401
            assert (await asked(url, "/metrics", "p" * 20))[0] == 401
            assert (await asked(url, "/metrics", "m" * 20))[0] == 200
            assert (await asked(url, "/metrics", "a" * 20))[0] == 200
            assert (await asked(url, "/healthz"))[0] == 200

    run(test())


def test_through_tls_all_is_as_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, certificate, key = certificates(tmp_path)

    async def test() -> None:
        source = Babble(2, 10)
        async with service(tmp_path, Door(port=0, tls=certified(certificate, key))) as plain:
            url = plain.replace("ws", "wss", 1)
            with pytest.raises(ServiceError, match="SSL_CERT_FILE"):
                await Publisher(url, "room").run(Babble(2, 10))
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            await Publisher(url, "room").run(source)
            assert await followed(url, "room") == source.said("room")
            old = ssl.create_default_context(cafile=authority)
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            with pytest.warns(DeprecationWarning, match="TLS"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            host, port = plain.removeprefix("ws://").split(":")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection(host, int(port), ssl=old)

    run(test())


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    _, certificate, key = certificates(tmp_path)
    with pytest.raises(ConfigError, match="expected a certificate in PEM and its key"):
        certified(key, certificate)
    with pytest.raises(ConfigError, match="nowhere"):
        certified(tmp_path / "nowhere", key)


def test_a_session_ends_when_it_is_as_long_as_may_be(tmp_path: Path) -> None:
    async def test() -> None:
        source = Babble(3, 60, pace=0.05)
        async with service(tmp_path, limits=Limits(most_seconds=5, idle_seconds=2)) as url:
            with pytest.raises(ServiceError, match="before the audio did"):
                await Publisher(url, "room").run(source)
            events = await followed(url, "room")
            assert isinstance(events[-1], SessionEnd)
            assert events[-1].reason == "as long as a session may be"
            assert 5 <= events[-1].duration < 60

    run(test())
