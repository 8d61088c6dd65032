"""Tokens of MIL text, one at a time: memory does not grow with a hostile file, and none takes more than
linear time."""

import json
import re
from enum import Enum

from ..errors import PackageError

_PATTERN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:\\.|[^"\\])*")
      | (?P<number>-?0x[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?p[-+]?\d+
                 | -?(?:inf|nan)\b
                 | -?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<mark>->|[^\s"])
    )""",
    re.VERBOSE,
)


class Kind(Enum):
    STRING = "string"
    NUMBER = "number"
    NAME = "name"
    MARK = "mark"
    END = "end"


class Tokens:
    """A cursor over `text` with one token of look-ahead: its kind and its text."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text.rstrip()
        self._file = file
        self._stop = 0
        self.kind = Kind.END
        self.text = ""
        self._advance()

    def _advance(self) -> None:
        self._start = self._stop
        if self._stop == len(self._text):
            self.kind, self.text = Kind.END, "the end of the file"
            return
        match = _PATTERN.match(self._text, self._stop)
        if match is None or match.lastgroup is None:
            raise self.wrong("a string has no end")
        self.kind = Kind(match.lastgroup)
        self.text = match[match.lastgroup]
        self._stop = match.end()

    def wrong(self, what: str) -> PackageError:
        """An error with the line at which the cursor stands."""
        line = self._text.count("\n", 0, self._stop) + 1
        return PackageError(f"{self._file}, line {line}: {what}")

    def at(self, mark: str) -> bool:
        """Whether the next token is this punctuation or word, and no string."""
        return self.text == mark and self.kind in (Kind.MARK, Kind.NAME)

    def accept(self, mark: str) -> bool:
        """Step over the next token if it is `mark`; whether it was."""
        if self.at(mark):
            self._advance()
            return True
        return False

    def expect(self, mark: str) -> None:
        """Step over `mark`; anything else is an error."""
        if not self.accept(mark):
            raise self.wrong(f"expected {mark!r}, found {self.text!r}")

    def name(self) -> str:
        """Step over a name and return it."""
        if self.kind is not Kind.NAME:
            raise self.wrong(f"expected a name, found {self.text!r}")
        return self._take()

    def string(self) -> str:
        """Step over a quoted string and return what it says."""
        if self.kind is not Kind.STRING:
            raise self.wrong(f"expected a string, found {self.text!r}")
        try:
            return str(json.loads(self.text, strict=False))
        except ValueError as error:
            raise self.wrong(f"malformed string {self.text}") from error
        finally:
            self._advance()

    def number(self) -> int | float:
        """Step over a number: decimal integer, decimal or hexadecimal float, inf, nan."""
        if self.kind is not Kind.NUMBER:
            raise self.wrong(f"expected a number, found {self.text!r}")
        try:
            if "0x" in self.text:
                return float.fromhex(self.text)
            return int(self.text) if self.text.lstrip("-").isdecimal() else float(self.text)
        except (ValueError, OverflowError) as error:
            raise self.wrong(f"number {self.text[:40]!r} is out of range") from error
        finally:
            self._advance()

    def integer(self) -> int:
        """Step over a whole number."""
        value = self.number()
        if not isinstance(value, int):
            raise self.wrong(f"expected a whole number, found {value}")
        return value

    def skip(self) -> None:
        """Step over any one token; the end of the file is an error."""
        if self.kind is Kind.END:
            raise self.wrong("the text ends in the middle")
        self._advance()

    def skip_brackets(self) -> None:
        """Step over everything from the opening bracket at the cursor to the one that closes it."""
        depth = 0
        while True:
            if self.kind is Kind.MARK:
                depth += (self.text in "([{") - (self.text in ")]}")
            self.skip()
            if depth == 0:
                return

    def _take(self) -> str:
        text = self.text
        self._advance()
        return text
