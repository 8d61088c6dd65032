"""A second look at what was said at once: cut and named again when more windows have heard it.

What is final after a second was heard by the windows of that second. Some seconds later a dozen more have
heard it, with what came after: speech is bounded more exactly then, and two voices part where one was heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import Atom, Links

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
Stretch = tuple[int, int]  # cells [start, stop)

TOGETHER = 200  # cells that are looked at together, so that one revision says what changed in them


class SecondLook:
    """Which stretch is due: each cell once, in order.

    after: cells that lie between what is heard and what is looked at again; 0 for never.
    """

    def __init__(self, after: int) -> None:
        self._after = after
        self._done = 0

    def due(
        self, recent: Sequence[Atom], first: int, closed: int, now: int, *, is_last: bool
    ) -> Stretch | None:
        """The stretch to look at again in the step that hears up to `now`, None where there is none yet.

        recent: remembered atoms, none of which it cuts in two. first: the oldest cell that can still be heard
        again; closed: what lies before it is remembered. Where the user said something, nothing changes.
        """
        start, stop = max(self._done, first), closed if is_last else min(closed, now - self._after)
        if not self._after or stop - start < (1 if is_last else TOGETHER):
            return None
        for atom in recent:
            if atom.start < start < atom.stop:
                start = atom.stop
            if atom.start < stop < atom.stop:
                stop = atom.start
        self._done = max(self._done, stop)
        inside = [atom for atom in recent if start <= atom.start < stop]
        spoken_of = any(atom.pinned or any(o.pinned for o in atom.overlaps) for atom in inside)
        return None if spoken_of or stop <= start else (start, stop)

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {"done": self._done}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the second look that `state` was taken from."""
        self._done = state["done"]


def held(atom: Atom, before: Sequence[Atom], ids: Ints) -> Floats:
    """(ids,) share of an atom that went by each speaker before."""
    shares = np.zeros(len(ids), np.float32)
    for old in before:
        shares += (ids == old.speaker) * np.float32(_shared(old, atom) / (atom.stop - atom.start))
    return shares


def read_alike(before: Sequence[Atom], after: Sequence[Atom]) -> bool:
    """Whether two ways to cut and name a stretch say the same."""
    return [_said(atom) for atom in before] == [_said(atom) for atom in after]


def relinked(atoms: Sequence[Atom], before: Sequence[Atom], after: Sequence[Atom]) -> list[Atom]:
    """The atoms with links to those in `before` led on to the ones in `after` that lie in their place."""
    instead: dict[int, Links] = {}
    for old in before:
        shares = {new.start: _shared(old, new) for new in after if _shared(old, new)}
        whole = sum(shares.values())
        instead[old.start] = {start: shared / whole for start, shared in shares.items()}
    return [_relinked(atom, instead) for atom in atoms]


def _relinked(atom: Atom, instead: Mapping[int, Links]) -> Atom:
    if all(links.keys().isdisjoint(instead) for links in (atom.links, *(o.links for o in atom.overlaps))):
        return atom
    overlaps = tuple(replace(o, links=_led_on(o.links, instead)) for o in atom.overlaps)
    return replace(atom, links=_led_on(atom.links, instead), overlaps=overlaps)


def _led_on(links: Links, instead: Mapping[int, Links]) -> Links:
    led: Links = {}
    for start, weight in links.items():
        for new, share in instead.get(start, {start: 1.0}).items():
            led[new] = led.get(new, 0.0) + weight * share
    return led


def _shared(one: Atom, other: Atom) -> int:
    return max(0, min(one.stop, other.stop) - max(one.start, other.start))


def _said(atom: Atom) -> tuple[Any, ...]:
    return atom.start, atom.stop, atom.speaker, [(o.start, o.stop, o.speaker) for o in atom.overlaps]
