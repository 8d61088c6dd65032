"""A stretch of audio to a voice: what counts, how much of it, and that cutting does not matter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket.models.nemo_mel import NemoMel
from hocket.models.predictor import Array, Arrays, FakePredictor, TensorSpec
from hocket.models.roles import EmbedderSpec, Frames
from hocket.models.utterance import UtteranceEmbedder
from hocket.streaming.errors import NoVoiceError
from hocket.streaming.verification.hearing import Hearing, Voice
from tests.level_voices import NUM_VOICES, RATE, LevelEmbedder, LevelSegmenter

Samples = NDArray[np.float32]


def spoken(*turns: tuple[int, float]) -> Samples:
    """Each voice at its level for so many seconds, -1 for nobody."""
    return np.concatenate(
        [np.full(round(seconds * RATE), 0.1 * (voice + 1)) for voice, seconds in turns]
    ).astype(np.float32)


def heard(pieces: Sequence[Samples], *, whole: bool = False, max_frames: int = 500) -> Voice:
    embedder = LevelEmbedder()
    embedder.spec = replace(embedder.spec, max_frames=max_frames)
    hearing = Hearing(LevelSegmenter(), embedder, whole=whole)
    for piece in pieces:
        hearing.push(piece)
    return hearing.finish()


def voice(index: int) -> Array:
    return np.eye(NUM_VOICES, dtype=np.float32)[index]


def test_the_voice_of_one_speaker_is_theirs() -> None:
    found = heard([spoken((2, 3.0))])
    np.testing.assert_allclose(found.vector, voice(2), atol=1e-3)
    assert (found.duration, found.speech) == (3.0, 3.0)
    assert found.vector.dtype == np.float32


def test_only_speech_counts() -> None:
    found = heard([spoken((-1, 2.0), (1, 1.0), (-1, 9.0), (1, 2.0))])
    np.testing.assert_allclose(found.vector, voice(1), atol=1e-3)
    assert found.duration == 14.0
    assert found.speech == pytest.approx(3.0, abs=0.1)


def test_everything_counts_where_that_is_asked_for() -> None:
    found = heard([spoken((-1, 2.0), (1, 1.0))], whole=True)
    assert (found.duration, found.speech) == (3.0, 3.0)


@pytest.mark.parametrize("seconds", [0.06, 0.5, 1.99, 9.98, 10.0, 10.02, 27.3])
def test_every_length_is_heard_to_its_end(seconds: float) -> None:
    found = heard([spoken((0, seconds / 2), (1, seconds / 2))], whole=True)
    assert found.speech == pytest.approx(seconds, abs=0.02)
    np.testing.assert_allclose(found.vector[:2], [np.sqrt(0.5)] * 2, atol=0.3 if seconds < 0.1 else 0.03)


def test_vectors_of_a_long_stretch_are_averaged_by_their_length() -> None:
    # 2 s to a vector: voices 0, 0, 1 and the rest of 1 s, again 1.
    found = heard([spoken((0, 4.0), (1, 3.0))], max_frames=100)
    expected = np.array([4.0, 3.0, 0, 0]) / 5
    np.testing.assert_allclose(found.vector, expected, atol=2e-2)
    assert found.speech == pytest.approx(7.0, abs=0.1)


def test_a_rest_too_short_for_a_vector_is_let_go() -> None:
    found = heard([spoken((0, 2.04))], whole=True, max_frames=100)
    assert found.speech == 2.0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 60_000), max_size=8))
def test_cutting_does_not_matter(cuts: list[int]) -> None:
    samples = spoken((0, 1.3), (-1, 0.8), (1, 9.1), (-1, 0.5), (0, 2.7))
    at_once = heard([samples])
    in_pieces = heard(np.split(samples, np.minimum(np.cumsum(cuts), len(samples))))
    np.testing.assert_array_equal(in_pieces.vector, at_once.vector)
    assert (in_pieces.duration, in_pieces.speech) == (at_once.duration, at_once.speech)


@pytest.mark.parametrize(
    ("samples", "whole", "message"),
    [
        (np.zeros(0, np.float32), False, r"^no audio: 0 samples$"),
        (np.zeros(RATE, np.float32), False, r"^1\.00 s of silence: every sample is 0$"),
        (np.zeros(RATE, np.float32), True, r"^1\.00 s of silence: every sample is 0$"),
        (spoken((0, 0.05)), True, r"^0\.04 s: too little for a voice, expected 0\.06 s$"),
        (
            spoken((-1, 2.0), (0, 0.02), (-1, 1.0)),
            False,
            r"^0\.0\d s of speech in 3\.02 s: too little for a voice, expected 0\.06 s; --whole \(whole=True",
        ),
    ],
)
def test_too_little_is_refused_and_what_there_was_is_said(
    samples: Samples, whole: bool, message: str
) -> None:
    with pytest.raises(NoVoiceError, match=message):
        heard([samples], whole=whole)


def test_what_is_kept_does_not_grow_with_the_stretch() -> None:
    hearing = Hearing(LevelSegmenter(), LevelEmbedder())
    sizes = []
    for _ in range(12):
        hearing.push(spoken((0, 10.0)))
        sizes.append(sum(value.size for value in vars(hearing).values() if isinstance(value, np.ndarray)))
    assert max(sizes[6:]) <= max(sizes[:6])


def test_a_network_for_whole_stretches_is_given_the_whole_stretch_once() -> None:
    """What TitaNet's own tool computes: the features of the whole file, in one call of the network."""
    given_to_it: list[Array] = []

    def predict(arrays: Arrays) -> dict[str, Array]:
        given_to_it.append(arrays["features"])
        return {"embedding": np.ones((1, 3), np.float32)}

    spec = EmbedderSpec(
        rate=RATE, size=3, channels=80, frame_step=160, hop=8000, lookback=0, kept=8000, min_frames=10,
        preroll=241, max_frames=3200,
    )  # fmt: skip
    features = TensorSpec("features", (1, 200, 80), ranges=((1, 4), (10, 3200), (80, 80)))
    net = FakePredictor((features,), (TensorSpec("embedding", (1, 3)),), predict)
    mel = NemoMel()
    embedder = UtteranceEmbedder(net, spec, front_end=mel, frames_per_weight=1)
    samples = np.random.default_rng(0).normal(0, 0.1, 21 * RATE + 4321).astype(np.float32)
    hearing = Hearing(LevelSegmenter(), embedder, whole=True)
    hearing.push(samples)
    hearing.finish()
    expected = mel.normalised(mel(np.concatenate([np.zeros(241, np.float32), samples])))
    assert len(given_to_it) == 1
    np.testing.assert_allclose(given_to_it[0][0], expected[: len(samples) // 160], atol=2e-4)


def test_frames_near_a_boundary_have_the_context_of_what_came_before() -> None:
    """No call starts where a window does: its look-back reaches over the boundary."""
    calls: list[Frames] = []

    class Watched(LevelEmbedder):
        def frames(self, audio: Frames) -> Frames:
            calls.append(audio)
            return super().frames(audio)

    rising = np.linspace(0.1, 0.4, 14 * RATE).astype(np.float32)
    hearing = Hearing(LevelSegmenter(), Watched(), whole=True)
    hearing.push(rising)
    hearing.finish()
    assert [len(audio) for audio in calls] == [7, 3]
    np.testing.assert_array_equal(calls[1][0], rising[10 * RATE - 240 : round(11.5 * RATE)])
    np.testing.assert_array_equal(calls[1][-1], rising[round(12.5 * RATE) - 240 :])
