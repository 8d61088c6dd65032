"""People across sessions: prints, the store, its encryption, what is left of who was forgotten."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.clustering.voiceprint import MOST_VECTORS, VoicePrint, joined
from hocket.streaming.errors import StoreError, UnknownSpeaker, VoicePrintError
from hocket.streaming.replay import Segment
from hocket.streaming.speakers.enrolment import only_speaker
from hocket.streaming.speakers.store import PeopleStore, Person


def voice(axis: int = 0, *, model: str = "model", count: int = 3, size: int = 4) -> VoicePrint:
    vectors = np.tile(np.eye(size, dtype=np.float32)[axis], (count, 1))
    return VoicePrint(model, vectors, np.full(count, 2, np.float32))


def test_a_print_survives_its_json_form_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    before = VoicePrint("model", rng.normal(size=(5, 192)), rng.uniform(0.5, 2, 5).round(2))
    after = VoicePrint.from_dict(json.loads(json.dumps(before.to_dict())))
    np.testing.assert_array_equal(after.vectors, before.vectors)
    np.testing.assert_allclose(after.seconds, before.seconds)
    assert after.model == "model"


def test_prints_of_one_voice_join_and_the_longest_stretches_stay() -> None:
    long = joined([voice(count=20), voice(count=20)])
    assert len(long.vectors) == MOST_VECTORS
    assert long.clean == 2 * MOST_VECTORS


@pytest.mark.parametrize(
    ("vectors", "seconds", "message"),
    [
        (np.zeros((0, 4)), np.zeros(0), "a voice print wants vectors"),
        (np.zeros((2, 4)), np.ones(2), "got NaN, infinite or 0"),
        (np.full((1, 4), np.nan), np.ones(1), "got NaN, infinite or 0"),
        (np.ones((1, 4)), np.zeros(1), "above 0, got 0.0"),
    ],
)
def test_a_print_of_nothing_is_refused(vectors: np.ndarray, seconds: np.ndarray, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(VoicePrintError, match=message):
        VoicePrint("model", vectors, seconds)


def test_a_damaged_print_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(VoicePrintError, match="voice print of version None: expected 1"):
        VoicePrint.from_dict({})
    with pytest.raises(VoicePrintError, match="damaged voice print"):
        VoicePrint.from_dict(voice().to_dict() | {"vectors": "no base64"})


def test_a_print_of_another_model_cannot_be_compared() -> None:
    with pytest.raises(VoicePrintError, match=r"of other \(4 numbers\) cannot be compared with model \(4"):
        voice(model="other").check("model", 4)


def test_a_recording_of_two_voices_makes_no_print() -> None:
    with pytest.raises(VoicePrintError, match=r"two voices, of 10\.0 s and 5\.0 s"):
        only_speaker([Segment(0, 10, "S1"), Segment(10, 15, "S2")])
    with pytest.raises(VoicePrintError, match="nobody speaks"):
        only_speaker([])
    assert only_speaker([Segment(0, 10, "S1"), Segment(10, 11, "S2")]) == "S1"


@pytest.mark.parametrize("key", [None, "a key of words"])
def test_people_are_there_again_when_the_store_is_opened_again(tmp_path: Path, key: str | None) -> None:
    with PeopleStore(tmp_path / "people.db", key) as store:
        anna = store.add("Anna", voice(0))
        store.add("Bert", voice(1))
        store.learn("anna", voice(0))
    with PeopleStore(tmp_path / "people.db", key) as store:
        assert [person.name for person in store.people()] == ["Anna", "Bert"]
        assert store.find(anna.id).prints["model"].clean == 12
        assert [profile.name for profile in store.profiles("model")] == ["Anna", "Bert"]


def test_names_and_prints_are_not_in_the_file_of_a_store_with_a_key(tmp_path: Path) -> None:
    for key, is_readable in ((None, True), ("a key", False)):
        path = tmp_path / f"{key}.db"
        with PeopleStore(path, key) as store:
            store.add("Anna-Katharina", voice())
        assert (b"Anna-Katharina" in path.read_bytes()) is is_readable


def test_a_store_opens_with_its_own_key_only(tmp_path: Path) -> None:
    PeopleStore(tmp_path / "locked.db", "right").close()
    PeopleStore(tmp_path / "open.db").close()
    with pytest.raises(StoreError, match="is encrypted with another key"):
        PeopleStore(tmp_path / "locked.db", "wrong")
    with pytest.raises(StoreError, match="is encrypted: give its key"):
        PeopleStore(tmp_path / "locked.db")
    with pytest.raises(StoreError, match="was made without a key"):
        PeopleStore(tmp_path / "open.db", "any")


def test_who_is_forgotten_is_nowhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    with PeopleStore(path) as store:
        anna = store.add("Anna-Katharina", voice(0, count=24, size=192))
        store.add("Bert", voice(1, size=192))
        store.rename("Anna-Katharina", "Anna-Karenina")
        store.forget("anna-karenina")
        assert [person.name for person in store.people()] == ["Bert"]
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for trace in (
        b"Anna-Kat",
        b"Anna-Kar",
        anna.id.encode(),
        json.dumps(anna.to_dict()["prints"]).encode()[:200],
    ):
        assert trace not in left


def test_an_exported_person_moves_to_another_store_under_the_same_id(tmp_path: Path) -> None:
    with PeopleStore(tmp_path / "one.db") as one, PeopleStore(tmp_path / "two.db", "key") as two:
        exported = json.loads(json.dumps(one.add("Anna", voice()).to_dict()))
        taken = two.take_in(Person.from_dict(exported))
        assert (taken.id, taken.name) == (exported["id"], "Anna")
        with pytest.raises(StoreError, match=r"Anna \(p\w+\) is in .*two.db already"):
            two.take_in(Person.from_dict(exported))
    with pytest.raises(StoreError, match="not an exported person"):
        Person.from_dict({"name": "Anna"})


def test_mistakes_are_told_with_what_there_is(tmp_path: Path) -> None:
    with PeopleStore(tmp_path / "people.db") as store:
        store.add("Anna", voice())
        with pytest.raises(UnknownSpeaker, match=r"nobody called 'Bert' in .*: it holds Anna"):
            store.find("Bert")
        with pytest.raises(StoreError, match=r"Anna \(p\w+\) is in .* already: learn adds to a voice"):
            store.add("ANNA", voice())
        with pytest.raises(VoicePrintError, match="no voice print of other, only of model"):
            store.profiles("other")


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    path.write_text("no database, but long enough to be looked at " * 40)
    with pytest.raises(StoreError, match=r"people.db is no store of people"):
        PeopleStore(path)


def test_a_row_that_was_moved_to_another_person_does_not_open(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    with PeopleStore(path, "key") as store:
        anna, bert = store.add("Anna", voice(0)), store.add("Bert", voice(1))
    database = sqlite3.connect(path)
    [(body,)] = database.execute("SELECT body FROM people WHERE id = ?", (anna.id,)).fetchall()
    database.execute("UPDATE people SET body = ? WHERE id = ?", (body, bert.id))
    database.commit()
    database.close()
    with PeopleStore(path, "key") as store, pytest.raises(StoreError, match="another key, or damaged"):
        store.people()
