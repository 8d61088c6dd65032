"""What shapes the speakers when all is thought over again: clusters of atoms, and whose they are."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..hearing.atoms import NOBODY, Atom
from .agglomeration import agglomerate
from .anchors import anchored_clusters, kept_apart
from .asked import Asked
from .counting import at_least, at_most
from .memory import Speakers, directions
from .rare import RareRules, with_rare
from .reclustering import (
    ReclusterRules,
    habit,
    least_of_a_speaker,
    not_parted,
    rejoined,
    speakers_among,
    stitch,
    window_evidence,
)
from .voices import VoiceScorer

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


class Shaping:
    """Speakers found among atoms from scratch, under the ids in use. person_of: who is behind a voice."""

    def __init__(
        self, scorer: VoiceScorer, rules: ReclusterRules, rare: RareRules, person_of: Callable[[int], int]
    ) -> None:
        self._scorer = scorer
        self._rules = rules
        self._rare = rare
        self._person_of = person_of

    def anchors(
        self,
        solid: Sequence[Atom],
        core: Ints,
        all_seconds: float,
        asked: Asked,
        new_number: Callable[[], int],
    ) -> list[Atom]:
        """The solid atoms that shape a speaker, under its id: an old one where most of its speech was.

        core: (n,) from `cores`; what stands for a voice keeps its id. all_seconds: of clean speech that is
        remembered. asked: how many speakers there are. new_number: an id for one who has none.
        """
        rules = self._rules
        vectors = np.array([atom.vector for atom in solid], np.float32)
        clean = np.array([atom.clean for atom in solid], np.float32)
        old = np.array([atom.speaker for atom in solid], np.intp)
        evidence, near = window_evidence(
            link_table(solid), np.array([(a.stop - a.start) / 100 for a in solid], np.float32)
        )
        apart = kept_apart(core, self._person_of)
        cosines = vectors @ vectors.T + habit(old, clean, rules) + apart

        def joined_from(join: float) -> tuple[Ints, list[int]]:
            found = agglomerate(cosines, evidence, near, replace(rules, join=join))
            if join == rules.join:
                found = rejoined(found, vectors, clean, apart, rules)
            speakers = speakers_among(found, clean, rules, all_seconds)
            voices = directions(found, vectors, clean)
            speakers = self._with_rare(speakers, voices, found, evidence, all_seconds, asked.least)
            return found, sorted({*speakers, *anchored_clusters(found, core, clean)})

        clusters, kept = at_least(asked.least, rules.join, joined_from)
        if asked.most is not None:
            clusters, kept = at_most(asked.most, clusters, kept, cosines)
        names = anchored_clusters(clusters, core, clean)
        member = np.isin(clusters, [cluster for cluster in kept if cluster not in names])
        old[np.isin(old, list(names.values()))] = NOBODY
        stitched = stitch(clusters[member], old[member], clean[member])
        names |= {cluster: name for cluster, name in stitched.items() if name is not None}
        nameless = [cluster for cluster, name in stitched.items() if name is None]
        if nameless and asked.least == 1:
            pairs = np.stack([cosines, evidence, near]).astype(np.float64)
            names |= not_parted(nameless, names, clusters, clean, pairs, rules)
        names |= {cluster: new_number() for cluster in nameless if cluster not in names}
        return [
            atom if atom.speaker == names[cluster] else replace(atom, speaker=names[cluster])
            for atom, cluster in zip(solid, clusters.tolist())
            if cluster in names
        ]

    def _with_rare(
        self,
        speakers: Sequence[int],
        voices: Speakers,
        clusters: Ints,
        evidence: Floats,
        all_seconds: float,
        least: int,
    ) -> list[int]:
        """The clusters that are speakers, also those of whom there is little: see `rare`."""

        def hints(cluster: int, others: Sequence[int]) -> Floats:
            mine = evidence[clusters == cluster].sum(axis=0)
            return np.array([mine[clusters == other].sum() for other in others], np.float32)

        return with_rare(
            speakers,
            voices,
            least_of_a_speaker(self._rules, all_seconds),
            hints,
            self._scorer,
            self._rare,
            least,
        )


def merged(before: Sequence[Atom], after: Sequence[Atom]) -> dict[int, int]:
    """Ids that nothing goes by any more, and the id that most of their speech goes by now."""
    gone = {atom.speaker for atom in before} - {atom.speaker for atom in after} - {NOBODY}
    merged: dict[int, int] = {}
    for speaker in sorted(gone):
        weight: dict[int, float] = {}
        for a, b in zip(before, after):
            if a.speaker == speaker:
                weight[b.speaker] = weight.get(b.speaker, 0.0) + (a.stop - a.start)
        merged[speaker] = max(sorted(weight), key=lambda s: weight[s])
    return merged


def link_table(atoms: Sequence[Atom]) -> Floats:
    """(n, n) links among the given atoms; row i holds atom i's."""
    position = {atom.start: index for index, atom in enumerate(atoms)}
    table = np.zeros((len(atoms), len(atoms)), np.float32)
    for row, atom in enumerate(atoms):
        for start, weight in atom.links.items():
            if start in position:
                table[row, position[start]] = weight
    return table
