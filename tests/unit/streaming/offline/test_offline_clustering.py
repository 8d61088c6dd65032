"""Who is who in a whole recording, on vectors and windows made by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.roles import Calibration
from hocket.streaming.clustering.asked import Asked
from hocket.streaming.clustering.voices import VoiceScorer
from hocket.streaming.hearing.atoms import Atom, Overlap
from hocket.streaming.hearing.evidence import LocalVoices
from hocket.streaming.offline import clustering
from hocket.streaming.offline.agreement import Agreement
from hocket.streaming.offline.clustering import OfflineRules, cluster

SIZE = 96
SCORER = VoiceScorer(Calibration(different=0.0, noise_floor=0.1, noise_per_second=0.3))
RULES = OfflineRules()
Floats = NDArray[np.float32]


def voices(count: int) -> Floats:
    """(count, SIZE) directions at right angles."""
    axes: Floats = np.linalg.qr(np.random.default_rng(7).standard_normal((SIZE, SIZE)))[0][:count]
    return axes.astype(np.float32)


def unit(vector: Floats) -> Floats:
    result: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
    return result


def talk(who: Sequence[int], seconds: float = 2.0, noise: float = 0.06) -> list[Atom]:
    """Atoms of these speakers one after the other, each with a pause, heard through noise."""
    chance, directions = np.random.default_rng(1), voices(max(who) + 1)
    return [
        Atom(
            index * 300,
            index * 300 + round(100 * seconds),
            unit(directions[speaker] + noise * chance.standard_normal(SIZE).astype(np.float32)),
            seconds,
        )
        for index, speaker in enumerate(who)
    ]


def heard(atoms: Sequence[Atom], locals_of: Sequence[int], length: int = 1000) -> Agreement:
    """What windows of `length` cells say that give each atom to a local speaker, whole and alone."""
    agreement = Agreement()
    agreement.add_atoms(atoms)
    activity = np.zeros((atoms[-1].stop + length, 3), np.float32)
    for atom, local in zip(atoms, locals_of, strict=True):
        activity[atom.start : atom.stop, local] = 1
    for start in range(0, len(activity) - length, 50):
        window = activity[start : start + length]
        agreement.add_window(LocalVoices(start, window, np.zeros(length, np.float32)))
    return agreement


def nothing_heard(atoms: Sequence[Atom]) -> Agreement:
    agreement = Agreement()
    agreement.add_atoms(atoms)
    return agreement


def names(atoms: Sequence[Atom]) -> list[int]:
    """Speakers, numbered by first appearance."""
    order = list(dict.fromkeys(atom.speaker for atom in atoms))
    return [order.index(atom.speaker) for atom in atoms]


def test_voices_that_differ_are_told_apart() -> None:
    who = [0, 1, 0, 2, 1, 0, 2, 2, 1, 0]
    assert names(cluster(talk(who), nothing_heard(talk(who)), SCORER, RULES)) == who


def test_a_long_recording_is_clustered_in_blocks_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = np.random.default_rng(3).integers(0, 5, 120).tolist()
    atoms = talk(who)
    at_once = cluster(atoms, nothing_heard(atoms), SCORER, RULES)
    monkeypatch.setattr(clustering, "BLOCK", 25)
    in_blocks = cluster(atoms, nothing_heard(atoms), SCORER, RULES)
    assert names(in_blocks) == names(at_once)
    assert len({atom.speaker for atom in in_blocks}) == 5


def test_windows_keep_apart_what_sounds_alike_and_join_what_does_not() -> None:
    middle = voices(3)[2]
    alike = [unit(voices(2)[who] + 0.95 * middle) for who in (0, 1)]  # cosine of 0.47, apart or not
    who = [0, 1, 0, 1, 0, 1, 0, 1]
    atoms = [Atom(k * 300, k * 300 + 200, alike[speaker], 2.0) for k, speaker in enumerate(who)]
    assert names(cluster(atoms, nothing_heard(atoms), SCORER, RULES)) == [0] * 8
    assert names(cluster(atoms, heard(atoms, who), SCORER, RULES)) == who
    assert names(cluster(atoms, heard(atoms, [0] * 8), SCORER, RULES)) == [0] * 8


def test_a_stretch_too_short_for_a_voice_goes_by_what_the_windows_heard() -> None:
    who = [0, 1, 0, 1, 1, 0]
    atoms = talk(who)
    atoms[4] = Atom(atoms[4].start, atoms[4].start + 15, None, 0.0)
    assert names(cluster(atoms, heard(atoms, who), SCORER, RULES)) == who


@pytest.mark.parametrize(
    ("voice", "seconds", "is_speaker"),
    [
        (voices(3)[2], 2.5, True),
        (voices(3)[2], 1.0, False),  # too little to be anybody
        (unit(voices(1)[0] + 1.6 * voices(3)[2]), 2.5, False),  # the first speaker, hoarse
    ],
)
def test_a_rare_voice_is_a_speaker_where_it_is_like_nobody_elses(
    voice: Floats, seconds: float, is_speaker: bool
) -> None:
    atoms = [*talk([0, 1] * 40), Atom(99_000, 99_000 + round(100 * seconds), voice, seconds)]
    named = cluster(atoms, nothing_heard(atoms), SCORER, RULES)
    assert len({atom.speaker for atom in named}) == 2 + is_speaker


@pytest.mark.parametrize(("asked", "found"), [(Asked(1, 2), 2), (Asked(1, 1), 1), (Asked(4, 4), 4)])
def test_there_are_as_many_speakers_as_were_asked_for(asked: Asked, found: int) -> None:
    who = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    atoms = talk(who, seconds=6.0, noise=0.11)
    named = cluster(atoms, nothing_heard(atoms), SCORER, RULES, asked)
    assert len({atom.speaker for atom in named}) == found


def test_an_overlaps_second_voice_is_what_remains_once_the_first_is_taken_out() -> None:
    who = [0, 1, 2, 0, 1, 2]
    atoms = talk(who)
    mixture = unit(voices(3)[0] + 0.5 * voices(3)[2])
    first = atoms[0]
    atoms[0] = Atom(first.start, first.stop, first.vector, 2.0, {}, (Overlap(50, 120, {}, vector=mixture),))
    named = cluster(atoms, nothing_heard(atoms), SCORER, RULES)
    assert named[0].overlaps[0].speaker == named[2].speaker


def test_without_any_vector_everything_is_one_speakers() -> None:
    atoms = [Atom(0, 10, None, 0.0), Atom(50, 60, None, 0.0)]
    assert names(cluster(atoms, nothing_heard(atoms), SCORER, RULES)) == [0, 0]
    assert cluster([], Agreement(), SCORER, RULES) == []
