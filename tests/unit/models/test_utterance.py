"""One package in the role of Embedder: what the network is given, and what is refused."""

import numpy as np
import pytest

from hocket.models.errors import ModelError, ShapeError
from hocket.models.fbank import Fbank
from hocket.models.nemo_mel import NemoMel
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.roles import EmbedderSpec
from hocket.models.utterance import UtteranceEmbedder

_FEATURES = TensorSpec("features", (1, 200, 80), ranges=((1, 4), (10, 300), (80, 80)))
_WEIGHTS = TensorSpec("weights", (1, 25), ranges=((1, 4), (2, 38)))


def _spec(preroll: int) -> EmbedderSpec:
    return EmbedderSpec(
        rate=16000, size=3, channels=80, frame_step=160, hop=8000, lookback=0, kept=8000, min_frames=10,
        preroll=preroll,
    )  # fmt: skip


def _net(calls: list[Arrays], *inputs: TensorSpec, value: float = 1.0) -> FakePredictor:
    def predict(given: Arrays) -> dict[str, Array]:
        calls.append(given)
        return {"embedding": np.full((len(given["features"]), 3), value, np.float32)}

    return FakePredictor(inputs, (TensorSpec("embedding", (1, 3)),), predict)


def _weighted(calls: list[Arrays], value: float = 1.0) -> UtteranceEmbedder:
    net = _net(calls, _FEATURES, _WEIGHTS, value=value)
    return UtteranceEmbedder(net, _spec(240), front_end=Fbank(), frames_per_weight=8)


def _unweighted(calls: list[Arrays]) -> UtteranceEmbedder:
    return UtteranceEmbedder(_net(calls, _FEATURES), _spec(241), front_end=NemoMel(), frames_per_weight=1)


def _rows(count: int) -> Array:
    return np.random.default_rng(count).normal(-5, 2, (count, 80)).astype(np.float32)


@pytest.mark.parametrize(("embedder", "preroll"), [(_weighted([]), 240), (_unweighted([]), 241)])
def test_frames_are_features_on_the_absolute_grid(embedder: UtteranceEmbedder, preroll: int) -> None:
    """A call a hop later gives what one longer call gives, from there on."""
    audio = np.random.default_rng(0).normal(0, 0.1, (2, preroll + 16000)).astype(np.float32)
    whole = embedder.frames(audio)
    assert whole.shape == (2, 100, 80)
    np.testing.assert_allclose(embedder.frames(audio[:, 8000:]), whole[:, 50:], atol=1e-5)


@pytest.mark.parametrize("length", [0, 240, 8000, 240 + 8001])
def test_a_stretch_off_the_grid_is_refused(length: int) -> None:
    with pytest.raises(ShapeError, match=r"want \(batch, 240 \+ n\), n a multiple of 160"):
        _weighted([]).frames(np.zeros((1, length), np.float32))


def test_a_network_with_weights_sees_every_frame_and_the_nearest_weight_of_each_eight() -> None:
    calls: list[Arrays] = []
    weights = np.repeat(np.array([1, 0, 1], np.float32), [8, 8, 4])
    rows = _rows(20)
    _weighted(calls).embed([rows], [weights])
    np.testing.assert_allclose(calls[0]["features"][0], rows - rows.mean(0), atol=1e-5)
    np.testing.assert_array_equal(calls[0]["weights"], [[1, 1, 0]])  # of frames 0, 6 and 13


def test_a_network_without_weights_never_sees_frames_of_weight_zero() -> None:
    calls: list[Arrays] = []
    weights = np.ones(30, np.float32)
    weights[5:12] = 0
    rows = _rows(30)
    _unweighted(calls).embed([rows], [weights])
    kept = np.concatenate([rows[:5], rows[12:]])
    expected = (kept - kept.mean(0)) / (kept.std(0, ddof=1) + 1e-5)
    np.testing.assert_allclose(calls[0]["features"][0], expected, atol=1e-5)


def test_weights_that_none_of_eight_frames_would_keep_become_ones() -> None:
    calls: list[Arrays] = []
    weights = np.zeros(24, np.float32)
    weights[[1, 2, 3]] = 1
    _weighted(calls).embed([_rows(24)], [weights])
    np.testing.assert_array_equal(calls[0]["weights"], [[1, 1, 1]])


def test_stretches_of_one_length_share_a_call() -> None:
    calls: list[Arrays] = []
    lengths = (20, 30, 20)
    vectors = _weighted(calls).embed([_rows(n) for n in lengths], [np.ones(n, np.float32) for n in lengths])
    assert sorted(call["features"].shape for call in calls) == [(1, 30, 80), (2, 20, 80)]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_nothing_to_embed_is_no_vector() -> None:
    assert _weighted([]).embed([], []).shape == (0, 3)


@pytest.mark.parametrize("count", [9, 301])
def test_too_few_and_too_many_frames_are_refused(count: int) -> None:
    with pytest.raises(ShapeError, match=rf"at least 10 frames .* got {count} frames"):
        _weighted([]).embed([_rows(count)], [np.ones(count, np.float32)])


def test_too_few_frames_that_count_are_refused() -> None:
    weights = np.zeros(20, np.float32)
    weights[:9] = 1
    with pytest.raises(ShapeError, match="got 9 frames"):
        _unweighted([]).embed([_rows(20)], [weights])


def test_weights_must_match_their_frames() -> None:
    with pytest.raises(ShapeError, match=r"got \(20, 80\) and \(3,\)"):
        _weighted([]).embed([_rows(20)], [np.ones(3, np.float32)])


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_vector_without_direction_is_an_error(value: float) -> None:
    with pytest.raises(ModelError, match="no direction"):
        _weighted([], value).embed([_rows(20)], [np.ones(20, np.float32)])
