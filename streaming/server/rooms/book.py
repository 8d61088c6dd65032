"""What of microphones outlives the process: a key, and at which number each of their sessions begins."""

import contextlib
import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from hocket.streaming.errors import StoreError

FILE = "microphones.json"
_KEY_BYTES = 32


class RoomBook:
    """A file in the folder of the sessions, readable to its owner only.

    key: makes the tokens by which sessions go on. Raises StoreError for a file that cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._first: dict[str, int] = {}
        try:
            if self._path.exists():
                kept = json.loads(self._path.read_text())
                self.key = bytes.fromhex(kept["key"])
                self._first = {str(session): int(first) for session, first in kept["first"].items()}
            else:
                self.key = secrets.token_bytes(_KEY_BYTES)
                self._write()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{self._path}: {error!r}: mend or remove it; rooms then begin anew") from error

    def first(self, session: str) -> int | None:
        """The number of its first sample; None where its microphone gives none."""
        return self._first.get(session)

    def begin(self, session: str, first: int | None, under_way: Collection[str]) -> None:
        """A session begins, at this number; what is known of others stays where they are under way."""
        before = self._first
        self._first = {name: number for name, number in before.items() if name in under_way}
        if first is not None:
            self._first[session] = first
        if self._first != before:
            with contextlib.suppress(OSError):  # a full disk: the clock has to do
                self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"key": self.key.hex(), "first": self._first}, file)
        fresh.replace(self._path)
