"""How far a recogniser's clock lies from the session's, from where words and turns begin and end.

Every pause that words leave has edges, and so has every turn. Of all differences between an edge of words and
an edge of turns, those of pairs that belong together agree on the offset; the others are spread about. The
densest place is the offset, the median around it its estimate.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FARTHEST = 3.0  # seconds; a clock that is further off is another clock
_PAUSE = 0.3  # seconds between words that make edges of them
_BIN = 0.02
_WIDTH = 0.15  # seconds around the densest place that count as agreeing
_LEAST_PAIRS = 8
_CONTRAST = 2.0  # the densest place over what chance would put there

Edges = NDArray[np.float64]


def word_edges(words: Sequence[tuple[float, float]]) -> tuple[Edges, Edges]:
    """Where speech begins and ends by words (start, end), sorted by start."""
    if not words:
        return np.zeros(0), np.zeros(0)
    starts, ends = np.array(words, np.float64).T
    reached = np.maximum.accumulate(ends)
    pause = starts[1:] - reached[:-1] >= _PAUSE
    return np.concatenate([starts[:1], starts[1:][pause]]), np.concatenate(
        [reached[:-1][pause], reached[-1:]]
    )


def clock_offset(
    words: Sequence[tuple[float, float]], turn_starts: Sequence[float], turn_ends: Sequence[float]
) -> float | None:
    """Seconds to add to the times of words to meet the turns; None where edges do not agree on any.

    words: (start, end) by start, on the recogniser's clock. At most FARTHEST either way.
    """
    starts, ends = word_edges(words)
    differences = np.concatenate([_differences(starts, turn_starts), _differences(ends, turn_ends)])
    if len(differences) < _LEAST_PAIRS:
        return None
    counts, edges = np.histogram(differences, round(2 * FARTHEST / _BIN), (-FARTHEST, FARTHEST))
    near = np.ones(round(2 * _WIDTH / _BIN))
    density = np.convolve(counts, near, "same")
    densest = int(np.argmax(density))
    by_chance = len(differences) * _WIDTH / FARTHEST
    if density[densest] < max(_LEAST_PAIRS, _CONTRAST * by_chance):
        return None
    centre = (edges[densest] + edges[densest + 1]) / 2
    return round(float(np.median(differences[np.abs(differences - centre) <= _WIDTH])), 3)


def _differences(word_edges: Edges, turn_edges: Sequence[float]) -> Edges:
    """Every turn edge less every word edge that are at most FARTHEST apart."""
    turns = np.sort(np.asarray(turn_edges, np.float64))
    first = np.searchsorted(turns, word_edges - FARTHEST)
    stop = np.searchsorted(turns, word_edges + FARTHEST)
    pieces = [turns[a:b] - edge for a, b, edge in zip(first, stop, word_edges, strict=True)]
    return np.concatenate(pieces) if pieces else np.zeros(0)
