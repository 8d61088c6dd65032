"""The outbox: order, in memory and on disk, whatever goes wrong between."""

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.mqtt import outbox as outbox_module
from hocket.streaming.mqtt.marks import Mark
from hocket.streaming.mqtt.message import Message, Source
from hocket.streaming.mqtt.outbox import Outbox


def message(number: int, expires: float | None = None) -> Message:
    return Message("topic", str(number).encode(), expires=expires)


def payloads(outbox: Outbox, count: int = 1_000, now: float = 0.0) -> list[int]:
    return [int(message.payload) for message in outbox.take(count, now)]


def test_messages_leave_in_the_order_they_came_however_often_the_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "IN_MEMORY", 40)
    monkeypatch.setattr(outbox_module, "READ_AHEAD", 30)
    rng, outbox = random.Random(7), Outbox(tmp_path / "o.db")
    came, left, under_way = 0, list[int](), list[int]()
    while len(left) < 5_000:
        if came < 5_000:
            burst = range(came, came + rng.randrange(50))
            outbox.extend(message(number) for number in burst)
            came = burst.stop
        outbox.spill(rng.random() < 0.2)
        under_way += payloads(outbox, rng.randrange(1, 60))
        arrived = rng.randrange(len(under_way) + 1)
        outbox.arrived(arrived)
        left += under_way[:arrived]
        del under_way[:arrived]
        assert len(outbox) == came - len(left)
        if rng.random() < 0.1:
            outbox.put_back()
            under_way.clear()
        if rng.random() < 0.05:
            outbox.close()
            outbox = Outbox(tmp_path / "o.db")
            under_way.clear()
    outbox.close()
    assert left == list(range(len(left)))


def test_a_full_disk_costs_neither_order_nor_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "o.db")
    outbox.extend(message(number) for number in range(10))
    assert payloads(outbox, 5) == [0, 1, 2, 3, 4]
    outbox.spill(True)
    (pages,) = outbox._file.execute("PRAGMA page_count").fetchone()
    outbox._file.execute(f"PRAGMA max_page_count = {pages}")
    outbox.extend(Message("topic", str(number).encode().zfill(1_000)) for number in range(10, 100))
    outbox.put_back()
    assert payloads(outbox, 20) == list(range(20))
    outbox._file.execute("PRAGMA max_page_count = 1000000")
    outbox.extend([message(100)])
    assert payloads(outbox, 20) == list(range(20, 40))
    outbox.arrived(40)
    assert payloads(outbox) == list(range(40, 101))
    outbox.close()


def test_what_expires_is_let_go_and_what_does_not_stays_past_any_limit(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", limit=10)
    outbox.spill(True)
    outbox.extend(message(number, expires=100.0 + number if number % 2 else None) for number in range(40))
    assert payloads(outbox) == list(range(0, 40, 2))
    assert outbox.num_dropped == 20
    outbox.close()
    fresh = Outbox(tmp_path / "fresh.db")
    fresh.extend([message(0, expires=10.0), message(1), message(2, expires=10.0), message(3, expires=30.0)])
    fresh.spill(True)
    assert payloads(fresh, now=20.0) == [1, 3]
    fresh.close()


def test_two_processes_do_not_share_a_file(tmp_path: Path) -> None:
    first, second = Outbox(tmp_path / "o.db"), Outbox(tmp_path / "o.db")
    assert (first.path.name, second.path.name) == ("o.db", "o-2.db")
    first.close()
    second.close()


def test_what_an_older_hocket_left_is_published(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "o.db")) as file, file:
        file.execute(
            "CREATE TABLE outbox (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, "
            "qos INTEGER NOT NULL, expires REAL)"
        )
        file.execute("INSERT INTO outbox VALUES (1, 'topic', '1', 1, NULL)")
        file.execute("PRAGMA user_version = 1")
    outbox = Outbox(tmp_path / "o.db")
    assert payloads(outbox) == [1]
    outbox.arrived(1)
    outbox.close()


def test_marks_tell_how_far_the_broker_is_with_each_session(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    first, again = (Source("talk", run, 0) for run in ("first", "again"))
    outbox.marks.begin(first)
    outbox.extend(Message("topic", b"1", source=first._replace(seq=seq)) for seq in (1, 2, 3))
    outbox.take(3, 0.0)
    outbox.arrived(2)
    assert outbox.marks.all() == {"talk": Mark("first", 2)}
    outbox.marks.begin(again)  # a session of the same name
    outbox.arrived(1)
    outbox.close()
    outbox = Outbox(tmp_path / "o.db")
    assert outbox.marks.all() == {"talk": Mark("again", 0)}
    outbox.marks.forget(["talk"])
    assert outbox.marks.all() == {}
    outbox.close()


def test_what_comes_anew_is_let_go_and_the_rest_stays(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    outbox.extend(
        Message("topic", str(number).encode(), source=Source(f"talk-{number % 2}", "run", number))
        for number in range(10)
    )
    outbox.close()
    outbox = Outbox(tmp_path / "o.db")
    outbox.forget(["talk-0", "nobody"])
    assert len(outbox) == 5
    assert payloads(outbox) == [1, 3, 5, 7, 9]
    outbox.close()


@pytest.mark.parametrize("made_by", ["not a database, but text of some length " * 30, None])
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, made_by: str | None) -> None:
    path = tmp_path / "o.db" if made_by else tmp_path / "file" / "o.db"
    (path if made_by else tmp_path / "file").write_text(made_by or "")
    with pytest.raises(
        ConfigError, match=r"events cannot wait there for the broker: .*; choose a file with outbox="
    ):
        Outbox(path)
