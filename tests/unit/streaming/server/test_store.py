"""Sessions on disk: what is kept, what is forgotten, and what a crash leaves."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.captions.words import HeardWord
from hocket.streaming.errors import StoreError, UnknownSession
from hocket.streaming.events import Event, SessionStart, SpeakerNew
from hocket.streaming.server.protocol.messages import Merge, Name, Words
from hocket.streaming.server.sessions.inputs import Absence, Ending, Enrolling, Input, Sound, Told
from hocket.streaming.server.sessions.store import Step, Store, hold


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "data")
    yield store
    store.close()


def speaker(seq: int, session: str = "a") -> Event:
    return SpeakerNew(seq=seq, session=session, at=0.0, speaker=f"S{seq}")


def create(store: Store, session: str = "a") -> None:
    start = SessionStart(seq=1, session=session, at=0, rate=16_000, models={}, config={})
    store.create(session, b"token", "{}", b"snapshot 0", [start])


def test_a_step_is_stored_whole_and_in_order(store: Store) -> None:
    create(store)
    inputs: list[Input] = [
        Sound(np.arange(3, dtype=np.float32)),
        Absence(5, "network"),
        Told(Name(speaker="S1", name="Ä\ud800")),
        Told(Words(words=[HeardWord(text="so", start=0.5, end=0.75, id="w1")])),
        Enrolling("p1", "Anna", {"vectors": "AAAA"}),
    ]
    store.add([Step("a", inputs, [speaker(2), speaker(3)], 3, 0.5)])
    store.add([Step("a", [Told(Merge(speaker="S2", into="S1"))], [], 3, 0.5)])
    assert [seq for seq, _ in store.events("a", 1)] == [2, 3]
    assert [seq for seq, _ in store.events("a", limit=1)] == [1]
    kept = store.kept("a")
    assert (kept.snapshot, kept.seq) == (b"snapshot 0", 1)
    assert kept.inputs[1:] == [*inputs[1:], Told(Merge(speaker="S2", into="S1"))]
    assert isinstance(kept.inputs[0], Sound)
    np.testing.assert_array_equal(kept.inputs[0].samples, [0, 1, 2])
    listing = store.listing("a")
    assert (listing.sample, listing.seconds, listing.seq, listing.ended) == (3, 0.5, 3, None)


def test_steps_are_stored_together_or_not_at_all(store: Store) -> None:
    create(store)
    with pytest.raises(StoreError, match="UNIQUE"):
        store.add([Step("a", [], [speaker(2)], 1, 1.0), Step("a", [], [speaker(2)], 2, 2.0)])
    assert store.listing("a").seq == 1
    store.add([Step("a", [], [speaker(2)], 1, 1.0)])


def test_a_snapshot_forgets_the_inputs_before_it(store: Store) -> None:
    create(store)
    store.add([Step("a", [Absence(5, "x")], [speaker(2)], 5, 0.1)])
    store.add([Step("a", [Absence(6, "x")], [speaker(3)], 11, 0.2, snapshot=b"snapshot 1")])
    store.add([Step("a", [Absence(7, "x")], [], 18, 0.3)])
    kept = store.kept("a")
    assert (kept.snapshot, kept.seq, kept.inputs) == (b"snapshot 1", 3, [Absence(7, "x")])


def test_nothing_of_the_voices_is_kept_after_the_end(store: Store) -> None:
    create(store)
    store.add([Step("a", [Ending("end")], [speaker(2)], 5, 0.1, is_last=True)])
    with pytest.raises(UnknownSession):
        store.kept("a")
    assert store.listing("a").ended is not None


def test_a_name_is_given_once(store: Store) -> None:
    create(store)
    with pytest.raises(StoreError, match="a session 'a' exists"):
        create(store)


def test_only_sessions_that_ended_are_deleted(store: Store) -> None:
    create(store)
    with pytest.raises(StoreError, match="is going on"):
        store.delete("a")
    store.add([Step("a", [], [], 0, 0, is_last=True)])
    store.delete("a")
    assert (store.listings(), store.events("a")) == ([], [])
    with pytest.raises(UnknownSession, match="no session 'a'"):
        store.delete("a")


def test_old_sessions_go_by_age_and_then_by_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for age, session in ((100, "old"), (50, "middle"), (10, "young"), (200, "going on")):
        create(store, session)
        monkeypatch.setattr(time, "time", lambda age=age: now - age)
        events = [speaker(seq, session) for seq in range(2, 300)]
        store.add([Step(session, [], events, 0, 0, is_last=session != "going on")])
    monkeypatch.setattr(time, "time", lambda: now)
    assert store.retire(keep_seconds=80) == ["old"]
    assert store.retire(keep_bytes=store.num_bytes() - 1) == ["middle"]
    assert store.retire(keep_seconds=80, keep_bytes=10**9) == []
    assert {listing.id for listing in store.listings()} == {"young", "going on"}
    assert store.retire(keep_seconds=0, keep_bytes=0, spared={"young"}) == []
    assert store.retire(keep_bytes=0) == ["young"]


def test_a_folder_serves_one_process(tmp_path: Path) -> None:
    release = hold(tmp_path)
    with pytest.raises(StoreError, match="in use by another hocket serve"):
        hold(tmp_path)
    release()
    hold(tmp_path)()


def test_a_store_is_its_owners_and_refuses_others(tmp_path: Path) -> None:
    Store(tmp_path).close()
    assert (tmp_path / "sessions.db").stat().st_mode & 0o077 == 0
    db = sqlite3.connect(tmp_path / "sessions.db")
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(StoreError, match="is of version 7: expected 1"):
        Store(tmp_path)
    (tmp_path / "sessions.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(tmp_path)


def test_audio_and_snapshots_are_gone_from_the_files_when_a_session_ends(store: Store) -> None:
    voice = np.random.default_rng(1).standard_normal(20_000).astype(np.float32)
    vectors = np.random.default_rng(2).bytes(50_000)
    create(store)
    store.add([Step("a", [Sound(voice)], [], 20_000, 1.25, vectors)])
    store.add([Step("a", [Sound(voice)], [], 40_000, 2.5)])

    def found() -> list[bool]:
        kept = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
        pieces = [voice.tobytes()[at : at + 64] for at in range(0, 80_000, 8_000)]
        pieces += [vectors[at : at + 64] for at in range(0, 50_000, 5_000)]
        return [piece in kept for piece in pieces]

    assert all(found())
    store.add([Step("a", [], [], 40_000, 2.5, is_last=True)])
    assert not any(found())
