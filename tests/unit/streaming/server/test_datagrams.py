"""Messages of raw audio: what each of them means, whatever was lost before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.streaming.errors import HocketError
from hocket.streaming.server.protocol.ends import Audio, Order
from hocket.streaming.server.protocol.messages import Missing, Refusal, Start
from hocket.streaming.server.rooms.datagrams import Datagram, Datagrams
from hocket.streaming.server.rooms.microphones import DEFAULT, format_of

SECOND = bytes(32_000)


def reader(declared: Start = DEFAULT) -> Datagrams:
    return Datagrams(declared, longest_loss=60.0)


def told(orders: list[Order]) -> list[object]:
    """Samples to hear as a number, gaps as number and reason, refusals as text."""
    seen: list[object] = []
    for order in orders:
        match order:
            case Audio(samples):
                seen.append(len(samples))
            case Missing(samples=count, reason=reason):
                seen.append((count, reason))
            case Refusal(message=message):
                seen.append(message)
    return seen


def told_of(datagrams: Datagrams, *said: tuple[bytes, int | None, float]) -> list[object]:
    return [order for each in said for order in told(datagrams.orders(Datagram(*each)))]


def test_a_number_further_on_is_a_gap_and_one_further_back_is_known() -> None:
    assert told_of(
        reader(),
        (SECOND, 500_000, 0.0),
        (SECOND, 532_000, 2.0),
        (SECOND, 540_000, 2.1),
        (SECOND, 540_000, 2.2),
    ) == [16_000, (16_000, "lost on the way"), 16_000, 8_000]


def test_who_counts_anew_was_away_as_long_as_the_clock_says() -> None:
    first, again, much = (SECOND, 900_000, 1.0), (SECOND, 0, 4.0), (SECOND, 10**12, 5.0)
    assert told_of(reader(), first, again, much) == [16_000, (32_000, "lost on the way"), 16_000, 16_000]


def test_without_numbers_a_pause_is_the_microphones_own_unless_the_way_was_cut() -> None:
    datagrams = reader()
    assert told_of(datagrams, (SECOND, None, 1.0), (SECOND, None, 9.0)) == [16_000, 16_000]
    datagrams.cut()
    assert told_of(datagrams, (SECOND, None, 13.0)) == [(48_000, "lost on the way"), 16_000]
    datagrams.cut()
    assert told_of(datagrams, (SECOND, None, 14.1)) == [16_000]


def test_what_was_let_go_is_a_gap() -> None:
    datagrams = reader()
    datagrams.orders(Datagram(SECOND, None, 0.0))
    assert told(datagrams.orders(Datagram(SECOND, None, 1.0, lost=640))) == [(320, "lost on the way"), 16_000]


def test_what_cannot_be_heard_is_refused_and_leaves_a_gap_once_there_is_a_session() -> None:
    datagrams = reader()
    odd = "33 bytes in one message: expected a multiple of 2, whole samples of pcm_s16le in each"
    assert told_of(datagrams, (bytes(33), None, 0.0)) == [odd]
    assert told_of(datagrams, (SECOND, None, 0.1), (bytes(33), None, 0.2)) == [
        16_000, odd, (16, "not understood"),
    ]  # fmt: skip
    letters = b"The quick brown fox jumps over the lazy dog."
    assert "44 bytes of text" in str(told_of(reader(), (letters, None, 0.0)))
    assert told_of(reader(Start(sample_rate=8_000, encoding="alaw")), (letters, None, 0.0)) == [44]


def test_a_session_of_another_process_goes_on_at_its_number() -> None:
    datagrams = Datagrams(DEFAULT, longest_loss=60.0, expected=100_000)
    assert told_of(datagrams, (SECOND, 116_000, 0.0)) == [(16_000, "lost on the way"), 16_000]


messages = st.builds(
    Datagram,
    st.binary(max_size=200),
    st.none() | st.integers(0, 10**18),
    st.floats(0, 1e6),
    st.integers(0, 1 << 24),
)
starts = st.builds(
    Start,
    sample_rate=st.integers(8_000, 96_000),
    encoding=st.sampled_from(["pcm_s16le", "pcm_f32le", "mulaw", "alaw"]),
    channels=st.integers(1, 8),
)


@given(starts, st.lists(messages, max_size=20), st.lists(st.booleans(), min_size=20))
def test_anything_may_come_and_gaps_are_no_longer_than_what_may_be_lost(
    declared: Start, said: list[Datagram], cuts: list[bool]
) -> None:
    datagrams = reader(declared)
    for datagram, was_cut in zip(said, cuts, strict=False):
        if was_cut:
            datagrams.cut()
        for order in datagrams.orders(datagram):
            assert isinstance(order, Audio | Missing | Refusal)
            if isinstance(order, Missing):
                assert order.samples > 0
            if isinstance(order, Audio):
                assert order.samples.shape[1] == declared.channels


def test_a_format_has_defaults_and_no_resumption() -> None:
    assert format_of(b"{}") == DEFAULT
    assert format_of(b'{"channels": 2, "options": {"latency": 2}}').channels == 2
    assert format_of(b'{"resume": {"token": "x"}, "realtime": false}') == DEFAULT


@pytest.mark.parametrize("payload", [b"\xff", b"null", b'{"channels": 9}', b'{"options": {"hop": -1}}'])
def test_a_format_that_cannot_be_is_refused(payload: bytes) -> None:
    with pytest.raises(HocketError):
        format_of(payload)
