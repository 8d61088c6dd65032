"""Trunk and head as Embedder: the absolute grid, padding that counts nothing, unit vectors, faults."""

import numpy as np
import pytest

from hocket.models.embedder import PackageEmbedder
from hocket.models.errors import ModelError, ShapeError
from hocket.models.fbank import Fbank
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.roles import EmbedderSpec

_SPEC = EmbedderSpec(
    rate=16000, size=3, channels=3, frame_step=320, hop=8000, lookback=16000, kept=8000, min_frames=2
)


def _trunk(seen: list[Array]) -> FakePredictor:
    """Passes every second frame's first three features on."""

    def predict(inputs: Arrays) -> dict[str, Array]:
        seen.append(inputs["features"])
        return {"frames": inputs["features"][:, ::2, :3]}

    shapes = tuple((batch, frames, 80) for batch in (1, 2) for frames in (50, 100, 150))
    spec = TensorSpec("features", (1, 150, 80), allowed=shapes)
    return FakePredictor((spec,), (TensorSpec("frames", (1, 75, 3)),), predict)


def _head(shapes: list[tuple[int, ...]]) -> FakePredictor:
    """The weighted sum of the frames."""

    def predict(inputs: Arrays) -> dict[str, Array]:
        shapes.append(inputs["frames"].shape)
        return {"embedding": (inputs["frames"] * inputs["weights"][..., None]).sum(1)}

    frames = TensorSpec("frames", (1, 4, 3), ranges=((1, 4), (1, 8), (3, 3)))
    weights = TensorSpec("weights", (1, 4), ranges=((1, 4), (1, 8)))
    return FakePredictor((frames, weights), (TensorSpec("embedding", (1, 3)),), predict)


def _embedder(
    seen: list[Array] | None = None, shapes: list[tuple[int, ...]] | None = None
) -> PackageEmbedder:
    return PackageEmbedder(
        _trunk([] if seen is None else seen),
        _head([] if shapes is None else shapes),
        _SPEC,
        front_end=Fbank(),
        pool_sizes=(4, 8),
    )


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_frames_cover_the_stretch_without_its_preroll(hops: int) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, (2, 240 + 8000 * hops)).astype(np.float32)
    assert _embedder().frames(audio).shape == (2, 25 * hops, 3)


def test_the_trunk_sees_features_without_their_mean() -> None:
    seen: list[Array] = []
    _embedder(seen).frames(np.random.default_rng(0).normal(0, 0.1, (1, 24240)).astype(np.float32))
    np.testing.assert_allclose(seen[0].mean(axis=1), 0, atol=1e-5)
    assert seen[0].shape == (1, 150, 80)


def test_feature_frames_lie_on_the_absolute_grid() -> None:
    """A stretch that starts a hop later sees the same raw features, shifted by 50 frames."""
    seen: list[Array] = []
    embedder = _embedder(seen)
    audio = np.random.default_rng(0).normal(0, 0.1, 240 + 32000).astype(np.float32)
    embedder.frames(audio[None, :24240])
    embedder.frames(audio[None, 8000:])
    early, late = seen[0][0, 50:], seen[1][0, :100]
    np.testing.assert_allclose(early - early.mean(0), late - late.mean(0), atol=1e-5)


@pytest.mark.parametrize("length", [24000, 24241, 240 + 7680])
def test_a_stretch_off_the_grid_is_refused(length: int) -> None:
    with pytest.raises(ShapeError, match=r"want \(batch, 240 \+ n\), n a multiple of 8000"):
        _embedder().frames(np.zeros((1, length), np.float32))


def test_a_stretch_longer_than_the_trunk_takes_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"got rows of \(200, 80\)"):
        _embedder().frames(np.zeros((1, 32240), np.float32))


def test_vectors_have_unit_length_and_the_order_of_the_requests() -> None:
    frames = [np.eye(3, dtype=np.float32)[[k, k, k]][: 2 + k % 2] for k in (2, 0, 1)]
    vectors = _embedder().embed(frames, [np.full(len(f), 0.5, np.float32) for f in frames])
    np.testing.assert_allclose(vectors, np.eye(3)[[2, 0, 1]], atol=1e-6)


def test_frames_are_padded_to_few_sizes_and_pooled_together() -> None:
    shapes: list[tuple[int, ...]] = []
    lengths = (2, 3, 4, 5, 8)
    frames = [np.ones((n, 3), np.float32) for n in lengths]
    _embedder(shapes=shapes).embed(frames, [np.ones(n, np.float32) for n in lengths])
    assert sorted(shapes) == [(1, 4, 3), (2, 4, 3), (2, 8, 3)]


def test_nothing_to_embed_is_no_vector() -> None:
    assert _embedder().embed([], []).shape == (0, 3)


@pytest.mark.parametrize("count", [1, 9])
def test_too_few_and_too_many_frames_are_refused(count: int) -> None:
    with pytest.raises(ShapeError, match=f"wants 2 to 8 frames, got {count}"):
        _embedder().embed([np.ones((count, 3), np.float32)], [np.ones(count, np.float32)])


def test_weights_must_match_their_frames() -> None:
    with pytest.raises(ShapeError, match=r"got \(4, 3\) and \(3,\)"):
        _embedder().embed([np.ones((4, 3), np.float32)], [np.ones(3, np.float32)])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(value: float) -> None:
    with pytest.raises(ModelError, match="no direction"):
        _embedder().embed([np.full((4, 3), value, np.float32)], [np.ones(4, np.float32)])
