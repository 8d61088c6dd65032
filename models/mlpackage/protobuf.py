"""Protobuf's wire format, both ways: enough to read Core ML specifications and to write ONNX files.

Reading trusts nothing: every length is checked against what is left, and a message is parsed one level
deep, so that the depth of a hostile file is the reader's choice. Writing returns lists of buffers, so that
a file of many megabytes is joined once.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum

from ..errors import PackageError

Buffer = bytes | memoryview

_MAX_VARINT_BITS = 64


class WireType(IntEnum):
    """How a field's value is laid out, from the low three bits of its key."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


class Message:
    """One message, parsed one level deep: values by field number, in file order.

    file: what the messages of errors call the file.
    Raises PackageError for any damage, with the byte at which it was seen.
    """

    __slots__ = ("_buffer", "_fields", "_file", "_start")

    def __init__(self, buffer: memoryview, file: str, start: int = 0, stop: int | None = None) -> None:
        self._buffer = buffer
        self._file = file
        self._start = start
        self._fields: dict[int, list[int | tuple[int, int]]] = {}
        self._parse(len(buffer) if stop is None else stop)

    def _parse(self, stop: int) -> None:
        position = self._start
        while position < stop:
            key, position = self._varint(position, stop)
            number, wire_type = key >> 3, key & 7
            value: int | tuple[int, int]
            if wire_type == WireType.VARINT:
                value, position = self._varint(position, stop)
            else:
                if wire_type == WireType.LENGTH:
                    size, position = self._varint(position, stop)
                elif wire_type == WireType.FIXED32:
                    size = 4
                elif wire_type == WireType.FIXED64:
                    size = 8
                else:
                    raise self.damaged(
                        f"field {number} has wire type {wire_type}, which does not exist", position
                    )
                if size > stop - position:
                    raise self.damaged(
                        f"field {number} claims {size} bytes, {stop - position} are left", position
                    )
                value = (position, position + size)
                position += size
            self._fields.setdefault(number, []).append(value)

    def _varint(self, position: int, stop: int) -> tuple[int, int]:
        value = shift = 0
        buffer = self._buffer
        while position < stop and shift < _MAX_VARINT_BITS:
            byte = buffer[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
        raise self.damaged("a number has no end", position)

    def damaged(self, what: str, position: int | None = None) -> PackageError:
        """An error that says where in the file this message stands."""
        return PackageError(
            f"{self._file} is damaged: {what} (byte {self._start if position is None else position})"
        )

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    @property
    def numbers(self) -> list[int]:
        """The field numbers present, ascending."""
        return sorted(self._fields)

    def integer(self, number: int, default: int = 0) -> int:
        """The last value of a number field, signed."""
        values = self._fields.get(number)
        if values is None:
            return default
        value = values[-1]
        if not isinstance(value, int):
            raise self.damaged(f"field {number} holds bytes, expected a number")
        return _signed(value)

    def integers(self, number: int) -> list[int]:
        """Every value of a repeated number field, signed, packed or not."""
        values: list[int] = []
        for value in self._fields.get(number, ()):
            if isinstance(value, int):
                values.append(_signed(value))
                continue
            position, stop = value
            while position < stop:
                item, position = self._varint(position, stop)
                values.append(_signed(item))
        return values

    def chunks(self, number: int) -> list[memoryview]:
        """Every value of a bytes, string, message, fixed or packed field; views, not copies."""
        return [self._buffer[start:stop] for start, stop in self._spans(number)]

    def text(self, number: int, default: str = "") -> str:
        """The last value of a string field."""
        texts = self.texts(number)
        return texts[-1] if texts else default

    def texts(self, number: int) -> list[str]:
        """Every value of a repeated string field."""
        try:
            return [str(chunk, "utf-8") for chunk in self.chunks(number)]
        except UnicodeDecodeError as error:
            raise self.damaged(f"field {number} is not UTF-8 text") from error

    def message(self, number: int) -> "Message":
        """The last value of a message field; an empty message when there is none, as protobuf has it."""
        spans = self._spans(number)
        start, stop = spans[-1] if spans else (self._start, self._start)
        return Message(self._buffer, self._file, start, stop)

    def messages(self, number: int) -> list["Message"]:
        """Every value of a repeated message field."""
        return [Message(self._buffer, self._file, start, stop) for start, stop in self._spans(number)]

    def entries(self, number: int) -> dict[str, "Message"]:
        """A map from string to message: entries of key (field 1) and value (field 2)."""
        return {entry.text(1): entry.message(2) for entry in self.messages(number)}

    def _spans(self, number: int) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for value in self._fields.get(number, ()):
            if isinstance(value, int):
                raise self.damaged(f"field {number} holds a number, expected bytes")
            spans.append(value)
        return spans


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def varint(value: int) -> bytes:
    """A number in base 128, least group first; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def integer_field(number: int, value: int) -> bytes:
    return varint(number << 3 | WireType.VARINT) + varint(value)


def float_field(number: int, value: float) -> bytes:
    return varint(number << 3 | WireType.FIXED32) + struct.pack("<f", value)


def bytes_field(number: int, data: Buffer | str) -> bytes:
    """A string, bytes or already joined message."""
    raw = data.encode() if isinstance(data, str) else data
    return b"".join((varint(number << 3 | WireType.LENGTH), varint(len(raw)), raw))


def packed_field(number: int, values: Iterable[int]) -> bytes:
    """A repeated number field in its packed form."""
    return bytes_field(number, b"".join(varint(value) for value in values))


def message_field(number: int, parts: Sequence[Buffer]) -> list[Buffer]:
    """A message made of encoded parts, headed by their total length; nothing is copied."""
    size = sum(len(part) for part in parts)
    return [varint(number << 3 | WireType.LENGTH) + varint(size), *parts]
