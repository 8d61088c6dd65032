"""A ring is a plain array that forgets its beginning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.streaming.hearing.ring import Ring

moves = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=20)


@given(st.integers(1, 16), moves)
def test_a_ring_holds_the_newest_rows_of_a_plain_array(capacity: int, moves: list[tuple[bool, int]]) -> None:
    ring, plain = Ring(capacity), np.zeros(0, np.float32)
    for is_silence, count in moves:
        rows = np.zeros(count, np.float32) if is_silence else np.arange(count, dtype=np.float32) + len(plain)
        plain = np.concatenate([plain, rows])
        if is_silence:
            ring.extend(count)
        else:
            ring.append(rows)
        assert ring.stop == len(plain)
        assert ring.start == max(0, len(plain) - capacity)
        np.testing.assert_array_equal(ring.view(ring.start, ring.stop), plain[ring.start :])


@given(st.integers(1, 16), moves)
def test_a_restored_ring_is_the_same_ring(capacity: int, moves: list[tuple[bool, int]]) -> None:
    ring, twin = Ring(capacity), Ring(capacity)
    for _, count in moves:
        ring.append(np.arange(count, dtype=np.float32))
    twin.restore(ring.state())
    for either in (ring, twin):
        either.append(np.full(3, 7, np.float32))
    assert (twin.start, twin.stop) == (ring.start, ring.stop)
    np.testing.assert_array_equal(twin.view(twin.start, twin.stop), ring.view(ring.start, ring.stop))


def test_rows_that_are_gone_are_an_error_not_silence() -> None:
    ring = Ring(4)
    ring.append(np.arange(10, dtype=np.float32))
    with pytest.raises(IndexError, match="rows 5–7 asked for, 6–10 kept"):
        ring.view(5, 7)


def test_writing_to_a_view_writes_to_the_ring() -> None:
    ring = Ring(4, (2,))
    ring.extend(3)
    ring.view(1, 2)[:] = 5
    np.testing.assert_array_equal(ring.view(0, 3), [[0, 0], [5, 5], [0, 0]])
