"""How steady the names are, against a reference: flips, labels per speaker, delay of a new speaker, repairs.

The first three look where there is no doubt who speaks: where exactly one reference speaker is out ("solo").
"""

from dataclasses import dataclass

import numpy as np

from ..grid import CELLS_PER_SECOND, seconds
from ..metrics import Lanes, Mask, best_map, runs
from .live import Sight

SHORTEST_TURN = 100  # cells: reference turns shorter than 1 s are back-channels, too short to flip in
LEAST_LABEL = 100  # cells: a label counts for a speaker from 1 s of their solo speech on
LEAST_SHOWN = 50  # cells: a new speaker is shown once 0.5 s of their speech is out under their label
LEAST_SPEECH = 500  # cells: who says less than 5 s is not waited for


@dataclass(frozen=True)
class Flips:
    """Label changes inside reference turns, and the cells they were counted over; `+` pools recordings."""

    count: int
    cells: int

    @property
    def per_minute(self) -> float:
        """nan where there was nothing to count over."""
        return self.count * 60 * CELLS_PER_SECOND / self.cells if self.cells else float("nan")

    def __add__(self, other: "Flips") -> "Flips":
        return Flips(self.count + other.count, self.cells + other.cells)


def flips(reference: Lanes, shown: Lanes, scored: Mask) -> Flips:
    """Changes of the one label out while one reference speaker holds the floor.

    Counted inside each reference turn of at least 1 s, over its scored solo cells in which exactly one label
    is out: a flip is a label that differs from the one before it in the same turn, whatever lay between
    (silence, an overlap, two labels).
    """
    clear = scored & (reference.num_active == 1) & (shown.num_active == 1)
    count = cells = 0
    for lane in reference.cells:
        for start, stop in runs(lane):
            if stop - start >= SHORTEST_TURN:
                inside = shown.cells[:, start:stop][:, clear[start:stop]]
                cells += inside.shape[1]
                count += int(np.count_nonzero(np.diff(inside.argmax(axis=0)))) if inside.size else 0
    return Flips(count, cells)


@dataclass(frozen=True)
class LabelCount:
    """How many labels how many reference speakers went under; `+` pools recordings."""

    labels: int
    speakers: int

    @property
    def per_speaker(self) -> float:
        """1 is right, more is one person under several names; nan without speakers."""
        return self.labels / self.speakers if self.speakers else float("nan")

    def __add__(self, other: "LabelCount") -> "LabelCount":
        return LabelCount(self.labels + other.labels, self.speakers + other.speakers)


def labels_per_speaker(reference: Lanes, shown: Lanes, scored: Mask) -> LabelCount:
    """For each reference speaker, the labels with at least 1 s on that speaker's scored solo speech.

    Speakers with less than 1 s of such speech are left out.
    """
    solo = scored & (reference.num_active == 1)
    labels = speakers = 0
    for lane in reference.cells:
        mine = lane & solo
        if np.count_nonzero(mine) >= LEAST_LABEL:
            speakers += 1
            labels += sum(int(np.count_nonzero(mine & other)) >= LEAST_LABEL for other in shown.cells)
    return LabelCount(labels, speakers)


@dataclass(frozen=True)
class Repairs:
    """Revised speech, in cells × labels: all of it, and what had been wrong; `+` pools recordings."""

    revised: int
    wrong: int

    @property
    def share(self) -> float:
        """1 where nothing that was right was taken back; nan where nothing was revised."""
        return self.wrong / self.revised if self.revised else float("nan")

    def __add__(self, other: "Repairs") -> "Repairs":
        return Repairs(self.revised + other.revised, self.wrong + other.wrong)


def repairs(reference: Lanes, sight: Sight, scored: Mask) -> Repairs:
    """How much of what was revised had been wrong: said of a label whose speaker does not talk there.

    Whose a label is: of the speaker that the settled log's one-to-one map gives it, of nobody without one.
    """
    speaker_of = {label: speaker for speaker, label in best_map(reference, sight.settled, scored).items()}
    revised = wrong = 0
    for label, lane in zip(sight.first.labels, sight.revised, strict=True):
        taken_back = lane & scored
        revised += int(np.count_nonzero(taken_back))
        if label in speaker_of:
            taken_back &= ~reference.cells[reference.labels.index(speaker_of[label])]
        wrong += int(np.count_nonzero(taken_back))
    return Repairs(revised, wrong)


@dataclass(frozen=True)
class Arrivals:
    """How long new speakers waited for their label; `+` pools recordings.

    delays: seconds of audio, one per speaker who got one. missed: speakers who never did.
    """

    delays: tuple[float, ...]
    missed: int

    def __add__(self, other: "Arrivals") -> "Arrivals":
        return Arrivals(self.delays + other.delays, self.missed + other.missed)


def arrivals(reference: Lanes, sight: Sight, scored: Mask) -> Arrivals:
    """From each reference speaker's first cell until 0.5 s of their speech is out under their own label.

    Their own is the label that the settled log leaves them under the one-to-one map that shares the most
    cells. Being out counts from the step that said it, in a turn of any state, and stays counted. Speakers
    with less than 5 s of scored speech are left out.
    """
    owner = best_map(reference, sight.settled, scored)
    delays, missed = [], 0
    for speaker, lane in zip(reference.labels, reference.cells, strict=True):
        mine = lane & scored
        if np.count_nonzero(mine) < LEAST_SPEECH:
            continue
        since = np.empty(0, np.int32)
        if speaker in owner:
            since = sight.since[sight.settled.labels.index(owner[speaker])][mine]
        since = since[since >= 0]
        if len(since) >= LEAST_SHOWN:
            shown = np.partition(since, LEAST_SHOWN - 1)[LEAST_SHOWN - 1]
            delays.append(seconds(int(shown) - int(np.argmax(mine))))
        else:
            missed += 1
    return Arrivals(tuple(delays), missed)
