"""What was said at once is heard again: which stretch is due, and what becomes of links into it."""

from itertools import pairwise

import numpy as np
import pytest

from hocket.streaming.clustering.second_look import SecondLook, held, read_alike, relinked
from hocket.streaming.hearing.atoms import Atom


def atom(start: int, stop: int, speaker: int = 0, **more: object) -> Atom:
    return Atom(start, stop, None, 0.0, speaker=speaker, **more)  # type: ignore[arg-type]


def test_every_cell_is_due_once_and_in_order() -> None:
    look = SecondLook(500)
    due = [look.due([], 0, now - 100, now, is_last=False) for now in range(0, 3000, 50)]
    stretches = [stretch for stretch in [*due, look.due([], 0, 2950, 2950, is_last=True)] if stretch]
    assert [stretches[0][0], stretches[-1][1]] == [0, 2950]
    assert all(one[1] == next_one[0] for one, next_one in pairwise(stretches))


def test_an_atom_is_never_cut_in_two() -> None:
    look = SecondLook(500)
    assert look.due([atom(100, 290), atom(290, 420)], 0, 900, 900, is_last=False) == (0, 290)
    assert look.due([atom(290, 420), atom(430, 600)], 0, 980, 980, is_last=False) is None  # 290 to 480
    assert look.due([atom(290, 420), atom(430, 600)], 0, 1080, 1080, is_last=False) == (290, 430)


def test_what_cannot_be_heard_any_more_is_left_as_it_is() -> None:
    look = SecondLook(500)
    assert look.due([atom(50, 140)], 100, 1000, 1000, is_last=False) == (140, 500)


def test_what_the_user_said_is_left_as_it_is_and_what_follows_is_not() -> None:
    look = SecondLook(500)
    said = [atom(0, 150, pinned=True)]
    assert look.due(said, 0, 900, 900, is_last=False) is None
    assert look.due(said, 0, 1200, 1200, is_last=False) == (400, 700)


def test_it_can_be_told_not_to() -> None:
    assert SecondLook(0).due([], 0, 10_000, 10_000, is_last=True) is None


def test_links_go_on_to_what_lies_in_the_place() -> None:
    before, after = [atom(0, 100)], [atom(0, 80), atom(80, 110)]
    [other] = relinked([atom(200, 300, links={0: 0.5, 150: 0.25})], before, after)
    assert other.links == pytest.approx({0: 0.4, 80: 0.1, 150: 0.25})
    [orphan] = relinked([atom(200, 300, links={0: 0.5})], before, [])
    assert orphan.links == {}


def test_a_name_weighs_as_much_as_it_held_of_the_stretch() -> None:
    shares = held(atom(0, 200), [atom(0, 50, 3), atom(50, 150, 7), atom(150, 180, -1)], np.array([3, 7]))
    np.testing.assert_allclose(shares, [0.25, 0.5])


def test_the_same_cut_and_names_read_alike() -> None:
    assert read_alike([atom(0, 100)], [atom(0, 100)])
    assert not read_alike([atom(0, 100)], [atom(0, 100, 1)])
    assert not read_alike([atom(0, 100)], [atom(0, 101)])
