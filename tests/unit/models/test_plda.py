"""PLDA against the published parameters' own results, and its scores against the densities they stand for."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.errors import PackageError, ShapeError, UnknownModel
from hocket.models.plda import TYPICAL_LENGTH, Plda, open_plda
from hocket.models.roles import VoiceSpace
from hocket.models.tensors import read_tensors, write_tensors
from tests.shared_data import shared

Floats = NDArray[np.float64]


def _random(size: int = 6, space: int = 4) -> Plda:
    rng = np.random.default_rng(0)
    return Plda.from_parameters(
        {
            "mean1": rng.normal(size=size),
            "lda": rng.normal(size=(size, space)),
            "mean2": rng.normal(size=space),
        },
        {
            "mu": rng.normal(size=space),
            "tr": rng.normal(size=(space, space)),
            "psi": rng.uniform(0.5, 3, space),
        },
    )


def _log_density(x: Floats, covariance: Floats) -> float:
    """Of a normal distribution around 0."""
    log_volume = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return float(-(log_volume + x @ np.linalg.solve(covariance, x)) / 2)


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[np.float64]]:
    """A real clip's embeddings and what community-1 made of them."""
    return dict(np.load(shared("parity/golden_community1_sample.npz")))


def test_features_are_those_of_the_original(golden: dict[str, Floats]) -> None:
    """Axes have no sign, so absolute values are compared."""
    plda = open_plda(shared("parity"))
    raw = golden["raw_embeddings"][golden["train_chunk"], golden["train_speaker"]]
    np.testing.assert_allclose(np.abs(plda.transform(raw)), np.abs(golden["post_plda"]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(plda.phi, golden["phi"], rtol=0, atol=1e-9)


def test_unit_vectors_of_a_typical_length_are_nearly_as_good(golden: dict[str, Floats]) -> None:
    plda = open_plda(shared("parity"))
    raw = golden["raw_embeddings"][golden["train_chunk"], golden["train_speaker"]]
    units = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    features, expected = plda.transform(units, length=TYPICAL_LENGTH), plda.transform(raw)
    norms = np.linalg.norm(features, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((features * expected).sum(1) / norms).min() > 0.995


def test_the_published_axes_solve_what_vbx_solves() -> None:
    plda = open_plda(shared("parity"))
    within = np.linalg.inv(plda.tr.T @ plda.tr)
    between = np.linalg.inv((plda.tr.T / plda.phi) @ plda.tr)
    np.testing.assert_allclose(plda.tr @ within @ plda.tr.T, np.eye(128), atol=1e-9)
    np.testing.assert_allclose(plda.tr @ between @ plda.tr.T, np.diag(plda.phi), atol=1e-9)


def test_every_real_vector_scores_highest_with_its_own_voice(golden: dict[str, Floats]) -> None:
    plda = open_plda(shared("parity"))
    chunks, slots = golden["train_chunk"], golden["train_speaker"]
    features = plda.transform(golden["raw_embeddings"][chunks, slots])
    speakers = golden["hard_clusters"][chunks, slots]
    means = np.stack([features[speakers == speaker].mean(0) for speaker in (0, 1)])
    scores = plda.scores(means, features, np.bincount(speakers))
    np.testing.assert_array_equal(scores.argmax(0), speakers)


def test_json_files_give_the_same_in_single_precision(golden: dict[str, Floats], tmp_path: Path) -> None:
    plda = open_plda(shared("parity"))
    for name, archive in (("xvector-transform", "xvec_transform"), ("plda-parameters", "plda")):
        write_tensors(tmp_path / f"{name}.json", dict(np.load(shared(f"parity/plda/{archive}.npz"))))
    raw = golden["raw_embeddings"][golden["train_chunk"], golden["train_speaker"]]
    np.testing.assert_allclose(open_plda(tmp_path).transform(raw), plda.transform(raw), rtol=0, atol=1e-4)


def test_a_score_is_the_ratio_of_joint_densities() -> None:
    """Two vectors of one voice share its mean: their covariance is phi. Of two voices it is 0."""
    plda = _random()
    x, y = np.random.default_rng(1).normal(size=(2, 4))
    shared_mean, own = np.diag(plda.phi), np.eye(4) + np.diag(plda.phi)
    alike = np.block([[own, shared_mean], [shared_mean, own]])
    apart = np.block([[own, 0 * own], [0 * own, own]])
    both = np.concatenate([x, y])
    expected = _log_density(both, alike) - _log_density(both, apart)
    np.testing.assert_allclose(plda.scores(x, y), [[expected]], rtol=0, atol=1e-9)


def test_a_voice_known_from_many_vectors_scores_by_all_of_them() -> None:
    plda = _random()
    rng = np.random.default_rng(2)
    many, test = rng.normal(size=(5, 4)), rng.normal(size=4)
    joint = np.kron(np.ones((6, 6)), np.diag(plda.phi)) + np.eye(24)
    known = np.kron(np.ones((5, 5)), np.diag(plda.phi)) + np.eye(20)
    expected = (
        _log_density(np.concatenate([many.ravel(), test]), joint)
        - _log_density(many.ravel(), known)
        - _log_density(test, np.eye(4) + np.diag(plda.phi))
    )
    found = plda.scores(many.mean(0), test, counts=5)
    np.testing.assert_allclose(found, [[expected]], rtol=0, atol=1e-9)


def test_plda_is_a_space_of_voices() -> None:
    space: VoiceSpace = _random()
    features = space.transform(np.ones((3, 6)))
    assert features.shape == (3, 4)
    assert space.scores(features[:1], features).shape == (1, 3)


def test_scores_are_a_table_of_known_by_tests() -> None:
    plda = _random()
    known, tests = np.random.default_rng(3).normal(size=(2, 5, 4))
    table = plda.scores(known[:3], tests, counts=[1, 2, 30])
    assert table.shape == (3, 5)
    np.testing.assert_allclose(table[1, 4], plda.scores(known[1], tests[4], 2)[0, 0], atol=1e-12)


def test_the_axis_on_which_speakers_differ_most_comes_first() -> None:
    plda = _random()
    assert (np.diff(plda.phi) <= 0).all()
    turned = Plda.from_parameters(
        {"mean1": plda.mean1, "lda": plda.lda, "mean2": plda.mean2},
        {"mu": plda.mu, "tr": plda.tr[::-1], "psi": plda.phi[::-1]},
    )
    np.testing.assert_array_equal(turned.tr, plda.tr)


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"PLDA wants vectors \(..., 6\), got \(2, 5\)"):
        _random().transform(np.ones((2, 5)))


def test_parameters_that_do_not_fit_are_named() -> None:
    plda = _random()
    with pytest.raises(ShapeError, match=r"mu is \(3,\), expected \(4,\) beside lda \(6, 4\)"):
        Plda(plda.mean1, plda.lda, plda.mean2, plda.mu[:3], plda.tr, plda.phi)
    with pytest.raises(ShapeError, match="phi has 1 values that are not positive"):
        Plda(plda.mean1, plda.lda, plda.mean2, plda.mu, plda.tr, plda.phi * [1, 1, 1, 0])
    with pytest.raises(PackageError, match="lack mean1, tr"):
        Plda.from_parameters({"lda": 1, "mean2": 1}, {"mu": 1, "psi": 1})


def test_a_folder_without_parameters_says_which_files_are_expected(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"expected xvector-transform.json and plda-parameters.json or"):
        open_plda(tmp_path)


def test_tensors_survive_json(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([0.1])}
    write_tensors(tmp_path / "t.json", arrays, name="test")
    found = read_tensors(tmp_path / "t.json")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert json.loads((tmp_path / "t.json").read_text())["name"] == "test"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "list indices"),
        ('{"tensors": {"a": {"shape": [1], "dtype": "int8", "data_base64": ""}}}', "dtype 'int8'"),
        ('{"tensors": {"a": {"shape": [1], "data_base64": "AAA"}}}', "base64 is damaged"),
        ('{"tensors": {"a": {"shape": [3], "data_base64": "AAAAAA=="}}}', "cannot reshape"),
    ],
)
def test_damaged_tensors_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(PackageError, match=reason):
        read_tensors(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    for name in ("xvec_transform.npz", "plda.npz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(PackageError, match="not a numpy archive"):
        open_plda(tmp_path)
