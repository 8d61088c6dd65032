"""Who is who in a whole recording: all atoms clustered at once, then each named by all that is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..clustering.agglomeration import agglomerate
from ..clustering.asked import Asked
from ..clustering.counting import at_least, at_most
from ..clustering.memory import Speakers, centres
from ..clustering.naming import NamingRules, posterior
from ..clustering.rare import RareRules, with_rare
from ..clustering.reclustering import ReclusterRules, least_of_a_speaker, speakers_among
from ..clustering.second_voice import SecondVoiceRules, second_voice
from ..clustering.voices import VoiceScorer
from ..hearing.atoms import Atom
from .agreement import Agreement, Pairs

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

BLOCK = 1200  # atoms that are clustered together before their clusters are; memory grows with its square


@dataclass(frozen=True, kw_only=True)
class OfflineRules:
    """How the voices of a recording become its speakers.

    clusters: how atoms are joined, and which clusters are speakers by their size alone; rare: which smaller
    ones are speakers too.

    rounds: times that all atoms are named and the speakers' voices made anew. solid: seconds of clean speech
    from which an atom counts in full towards a voice. doubt: seconds of speech by which a window's local
    voices are held to be nobody's.
    """

    clusters: ReclusterRules = field(
        default_factory=lambda: ReclusterRules(join=0.33, windows=0.08, varied=0.0)
    )
    naming: NamingRules = field(default_factory=NamingRules)
    rare: RareRules = field(default_factory=RareRules)
    rounds: int = 3
    solid: float = 0.6
    doubt: float = 2.0
    second: SecondVoiceRules = field(default_factory=SecondVoiceRules)


def cluster(
    atoms: Sequence[Atom],
    agreement: Agreement,
    scorer: VoiceScorer,
    rules: OfflineRules,
    asked: Asked | None = None,
) -> list[Atom]:
    """The atoms, in order, each under its speaker's number, and their overlaps under the second voice's.

    asked: how many speakers there are, where that is known; fewer where no more can be told apart. Atoms
    without a vector go by what the windows say of them. Two runs give the same.
    """
    if not atoms:
        return []
    pairs = agreement.of_atoms()
    solid = np.array([i for i, atom in enumerate(atoms) if is_solid(atom, rules.clusters.solid)], np.intp)
    if not len(solid):
        solid = np.array([i for i, atom in enumerate(atoms) if atom.vector is not None], np.intp)
    if not len(solid):
        return [replace(atom, speaker=0) for atom in atoms]
    found = _found(atoms, solid, pairs, scorer, rules, asked or Asked())
    named, speakers = _named(atoms, found, pairs, scorer, rules)
    return _with_second_voices(named, speakers, agreement.of_overlaps(), rules)


def is_solid(atom: Atom, seconds: float) -> bool:
    """Whether an atom has a vector with so much clean speech behind it."""
    return atom.vector is not None and atom.clean >= seconds


# -- speakers


def _found(
    atoms: Sequence[Atom],
    solid: Ints,
    pairs: Pairs,
    scorer: VoiceScorer,
    rules: OfflineRules,
    asked: Asked,
) -> list[Atom]:
    """The solid atoms that shape a speaker, under its number, from 0."""
    members = [atoms[index] for index in solid]
    vectors = np.array([atom.vector for atom in members], np.float32)
    clean = np.array([atom.clean for atom in members], np.float32)
    total = sum(atom.clean for atom in atoms)

    def joined_from(join: float) -> tuple[Ints, list[int]]:
        shaping = replace(rules.clusters, join=join)
        labels = _agglomerated(vectors, solid, pairs, shaping)
        kept = speakers_among(labels, clean, shaping, total)
        return labels, _with_rare(kept, labels, members, solid, pairs, scorer, rules, total, asked.least)

    labels, kept = at_least(asked.least, rules.clusters.join, joined_from)
    numbers = np.arange(len(kept))
    if asked.most is not None:
        means = _means(vectors, labels)[list(kept)]
        numbers, _ = at_most(asked.most, numbers, numbers.tolist(), means @ means.T)
    number_of = dict(zip(kept, numbers.tolist()))
    return [
        replace(atom, speaker=number_of[label])
        for atom, label in zip(members, labels.tolist())
        if label in number_of
    ]


def _agglomerated(vectors: Floats, members: Ints, pairs: Pairs, rules: ReclusterRules) -> Ints:
    """Clusters of atoms, numbered from 0: block by block, then the blocks' clusters by their mean vectors.

    The mean cosine of two clusters' members is the product of their means, so the second stage joins by the
    same measure as the first, without the windows, who do not see beyond ten seconds.
    """
    labels = np.zeros(len(vectors), np.intp)
    for start in range(0, len(vectors), BLOCK):
        block = slice(start, start + BLOCK)
        evidence, near = pairs.evidence(members[block])
        within = agglomerate(vectors[block] @ vectors[block].T, evidence, near, rules)
        labels[block] = within + (labels.max() + 1 if start else 0)
    if len(vectors) <= BLOCK:
        return labels
    means = _means(vectors, labels)
    unseen = np.zeros((len(means), len(means)), np.float32)
    joined: Ints = agglomerate(means @ means.T, unseen, unseen > 0, rules)[labels]
    return joined


def _with_rare(
    kept: Sequence[int],
    labels: Ints,
    members: Sequence[Atom],
    solid: Ints,
    pairs: Pairs,
    scorer: VoiceScorer,
    rules: OfflineRules,
    total: float,
    least: int,
) -> list[int]:
    """The clusters that are speakers, also those of whom there is little: see `rare`."""
    labelled = [replace(atom, speaker=label) for atom, label in zip(members, labels.tolist())]
    voices = centres(labelled, len(np.asarray(members[0].vector)), 0.0)

    def evidence(cluster: int, others: Sequence[int]) -> Floats:
        mine = solid[labels == cluster]
        return np.array([_evidence_between(mine, solid[labels == o], pairs) for o in others], np.float32)

    seconds = least_of_a_speaker(rules.clusters, total)
    return with_rare(kept, voices, seconds, evidence, scorer, rules.rare, least)


def _evidence_between(one: Ints, other: Ints, pairs: Pairs) -> float:
    """Nats that all windows together say for two clusters being one speaker."""
    reach = np.flatnonzero(np.asarray(pairs.seen[one].sum(axis=0)).ravel())
    close = np.intersect1d(other, reach)
    evidence, _ = pairs.evidence(np.concatenate([one, close]))
    return float(evidence[: len(one), len(one) :].sum())


def _means(vectors: Floats, labels: Ints) -> Floats:
    """(clusters, size) mean vectors, not brought to unit length."""
    sums = np.zeros((labels.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, labels, vectors)
    result: Floats = (sums / np.bincount(labels)[:, None]).astype(np.float32)
    return result


# -- names


def _named(
    atoms: Sequence[Atom], found: Sequence[Atom], pairs: Pairs, scorer: VoiceScorer, rules: OfflineRules
) -> tuple[list[Atom], Speakers]:
    """Every atom under the likeliest speaker, and the speakers as their atoms then sound."""
    size = len(np.asarray(found[0].vector))
    speakers = centres(found, size, 0.0)
    number_of = {atom.start: atom.speaker for atom in found}
    names = np.array([number_of.get(atom.start, -1) for atom in atoms], np.intp)
    lengths = np.array([(atom.stop - atom.start) / 100 for atom in atoms], np.float32)
    voiced = [index for index, atom in enumerate(atoms) if atom.vector is not None]
    vectors = np.array([atoms[index].vector for index in voiced], np.float32)
    clean = np.array([atoms[index].clean for index in voiced], np.float32)
    named = list(atoms)
    for _ in range(rules.rounds):
        voice = np.zeros((len(atoms), len(speakers)), np.float32)
        voice[voiced] = scorer.llr(vectors, clean, speakers.centres, speakers.seconds)
        shares = pairs.shares(lengths, names, speakers.ids, rules.doubt)
        odds = posterior(voice, shares, rules.naming)[:, :-1]
        names = speakers.ids[odds.argmax(axis=1)]
        named = [
            replace(atom, speaker=speaker, confidence=sure)
            for atom, speaker, sure in zip(atoms, names.tolist(), odds.max(axis=1).tolist())
        ]
        solid = [atom for atom in named if is_solid(atom, rules.solid)]
        speakers = centres(solid or [atom for atom in named if atom.vector is not None], size, 0.0)
    return named, speakers


def _with_second_voices(
    atoms: Sequence[Atom], speakers: Speakers, pairs: Pairs, rules: OfflineRules
) -> list[Atom]:
    """The atoms, each overlap under the likeliest voice beside the first."""
    if len(speakers) < 2:
        return list(atoms)
    names = np.array([atom.speaker for atom in atoms], np.intp)
    lengths = np.array([(atom.stop - atom.start) / 100 for atom in atoms], np.float32)
    shares = iter(pairs.shares(lengths, names, speakers.ids, rules.doubt))
    return [
        replace(
            atom,
            overlaps=tuple(
                replace(
                    overlap, speaker=second_voice(overlap, atom.speaker, next(shares), speakers, rules.second)
                )
                for overlap in atom.overlaps
            ),
        )
        for atom in atoms
    ]
