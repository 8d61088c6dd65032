"""Microphones: what waits for the event loop and for a session is bounded, and what is let go is counted."""

import asyncio
from pathlib import Path

import pytest

from hocket.streaming.errors import StoreError
from hocket.streaming.server.rooms import microphones as module
from hocket.streaming.server.rooms.book import FILE, RoomBook
from hocket.streaming.server.rooms.datagrams import Datagram
from hocket.streaming.server.rooms.microphone import Microphone
from hocket.streaming.server.rooms.microphones import DEFAULT, MOST_ROOMS, Microphones


class Silent:
    """A hub with no session, and no need of one."""

    class limits:  # noqa: N801
        idle_seconds = 0.05

    sessions: list[str] = []  # noqa: RUF012


def heard(
    microphones: Microphones, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> list[tuple[str, Datagram]]:
    """What comes to the rooms of all that waits."""
    came: list[tuple[str, Datagram]] = []
    monkeypatch.setattr(Microphone, "hear", lambda self, datagram: came.append((self._room, datagram)))

    async def run() -> None:
        running = asyncio.create_task(microphones.run(Silent(), RoomBook(folder)))  # type: ignore[arg-type]
        await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    return came


def test_what_waits_for_the_event_loop_is_bounded_and_what_is_let_go_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES", 10_000)
    microphones = Microphones(lambda room, error: None)
    for _ in range(100):
        microphones.hear("hall", bytes(1_000), None)
    came = heard(microphones, monkeypatch, tmp_path)
    assert len(came) == 9
    microphones.hear("hall", bytes(1_000), None)
    [(_, datagram)] = heard(microphones, monkeypatch, tmp_path)
    assert datagram.lost == 91_000


def test_what_waits_for_a_session_is_bounded_and_what_is_let_go_is_counted() -> None:
    async def run() -> Datagram | None:
        microphone = Microphone(Silent(), "hall", DEFAULT, None, print)  # type: ignore[arg-type]
        for number in range(100):
            microphone.hear(Datagram(bytes(32_000), None, float(number)))
        return await microphone._next()

    datagram = asyncio.run(run())
    assert datagram is not None
    assert datagram.at == 68.0  # 32 of them are a mebibyte
    assert datagram.lost == 68 * 32_000


def test_rooms_are_only_so_many_whatever_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    microphones = Microphones(lambda room, error: said.append(room))
    for number in range(2 * MOST_ROOMS):
        microphones.hear(f"A room {number}", bytes(2), "no number")
        microphones.declare(f"room-{number}", b"{")
    assert heard(microphones, monkeypatch, tmp_path) == []
    assert len(said) == len(set(said)) == 2 * MOST_ROOMS


def test_the_book_of_rooms_keeps_its_key_and_only_what_goes_on(tmp_path: Path) -> None:
    book = RoomBook(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    book.begin("hall.1", 500, ["hall.1"])
    book.begin("den.1", 0, ["hall.1", "den.1"])
    again = RoomBook(tmp_path)
    assert (again.key, again.first("hall.1"), again.first("den.1")) == (book.key, 500, 0)
    again.begin("den.2", None, ["hall.1", "den.2"])
    assert [RoomBook(tmp_path).first(name) for name in ("hall.1", "den.1", "den.2")] == [500, None, None]
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(StoreError, match="mend or remove it"):
        RoomBook(tmp_path)
