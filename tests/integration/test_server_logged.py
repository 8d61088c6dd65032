"""What a server writes down of what it does: every session, and nothing of what was said in it or by whom."""

import asyncio
import base64
import json
import logging
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hocket.streaming.cli.log_lines import logged
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Caption, SpeakerUpdate
from hocket.streaming.server.door.access import Door, Tokens
from hocket.streaming.server.protocol.messages import Control
from hocket.streaming.server.sessions import hosted
from tests.integration.test_server import ticket_for
from tests.served import Babble, service
from tests.talking import START, closed, followed, heard, run, said

PRODUCE, SUBSCRIBE, ADMIN = "produce-7f3a91c5e2", "subscribe-04b8d6a1f9", "admin-c2e75d90b3"
WORD, NAME, GUESS = "rhabarberkuchen", "Annegret Quitte", "guess-55d0c8e1a7"


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_nothing_of_what_is_said_and_by_whom_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = hosted.tell

    def failing(diarizer: Diarizer, control: Control) -> object:
        if control.id == "break":
            raise RuntimeError(f"{NAME} said {WORD}")
        return tell(diarizer, control)

    monkeypatch.setattr(hosted, "tell", failing)
    source, secrets = Babble(1, 20), [WORD, NAME, PRODUCE, SUBSCRIBE, ADMIN, GUESS]
    words = [{"text": WORD, "start": 1.0, "end": 1.5, "id": "w1"}]

    async def test(url: str) -> None:
        audio = f"{url}/v1/sessions/room/audio"
        for given in ({"additional_headers": bearer(GUESS)}, {}):
            with pytest.raises(InvalidStatus):
                await connect(f"{audio}?ticket={GUESS}" if not given else audio, proxy=None, **given)
        ticket = await asyncio.to_thread(ticket_for, url.replace("ws:", "http:"), "produce", PRODUCE)
        secrets.append(ticket)
        async with connect(f"{audio}?ticket={ticket}", proxy=None) as producer:
            await said(producer, **START)
            secrets.append((await heard(producer, "started"))["token"])
            await producer.send(source.pcm())
            await said(producer, type="words", words=words)
            await said(producer, type="words", words=[{**words[0], "text": f"{WORD}\x07"}])
            await said(producer, type="finalize", id="heard")
            await heard(producer, "finalized")
            async with connect(
                f"{url}/v1/sessions/room/admin", proxy=None, additional_headers=bearer(ADMIN)
            ) as admin:
                await said(admin, type="name", id="1", speaker="S1", name=NAME)
                await heard(admin, "done")
                await said(admin, type="name", id="2", speaker=NAME, name=NAME)
                await heard(admin, "error")
                await said(admin, type="name", id="break", speaker="S1", name=NAME)
                assert (await closed(producer))[1] == 1011
            stranger = await connect(audio, proxy=None, additional_headers=bearer(PRODUCE))
            await said(stranger, **START | {"resume": {"token": GUESS}})
            assert (await closed(stranger))[1] == 4403
        producer = await connect(audio, proxy=None, additional_headers=bearer(PRODUCE))
        await said(producer, **START | {"resume": {"token": secrets[-1]}})
        await heard(producer, "started")
        await said(producer, type="stop")
        await closed(producer)
        events = await followed(url, "room", bearer=SUBSCRIBE)
        assert any(isinstance(event, Caption) and WORD in event.text for event in events)
        assert any(isinstance(event, SpeakerUpdate) and event.name == NAME for event in events)

    async def serve_and_test() -> None:
        async with service(tmp_path, Door(port=0, tokens=Tokens((PRODUCE,), (SUBSCRIBE,), (ADMIN,)))) as url:
            await test(url)

    with logged("json"):
        run(serve_and_test())
    text = capsys.readouterr().err
    told = lines(text)
    assert [line["event"] for line in told if line.get("session") == "room"] == [
        "session.begun", "session.stumbled", "session.resumed", "session.ended",
    ]  # fmt: skip
    assert [line["code"] for line in told if line["event"] == "refused"] == [
        "unauthorized", "unauthorized", "internal", "forbidden",
    ]  # fmt: skip
    [ended] = [line for line in told if line["event"] == "session.ended"]
    assert (ended["level"], ended["reason"], ended["seconds"]) == ("info", "end", 20.0)
    [stumbled] = [line for line in told if line["event"] == "session.stumbled"]
    assert (stumbled["level"], stumbled["error"]) == ("error", "RuntimeError")
    assert stumbled["where"][-1].endswith("failing")
    pcm = source.pcm()
    pieces = [pcm[at : at + 24] for at in range(0, len(pcm), 8000)]
    secrets += [base64.b64encode(piece).decode() for piece in pieces]
    secrets += [piece.hex() for piece in pieces] + [json.dumps(word)[1:-1] for word in (WORD, NAME)]
    assert [secret for secret in secrets if secret in text] == []


def test_a_line_is_an_object_with_the_time_and_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    logger, began = logging.getLogger("hocket.streaming.test"), time.time()
    with logged("json"):
        logger.info("room %s\nends", "ä", extra={"event": "session.ended", "session": "ä", "name_": "Anna"})
        logging.getLogger("somebody.else").warning("beware")
        logging.getLogger("somebody.else").info("by the way")
        with pytest.warns(UserWarning, match="old"):
            warnings.warn("old", UserWarning, stacklevel=1)
    first, second = lines(capsys.readouterr().err)
    assert {key: first[key] for key in first.keys() - {"time"}} == {
        "level": "info", "event": "session.ended", "message": "room ä\nends", "session": "ä",
    }  # fmt: skip
    assert first["time"][:19] in {
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) for at in (began, time.time())
    }
    assert (second["level"], second["event"], second["message"]) == ("warning", "else", "beware")


def test_what_ends_a_server_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), logged("json"):
        raise ConfigError("no such thing")
    [line] = lines(capsys.readouterr().err)
    assert (line["level"], line["event"], line["message"]) == ("critical", "failed", "no such thing")
    with pytest.raises(ConfigError), logged("text"):
        raise ConfigError("no such thing")


def test_people_read_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    with logged("text"):
        logging.getLogger("hocket.streaming.test").info("session %s ends", "room", extra={"session": "room"})
    assert capsys.readouterr().err == "session room ends\n"
