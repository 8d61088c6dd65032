"""The outbox: order, in memory and on disk, whatever goes wrong between."""

import random
from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.mqtt.message import Message
from hocket.streaming.mqtt.outbox import Outbox


def message(number: int, expires: float | None = None) -> Message:
    return Message("topic", str(number).encode(), expires=expires)


def payloads(outbox: Outbox, count: int = 1_000, now: float = 0.0) -> list[int]:
    return [int(message.payload) for _, message in outbox.head(count, now)]


def test_messages_leave_in_the_order_they_came_however_often_the_file_is_used(tmp_path: Path) -> None:
    rng, outbox = random.Random(7), Outbox(tmp_path / "o.db")
    came, left = 0, []
    while len(left) < 3_000:
        if came < 3_000:
            burst = range(came, came + rng.randrange(50))
            outbox.extend(message(number) for number in burst)
            came = burst.stop
        outbox.spill(rng.random() < 0.3)
        head = outbox.head(rng.randrange(1, 60), 0.0)
        arrived = head[: rng.randrange(len(head) + 1)]
        left += [int(each.payload) for _, each in arrived]
        if arrived:
            outbox.release(arrived[-1][0])
        if rng.random() < 0.05:
            outbox.close()
            outbox = Outbox(tmp_path / "o.db")
    outbox.close()
    assert left == list(range(len(left)))


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


@pytest.mark.parametrize("made_by", ["not a database, but text of some length " * 30, None])
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, made_by: str | None) -> None:
    path = tmp_path / "o.db" if made_by else tmp_path / "file" / "o.db"
    (path if made_by else tmp_path / "file").write_text(made_by or "")
    with pytest.raises(
        ConfigError, match=r"events cannot wait there for the broker: .*; choose a file with outbox="
    ):
        Outbox(path)
