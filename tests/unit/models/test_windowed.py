"""Packages over windows and masks in the role of Embedder: what the network is given, and what is refused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.errors import ModelError, ModelRoleError, ShapeError
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.roles import EmbedderSpec
from hocket.models.windowed import WindowEmbedder

_SPEC = EmbedderSpec(
    rate=16000, size=2, channels=160, frame_step=160, hop=8000, lookback=0, kept=8000, min_frames=10,
    preroll=0, max_frames=1000,
)  # fmt: skip
_WAVEFORM, _MASK = TensorSpec("waveform", (3, 160000)), TensorSpec("mask", (3, 589))


class _Net(FakePredictor):
    """Mean of the sound where the mask is 1, and the share it keeps; remembers what it was given."""

    def __init__(
        self, inputs: tuple[TensorSpec, ...] = (_WAVEFORM, _MASK), value: float | None = None
    ) -> None:
        self.calls: list[Arrays] = []
        # The published package gives a scalar first.
        outputs = (TensorSpec("constant", ()), TensorSpec("embedding", (3, 2)))

        def predict(given: Arrays) -> dict[str, Array]:
            self.calls.append(given)
            sound, mask = given[inputs[0].name], given[inputs[1].name]
            if inputs[0] is _MASK:
                sound, mask = mask, sound
            vectors = np.stack([sound.reshape(len(sound), -1).mean(1), mask.mean(1)], 1)
            return {
                "constant": np.float32(0),
                "embedding": vectors if value is None else np.full_like(vectors, value),
            }

        super().__init__(inputs, outputs, predict)


def _embedder(net: FakePredictor, front_end: FakePredictor | None = None) -> WindowEmbedder:
    return WindowEmbedder(net, _SPEC, mask_frames=589, front_end=front_end)


def _rows(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).uniform(0.1, 0.3, (count, 160)).astype(np.float32)


def _ones(count: int) -> NDArray[np.float32]:
    return np.ones(count, np.float32)


def test_frames_are_the_audio() -> None:
    audio = np.random.default_rng(0).normal(size=(2, 16000)).astype(np.float32)
    frames = _embedder(_Net()).frames(audio)
    assert frames.shape == (2, 100, 160)
    np.testing.assert_array_equal(frames.reshape(2, -1), audio)


def test_short_audio_is_repeated_until_the_window_is_full() -> None:
    net = _Net()
    rows = _rows(30)
    _embedder(net).embed([rows], [_ones(30)])
    (waveform,) = (call["waveform"][0] for call in net.calls)
    np.testing.assert_array_equal(waveform[:4800], rows.ravel())
    np.testing.assert_array_equal(waveform[4800:9600], rows.ravel())
    np.testing.assert_array_equal(waveform[-1600:], rows.ravel()[:1600])  # 160000 = 33 · 4800 + 1600


def test_the_mask_keeps_to_the_audio_it_stands_for_through_all_rounds() -> None:
    """Half a stretch counts: what the mask keeps of the window is that half every time."""
    net = _Net()
    rows = np.repeat(np.float32([[0.0], [1.0]]), 25, axis=0) * np.ones((1, 160), np.float32)
    weights = np.repeat(np.float32([0, 1]), 25)
    _embedder(net).embed([rows], [weights])
    waveform, mask = net.calls[0]["waveform"][0], net.calls[0]["mask"][0]
    centres = ((np.arange(589) + 0.5) * 160000 / 589).astype(int)
    np.testing.assert_array_equal(mask, waveform[centres])
    assert mask.mean() == pytest.approx(0.5, abs=0.01)


def test_every_slot_of_a_call_holds_another_voice_and_empty_ones_are_dropped() -> None:
    net = _Net()
    stretches = [_rows(count) for count in (20, 40, 1000, 30)]
    vectors = _embedder(net).embed(stretches, [_ones(len(rows)) for rows in stretches])
    assert [call["waveform"].shape for call in net.calls] == [(3, 160000), (3, 160000)]
    np.testing.assert_array_equal(net.calls[1]["waveform"][1:], 0)
    alone = [_embedder(_Net()).embed([rows], [_ones(len(rows))])[0] for rows in stretches]
    np.testing.assert_array_equal(vectors, alone)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_inputs_are_told_apart_by_shape_whatever_their_order() -> None:
    turned, straight = _Net((_MASK, _WAVEFORM)), _Net()
    rows = _rows(40)
    np.testing.assert_array_equal(
        _embedder(turned).embed([rows], [_ones(40)]), _embedder(straight).embed([rows], [_ones(40)])
    )


def test_a_front_end_comes_between_the_audio_and_the_network() -> None:
    features = TensorSpec("fbank_features", (1, 1, 80, 998), ranges=((1, 32), (1, 1), (80, 80), (998, 998)))
    weights = TensorSpec("weights", (1, 589), ranges=((1, 32), (589, 589)))
    heard: list[Arrays] = []

    def fbank(given: Arrays) -> dict[str, Array]:
        heard.append(given)
        return {"fbank_features": np.ones((len(given["audio"]), 1, 80, 998), np.float32)}

    shapes = tuple((batch, 1, 160000) for batch in range(1, 33))
    front_end = FakePredictor((TensorSpec("audio", shapes[0], allowed=shapes),), (features,), fbank)
    net = _Net((features, weights))
    _embedder(net, front_end).embed([_rows(20)] * 2, [_ones(20)] * 2)
    assert [call["audio"].shape for call in heard] == [(2, 1, 160000)]
    assert [call["fbank_features"].shape for call in net.calls] == [(2, 1, 80, 998)]


def test_a_mask_that_keeps_next_to_nothing_becomes_ones() -> None:
    net = _Net()
    weights = np.zeros(1000, np.float32)
    weights[:15] = 1
    _embedder(net).embed([_rows(1000)], [weights])
    np.testing.assert_array_equal(net.calls[0]["mask"][0], 1)


def test_nothing_to_embed_is_no_vector() -> None:
    assert _embedder(_Net()).embed([], []).shape == (0, 2)


@pytest.mark.parametrize("length", [0, 100, 8001])
def test_a_stretch_off_the_grid_is_refused(length: int) -> None:
    with pytest.raises(ShapeError, match=r"want \(batch, n\), n a multiple of 160"):
        _embedder(_Net()).frames(np.zeros((1, length), np.float32))


@pytest.mark.parametrize("count", [9, 1001])
def test_too_few_and_too_many_frames_are_refused(count: int) -> None:
    with pytest.raises(ShapeError, match=f"wants 10 to 1000 frames, got {count}"):
        _embedder(_Net()).embed([_rows(count)], [_ones(count)])


def test_weights_must_match_their_frames() -> None:
    with pytest.raises(ShapeError, match=r"got \(20, 160\) and \(3,\)"):
        _embedder(_Net()).embed([_rows(20)], [_ones(3)])


def test_another_interface_is_refused() -> None:
    with pytest.raises(ModelRoleError, match=r"a mask of 589 frames .* this takes waveform \(3, 160000\)"):
        _embedder(_Net((_WAVEFORM, TensorSpec("mask", (3, 293)))))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_vector_without_direction_is_an_error(value: float) -> None:
    with pytest.raises(ModelError, match="no direction"):
        _embedder(_Net(value=value)).embed([_rows(20)], [_ones(20)])
