"""Names for atoms: the voice is the likelihood, the windows are the prior.

A window's local speakers say whom a stretch continues before its voice is clear; a voice with seconds behind
it says who that is whatever the windows thought. Both meet as probabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Links

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class NamingRules:
    """Weights of the evidence.

    trust: how much of the prior the windows' links decide; the rest is spread evenly over all speakers.
    stranger: prior of a voice not heard before, against an even share of one. voice: tempering of the
    voice's log-likelihood ratio; 1 takes it at its word.
    """

    trust: float = 0.9
    stranger: float = 0.05
    voice: float = 1.0


def linked(links: Links, speaker_of: Mapping[int, int], ids: Ints) -> Floats:
    """(ids,) share of a stretch that the windows give to each speaker, by the atoms it is linked to."""
    totals: dict[int, float] = {}
    for start, weight in links.items():
        speaker = speaker_of.get(start, NOBODY)
        totals[speaker] = totals.get(speaker, 0.0) + weight
    return np.array([totals.get(speaker, 0.0) for speaker in ids.tolist()], np.float32)


def posterior(voice: Floats, shares: Floats, rules: NamingRules) -> Floats:
    """Probability of each known speaker, and last of a stranger.

    voice: (..., n) log-likelihood ratios against "somebody else"; shares: (..., n) from `linked`.
    Returns (..., n + 1).
    """
    even = (1 - rules.trust) / (voice.shape[-1] + 1)
    unclaimed = np.maximum(0.0, 1.0 - shares.sum(axis=-1, keepdims=True))
    strange = rules.stranger * (even + rules.trust * unclaimed)
    evidence = np.log(np.concatenate([even + rules.trust * shares, strange], axis=-1))
    evidence[..., :-1] += rules.voice * voice
    likely = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    result: Floats = likely / likely.sum(axis=-1, keepdims=True)
    return result
