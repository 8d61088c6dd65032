"""People across sessions: a file with everybody's name and voice prints, encrypted where a key is given."""

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ..clustering.people import Profile
from ..clustering.voiceprint import VoicePrint, joined
from ..errors import StoreError, UnknownSpeaker, VoicePrintError
from .sealing import SALT_BYTES, KeySeal, NoSeal, Seal

FORMAT = "hocket person 1"
_VERSION = "1"
_TOKEN = b"hocket people"
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE people (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody whose voice is known. id: theirs for good, the `profile` of events. prints: by model."""

    id: str
    name: str
    created: str
    prints: Mapping[str, VoicePrint]

    def to_dict(self) -> dict[str, Any]:
        """All that is known, JSON-ready."""
        return {
            "format": FORMAT,
            "id": self.id,
            "name": self.name,
            "created": self.created,
            "prints": [voice.to_dict() for voice in self.prints.values()],
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The person that `to_dict` wrote. Raises StoreError for anything else."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise StoreError(f"not an exported person: expected format {FORMAT!r}")
        try:
            prints = [VoicePrint.from_dict(each) for each in data["prints"]]
            values = str(data["id"]), str(data["name"]), str(data["created"])
        except (KeyError, TypeError, AttributeError, VoicePrintError) as error:
            raise StoreError(f"damaged export of a person: {error!r}") from error
        return cls(*values, {voice.model: voice for voice in prints})


class PeopleStore:
    """The people in one SQLite file, which is made where it is not there.

    key: without it everything is readable to whoever can read the file; with it names and prints are
    encrypted (how many people there are, and their random ids, are not). A store is made with a key, or
    without one, for good. What is forgotten is overwritten in the file; copies of the file are not hocket's.

    Raises StoreError for a file that is no store, a missing or wrong key, and a key where none was used;
    MissingDependency for a key without the `people` extra.
    """

    def __init__(self, path: str | Path, key: str | None = None) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._database.execute("PRAGMA secure_delete = ON")
            self._seal = self._opened(key or None)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} is no store of people: {error}") from error

    def _opened(self, key: str | None) -> Seal:
        if not self._database.execute("SELECT 1 FROM sqlite_master").fetchone():
            salt = secrets.token_bytes(SALT_BYTES)
            seal: Seal = NoSeal() if key is None else KeySeal(key, salt)
            with self._transaction():
                for statement in _SCHEMA.strip().splitlines():
                    self._database.execute(statement)
                about = {"version": _VERSION.encode(), "token": seal.close(_TOKEN, "token")}
                about |= {} if key is None else {"salt": salt}
                self._database.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            self.path.chmod(0o600)
            return seal
        about = dict(self._database.execute("SELECT name, value FROM about").fetchall())
        if about.get("version") != _VERSION.encode():
            raise StoreError(f"{self.path} is of version {about.get('version')!r}, expected {_VERSION}")
        if (key is None) != ("salt" not in about):
            raise StoreError(
                f"{self.path} is encrypted: give its key"
                if key is None
                else f"{self.path} was made without a key: export its people into a new store that has one"
            )
        seal = NoSeal() if key is None else KeySeal(key, about["salt"])
        try:
            seal.open(about["token"], "token")
        except StoreError:
            raise StoreError(f"{self.path} is encrypted with another key") from None
        return seal

    # Who is there

    def people(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._database.execute("SELECT id, body FROM people").fetchall()
        return sorted((self._person(*row) for row in rows), key=lambda p: (p.name.casefold(), p.id))

    def find(self, who: str) -> Person:
        """The person of this id or name, whatever its case. Raises UnknownSpeaker."""
        people = self.people()
        for person in people:
            if who == person.id or who.casefold() == person.name.casefold():
                return person
        names = ", ".join(person.name for person in people) or "nobody"
        raise UnknownSpeaker(f"nobody called {who!r} in {self.path}: it holds {names}")

    def profiles(self, model: str) -> list[Profile]:
        """Whom a session with this embedding model can recognise.

        Raises VoicePrintError where there are people, but none with a print of that model.
        """
        people = self.people()
        profiles = [Profile(p.id, p.name, p.prints[model]) for p in people if model in p.prints]
        if people and not profiles:
            models = sorted({name for person in people for name in person.prints})
            raise VoicePrintError(
                f"{self.path} has no voice print of {model}, only of {', '.join(models)}: "
                "add the people again with the models of this session"
            )
        return profiles

    # What changes it

    def add(self, name: str, voice: VoicePrint) -> Person:
        """A new person. Raises StoreError for a name that somebody has."""
        self._require_free(name)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        return self._put(Person(f"p{secrets.token_hex(6)}", name, created, {voice.model: voice}))

    def learn(self, who: str, voice: VoicePrint) -> Person:
        """More of a known person's voice, beside what there is of that model. Raises UnknownSpeaker."""
        person = self.find(who)
        known = person.prints.get(voice.model)
        more = voice if known is None else joined([known, voice])
        return self._put(replace(person, prints={**person.prints, voice.model: more}))

    def rename(self, who: str, name: str) -> Person:
        """The person under another name. Raises UnknownSpeaker, StoreError for a name that somebody has."""
        person = self.find(who)
        if name.casefold() != person.name.casefold():
            self._require_free(name)
        return self._put(replace(person, name=name))

    def take_in(self, person: Person) -> Person:
        """An exported person, under the same id. Raises StoreError where the id or the name is there."""
        if any(known.id == person.id for known in self.people()):
            raise StoreError(f"{person.name} ({person.id}) is in {self.path} already")
        self._require_free(person.name)
        return self._put(person)

    def forget(self, who: str) -> Person:
        """Everything of a person goes, and its place in the file is overwritten. Raises UnknownSpeaker."""
        person = self.find(who)
        with self._transaction():
            self._database.execute("DELETE FROM people WHERE id = ?", (person.id,))
        self._database.execute("VACUUM")
        return person

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require_free(self, name: str) -> None:
        if not name.strip():
            raise StoreError("a person needs a name, got none")
        with contextlib.suppress(UnknownSpeaker):
            taken = self.find(name)
            raise StoreError(f"{taken.name} ({taken.id}) is in {self.path} already: learn adds to a voice")

    def _put(self, person: Person) -> Person:
        body = self._seal.close(json.dumps(person.to_dict()).encode(), person.id)
        with self._transaction():
            self._database.execute("INSERT OR REPLACE INTO people VALUES (?, ?)", (person.id, body))
        return person

    def _person(self, person_id: str, body: bytes) -> Person:
        try:
            return Person.from_dict(json.loads(self._seal.open(body, person_id)))
        except (StoreError, ValueError) as error:
            raise StoreError(f"{self.path}, person {person_id}: {error}") from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with closing(self._database.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
