"""The wire codec: what is written is read back, and damage is an error, never noise or a crash."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.models.errors import PackageError
from hocket.models.mlpackage.protobuf import (
    Message,
    bytes_field,
    float_field,
    integer_field,
    message_field,
    packed_field,
    varint,
)

signed_64 = st.integers(-(2**63), 2**63 - 1)
field_numbers = st.integers(1, 2**29 - 1)


def read(data: bytes) -> Message:
    return Message(memoryview(data), "test.pb")


@given(field_numbers, signed_64)
def test_integers_come_back(number: int, value: int) -> None:
    assert read(integer_field(number, value)).integer(number) == value


@given(field_numbers, st.lists(signed_64), st.booleans())
def test_repeated_integers_come_back_packed_or_not(number: int, values: list[int], is_packed: bool) -> None:
    if is_packed:
        data = packed_field(number, values)
    else:
        data = b"".join(integer_field(number, value) for value in values)
    assert read(data).integers(number) == values


@given(field_numbers, st.text())
def test_text_comes_back(number: int, text: str) -> None:
    assert read(bytes_field(number, text)).text(number) == text


@given(field_numbers, st.floats(width=32, allow_nan=False))
def test_floats_come_back(number: int, value: float) -> None:
    (chunk,) = read(float_field(number, value)).chunks(number)
    assert struct.unpack("<f", chunk) == (value,)


@given(st.lists(st.binary(), max_size=5), field_numbers)
def test_nested_messages_come_back_whatever_their_parts(payloads: list[bytes], number: int) -> None:
    parts = [bytes_field(1, payload) for payload in payloads]
    message = read(b"".join(message_field(number, parts))).message(number)
    assert [bytes(chunk) for chunk in message.chunks(1)] == payloads


@given(signed_64)
def test_a_number_takes_at_most_ten_bytes(value: int) -> None:
    assert 1 <= len(varint(value)) <= 10


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_package_error(data: bytes) -> None:
    try:
        message = read(data)
        for number in message.numbers:
            message.integers(number)
            message.chunks(number)
    except PackageError as error:
        assert str(error).startswith("test.pb is damaged: ")  # noqa: PT017  (a message is right too)


@given(st.lists(st.tuples(st.integers(1, 30), st.binary(max_size=20)), min_size=1), st.data())
def test_a_message_cut_inside_a_field_is_an_error(
    fields: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    encoded = [bytes_field(number, payload) for number, payload in fields]
    whole = b"".join(encoded)
    last = len(encoded[-1])
    cut = data.draw(st.integers(len(whole) - last + 1, len(whole) - 1))
    with pytest.raises(PackageError):
        read(whole[:cut])
