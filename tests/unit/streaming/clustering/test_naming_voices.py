"""Voices, links, names, memory and the slow path: who an atom belongs to."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.roles import Calibration
from hocket.streaming.clustering.agglomeration import agglomerate
from hocket.streaming.clustering.asked import Asked
from hocket.streaming.clustering.clusterer import Clusterer, ClusterRules
from hocket.streaming.clustering.counting import at_most
from hocket.streaming.clustering.memory import Memory, MemoryRules, centres
from hocket.streaming.clustering.naming import NamingRules, linked, posterior
from hocket.streaming.clustering.rare import RareRules, with_rare
from hocket.streaming.clustering.reclustering import (
    ReclusterRules,
    habit,
    not_parted,
    rejoined,
    speakers_among,
    stitch,
    window_evidence,
)
from hocket.streaming.clustering.voices import VoiceScorer
from hocket.streaming.hearing.atoms import NOBODY, Atom, Overlap
from hocket.streaming.hearing.evidence import LocalVoices, alone, links

SCORER = VoiceScorer(Calibration(different=0.25, noise_floor=0.12, noise_per_second=1.145))
RULES = ReclusterRules()


def direction(axis: int, size: int = 6) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)[axis]


def atom(start: int, axis: int, *, cells: int = 150, speaker: int = NOBODY) -> Atom:
    return Atom(start, start + cells, direction(axis), cells / 100, speaker=speaker)


def ones(count: int) -> NDArray[np.float32]:
    return np.ones(count, np.float32)


def test_the_same_cosine_says_more_the_more_speech_stands_behind_it() -> None:
    vector = np.array([[0.5, np.sqrt(0.75)]], np.float32)
    centre = np.array([[1.0, 0.0]], np.float32)
    short, long = (
        SCORER.llr(vector, np.array([s], np.float32), centre, np.array([60.0], np.float32))[0, 0]
        for s in (0.5, 10.0)
    )
    assert short > 0 > long


def test_a_stretch_is_linked_to_what_was_heard_as_the_same_local_speaker() -> None:
    activity = np.zeros((300, 2), np.float32)
    activity[0:100, 0] = activity[100:200, 1] = activity[200:300, 0] = 1
    window = LocalVoices(0, activity, np.zeros(300, np.float32))
    spans = np.array([(0, 100), (100, 200), (200, 300)])
    table = links(alone([window], spans), alone([window], spans))
    assert table[2, 0] == pytest.approx(100 / 220)
    assert table[2, 1] == 0


def test_overlapped_cells_do_not_count_as_heard_alone() -> None:
    activity, overlap = np.ones((10, 1), np.float32), np.ones(10, np.float32)
    assert LocalVoices(0, activity, overlap).alone(np.array([(0, 10)])).sum() == 0
    assert LocalVoices(0, activity, overlap).whole(np.array([(0, 10)])).sum() == 10


def test_windows_decide_while_the_voice_is_unclear_and_not_against_a_clear_one() -> None:
    rules, ids = NamingRules(), np.array([0, 1])
    shares = linked({100: 0.7, 200: 0.1}, {100: 0, 200: 1}, ids)
    np.testing.assert_allclose(shares, [0.7, 0.1])
    assert posterior(np.zeros(2, np.float32), shares, rules).argmax() == 0
    assert posterior(np.array([-4, 6], np.float32), shares, rules).argmax() == 1
    assert posterior(np.array([-9, -9], np.float32), shares, rules).argmax() == 2


def test_centres_weigh_atoms_by_clean_speech() -> None:
    atoms = [atom(0, 0, cells=300, speaker=4), atom(300, 1, cells=100, speaker=4)]
    speakers = centres(atoms, 6, 0.6)
    assert speakers.ids.tolist() == [4]
    assert speakers.seconds[0] == pytest.approx(4)
    np.testing.assert_allclose(speakers.centres[0, :2], np.array([3, 1]) / np.sqrt(10), atol=1e-6)


def test_memory_keeps_recent_atoms_and_a_few_examples_of_older_ones() -> None:
    memory = Memory(6, MemoryRules(recent=10, exemplars=3))
    memory.add([atom(200 * k, k % 2, speaker=k % 2) for k in range(40)])
    assert len(memory.recent) == 10
    assert sorted(a.speaker for a in memory.exemplars) == [0, 0, 0, 1, 1, 1]
    assert memory.since == 29 * 200 + 150


def test_the_least_telling_exemplar_goes() -> None:
    memory = Memory(6, MemoryRules(recent=1, exemplars=2))
    alike = (direction(1) + direction(2) / 2) / np.sqrt(np.float32(1.25))
    short = replace(atom(400, 1, cells=80, speaker=0), vector=alike)
    memory.add([atom(0, 0, speaker=0), atom(200, 1, speaker=0), short, atom(600, 0, speaker=0)])
    assert [a.start for a in memory.exemplars] == [0, 200]


def test_however_many_voices_are_heard_so_many_examples_are_kept() -> None:
    memory = Memory(6, MemoryRules(recent=1, exemplars=3, most=8))
    memory.add([atom(200 * n, n % 6, speaker=n % 2) for n in range(7)])
    assert len(memory.exemplars) == 6
    memory.add([atom(2000 + 200 * n, n % 6, speaker=2 + n) for n in range(5)])
    assert len(memory.exemplars) == 8
    assert sorted(a.speaker for a in memory.exemplars) == [0, 0, 1, 1, 2, 3, 4, 5]


def test_two_speakers_who_were_one_keep_no_more_examples_than_one() -> None:
    memory = Memory(6, MemoryRules(recent=2, exemplars=3))
    memory.add([atom(200 * k, k % 2, speaker=k % 2) for k in range(20)])
    memory.rename([replace(a, speaker=1) for a in memory.atoms])
    memory.add([atom(4000, 1, speaker=1)])
    assert len(memory.exemplars) == 3


def test_evidence_needs_links_and_goes_both_ways() -> None:
    table = np.array([[0, 0.8, 0.0], [0.8, 0, 0.1], [0.0, 0.1, 0]], np.float32)
    evidence, near = window_evidence(table, ones(3))
    assert evidence[0, 1] > 0 > evidence[1, 2]
    assert not near[0, 2]
    np.testing.assert_array_equal(evidence, evidence.T)


def test_atoms_join_while_the_best_pair_is_one_speaker() -> None:
    vectors = np.stack([direction(axis) for axis in (0, 1, 0, 1, 2)])
    nothing = np.zeros((5, 5), np.float32)
    clusters = agglomerate(vectors @ vectors.T, nothing, nothing > 0, RULES)
    assert clusters.tolist() == [0, 1, 0, 1, 2]
    joined, left = at_most(2, clusters, sorted(set(clusters.tolist())), vectors @ vectors.T)
    assert len(set(joined.tolist())) == len(left) == 2


def test_windows_hold_two_alike_voices_apart() -> None:
    cosines = np.full((4, 4), 0.335, np.float32)
    cosines[:2, :2] = cosines[2:, 2:] = 0.9
    evidence = np.zeros((4, 4), np.float32)
    near = np.zeros((4, 4), bool)
    assert len(set(agglomerate(cosines, evidence, near, RULES).tolist())) == 1
    near[:2, 2:] = near[2:, :2] = True
    evidence[near] = -2
    assert agglomerate(cosines, evidence, near, RULES).tolist() == [0, 0, 1, 1]


def test_the_joining_of_voices_held_to_be_alike_agrees_with_average_linkage() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage

    vectors = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    nothing = np.zeros((60, 60), np.float32)
    ours = agglomerate(vectors @ vectors.T, nothing, nothing > 0, replace(RULES, varied=0.0))
    theirs = fcluster(linkage(vectors, "average", metric="cosine"), 1 - RULES.join, "distance")
    assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(ours.tolist()))
    assert len(set(ours.tolist())) == len(set(theirs.tolist()))


def test_habits_need_speech_behind_both_names() -> None:
    young = habit(np.array([0, 0, 1]), ones(3), RULES)
    assert not young.any()
    old = habit(np.array([0, 0, 1]), 200 * ones(3), RULES)
    assert old[0, 1] == pytest.approx(RULES.habit)
    assert old[0, 2] == pytest.approx(-RULES.habit)


def test_small_clusters_dissolve_as_the_session_grows() -> None:
    clusters, seconds = np.array([0, 0, 1]), np.array([2, 2, 1.5], np.float32)
    assert speakers_among(clusters, seconds, RULES, 5.5) == [0, 1]
    assert speakers_among(clusters, seconds, RULES, 300) == [0]


def test_a_small_cluster_is_a_speaker_where_it_is_like_nobody_else() -> None:
    voices = centres([atom(0, 0, cells=2000, speaker=0), atom(3000, 1, cells=200, speaker=1)], 6, 0.0)
    like_the_first = centres([atom(0, 0, cells=2000, speaker=0), atom(3000, 0, cells=200, speaker=1)], 6, 0.0)

    def unseen(_: int, others: object) -> NDArray[np.float32]:
        return np.zeros(len(others), np.float32)  # type: ignore[arg-type]

    assert with_rare([0], voices, 4.0, unseen, SCORER, RareRules()) == [0, 1]
    assert with_rare([0], like_the_first, 4.0, unseen, SCORER, RareRules()) == [0]
    assert with_rare([0], like_the_first, 4.0, unseen, SCORER, RareRules(), least=2) == [0, 1]


def test_an_established_voice_falls_apart_less_easily_than_a_young_one() -> None:
    rules = ReclusterRules(join=0.32, part=0.1, part_from=15.0, part_free=20.0)
    clusters = np.array([0, 0, 1])
    cosines = np.array([[1, 1, 0.28], [1, 1, 0.28], [0.28, 0.28, 1]])
    pairs = np.stack([cosines, np.zeros((3, 3)), np.zeros((3, 3))])

    def parted_from(behind: float, own: float) -> dict[int, int]:
        seconds = np.array([behind / 2, behind / 2, own], np.float32)
        return not_parted([1], {0: 7}, clusters, seconds, pairs, rules)

    assert parted_from(10.0, 2.0) == {}
    assert parted_from(60.0, 2.0) == {1: 7}
    assert parted_from(60.0, 20.0) == {}


def test_clusters_keep_the_ids_that_share_most_speech() -> None:
    clusters, speakers = np.array([0, 0, 1, 1, 2]), np.array([7, 7, 7, 3, -1])
    seconds = np.array([2, 2, 1, 2, 1], np.float32)
    assert stitch(clusters, speakers, seconds) == {0: 7, 1: 3, 2: None}


def clusterer(max_speakers: int | None = None) -> Clusterer:
    return Clusterer(6, SCORER, ClusterRules(), Asked(most=max_speakers))


def test_a_clearly_different_voice_is_a_new_speaker_at_once() -> None:
    engine = clusterer()
    first = engine.name([atom(0, 0)], [])
    engine.remember(first)
    [second] = engine.name([atom(200, 1)], engine.memory.recent)
    assert (first[0].speaker, second.speaker) == (0, 1)


def test_a_birth_keeps_its_number_while_the_atom_grows() -> None:
    engine = clusterer()
    engine.remember(engine.name([atom(0, 0)], []))
    [young] = engine.name([atom(200, 1, cells=110)], engine.memory.recent)
    [grown] = engine.name([atom(200, 1, cells=190)], engine.memory.recent)
    assert young.speaker == grown.speaker == 1


def test_no_more_speakers_than_asked_for() -> None:
    engine = clusterer(max_speakers=1)
    engine.remember(engine.name([atom(0, 0)], []))
    assert engine.name([atom(200, 1)], engine.memory.recent)[0].speaker == 0


def test_thinking_again_parts_what_was_named_alike_and_merges_what_was_not() -> None:
    engine = clusterer()
    wrong = [atom(200 * k, k % 2, speaker=5 if k == 6 else 0) for k in range(8)]
    engine.remember(wrong)
    verdict = engine.reconsider()
    by_axis = [{a.speaker for a in engine.memory.recent if a.start // 200 % 2 == odd} for odd in (0, 1)]
    assert [len(names) for names in by_axis] == [1, 1]
    assert by_axis[0] != by_axis[1]
    assert verdict.since is not None
    assert verdict.merged == {5: 0} or 5 in by_axis[0]


def test_a_second_voice_is_whom_the_windows_heard() -> None:
    engine = clusterer()
    engine.remember([atom(0, 0, speaker=0), atom(200, 1, speaker=1), atom(400, 2, speaker=2)])
    overlapped = replace(atom(600, 0), overlaps=(Overlap(620, 660, {400: 0.5, 0: 0.4}),))
    [named] = engine.name([overlapped], engine.memory.recent)
    assert named.speaker == 0
    assert named.overlaps[0].speaker == 2


def test_a_second_voice_that_the_windows_did_not_know_is_what_remains_of_the_mixture() -> None:
    engine = clusterer()
    engine.remember([atom(0, 0, speaker=0), atom(200, 1, speaker=1), atom(400, 2, speaker=2)])
    mixture = (atom(0, 0).vector + 0.6 * atom(400, 2).vector) / np.sqrt(1.36)
    overlapped = replace(atom(600, 0), overlaps=(Overlap(620, 660, {}, vector=mixture.astype(np.float32)),))
    [named] = engine.name([overlapped], engine.memory.recent)
    assert named.speaker == 0
    assert named.overlaps[0].speaker == 2


def test_two_clusters_of_one_varied_voice_are_one_unless_they_are_two_persons() -> None:
    rng = np.random.default_rng(0)
    varied = rng.standard_normal((20, 192)).astype(np.float32)
    middle = direction(0, 192) * np.float32(np.sqrt(192 / 2))
    vectors = np.concatenate([varied[:16] + middle, varied[16:] + middle[::-1]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = np.repeat([0, 1, 2], [8, 8, 4])
    together, apart = np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32)
    apart[0, 8] = apart[8, 0] = -1e6
    seconds = 2 * ones(20)
    assert (vectors[:8] @ vectors[8:16].T).mean() < 0.4
    assert rejoined(clusters, vectors, seconds, together, RULES).tolist() == [0] * 16 + [1] * 4
    assert rejoined(clusters, vectors, seconds, apart, RULES).tolist() == clusters.tolist()
    assert rejoined(clusters, vectors, seconds / 2, together, RULES).tolist() == clusters.tolist()


def test_a_likeness_counts_for_less_between_voices_that_vary_little() -> None:
    cosines = np.full((12, 12), 0.35, np.float32)
    cosines[:6, :6] = cosines[6:, 6:] = 0.65
    np.fill_diagonal(cosines, 1)
    unheard = np.zeros((12, 12), np.float32)
    two = agglomerate(cosines, unheard, unheard > 0, RULES)
    assert two.tolist() == [0] * 6 + [1] * 6
    one = agglomerate(cosines, unheard, unheard > 0, replace(RULES, varied=0.0))
    assert one.tolist() == [0] * 12
