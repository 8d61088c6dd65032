"""Whose the second voice of an overlap is: by what the windows heard, and by what the mixture sounds like.

The windows know a second voice only where they heard it alone as well, which in a short interjection they
often did not. But the vector of a mixture lies between its two voices: what remains of it once the first is
taken out points to the other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Overlap
from .memory import Speakers

Floats = NDArray[np.float32]

LEAST_APART = 0.05  # squared sine of two voices' angle below which the mixture does not tell them apart


@dataclass(frozen=True, kw_only=True)
class SecondVoiceRules:
    """Weights of the evidence.

    sound: nats that a remainder just like a voice is worth. even: share of an overlap that every speaker has
    beforehand.
    """

    sound: float = 10.0
    even: float = 0.1


def second_voice(
    overlap: Overlap, first: int, shares: Floats, speakers: Speakers, rules: SecondVoiceRules
) -> int:
    """The likeliest speaker beside the first; NOBODY where there is no other.

    shares: (speakers,) of the overlap that the windows give to each, as `naming.linked` says.
    """
    others = speakers.ids != first
    if not others.any():
        return NOBODY
    odds = np.log(np.maximum(shares, 0) + np.float32(rules.even))
    if overlap.vector is not None and not others.all():
        odds = odds + np.float32(rules.sound) * remainder(overlap.vector, ~others, speakers.centres)
    return int(speakers.ids[np.where(others, odds, -np.inf).argmax()])


def remainder(mixture: Floats, first: NDArray[np.bool_], centres: Floats) -> Floats:
    """(n,) how alike each voice is to a mixture's vector when the first voice is taken out of both.

    mixture: (size,), centres: (n, size), unit length. first: (n,) true for the first voice alone.
    """
    voice = centres[first][0]
    shared = centres @ voice
    rest = centres @ mixture - shared * (voice @ mixture)
    result: Floats = rest / np.sqrt(np.maximum(1 - shared**2, np.float32(LEAST_APART)))
    return result
