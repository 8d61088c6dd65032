"""What the reader says about damage, to the letter."""

import pytest

from hocket.models.errors import PackageError
from hocket.models.mlpackage.protobuf import Message, bytes_field, integer_field


def read(data: bytes) -> Message:
    return Message(memoryview(data), "model.mlmodel")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x05abc", "field 1 claims 5 bytes, 3 are left (byte 2)"),
        (b"\x0d\x00\x00", "field 1 claims 4 bytes, 2 are left (byte 1)"),
        (b"\x80", "a number has no end (byte 1)"),
        (b"\x08" + b"\xff" * 11, "a number has no end (byte 11)"),
        (b"\x0b", "field 1 has wire type 3, which does not exist (byte 1)"),
    ],
)
def test_damage_is_named_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(PackageError) as caught:
        read(data)
    assert str(caught.value) == f"model.mlmodel is damaged: {message}"


def test_a_number_where_bytes_belong_is_an_error() -> None:
    with pytest.raises(PackageError, match="field 7 holds a number, expected bytes"):
        read(integer_field(7, 1)).text(7)


def test_bytes_where_a_number_belongs_are_an_error() -> None:
    with pytest.raises(PackageError, match="field 7 holds bytes, expected a number"):
        read(bytes_field(7, "x")).integer(7)


def test_text_that_is_not_utf_8_is_an_error() -> None:
    with pytest.raises(PackageError, match="field 1 is not UTF-8 text"):
        read(bytes_field(1, b"\xff")).text(1)


def test_an_absent_field_is_empty() -> None:
    message = read(b"")
    assert (message.integer(1), message.text(1), message.integers(1), message.messages(1)) == (0, "", [], [])
    assert message.message(1).numbers == []


def test_the_last_value_of_a_single_field_counts() -> None:
    assert read(integer_field(1, 5) + integer_field(1, 6)).integer(1) == 6
