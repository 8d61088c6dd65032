"""DER and JER through pyannote.metrics, against figures made by hand."""

import sys

import pytest

from hocket.streaming.errors import MissingDependency
from hocket.streaming.evaluation.scoring import Accuracy, Jaccard, Scorer
from hocket.streaming.metrics import DiarizationErrors
from hocket.streaming.replay import Segment


def score(
    reference: list[tuple[float, float, str]],
    hypothesis: list[tuple[float, float, str]],
    scored: tuple[float, float] = (0.0, 10.0),
) -> Accuracy:
    pytest.importorskip("pyannote.metrics")
    return Scorer().score([Segment(*s) for s in reference], [Segment(*s) for s in hypothesis], [scored])


def parts(errors: DiarizationErrors) -> tuple[float, float, float, float]:
    return errors.speech, errors.false_alarm, errors.missed, errors.confusion


REFERENCE = [(0.0, 4.0, "anna"), (4.0, 6.0, "ben")]
HYPOTHESIS = [(1.0, 5.0, "S1"), (5.0, 7.0, "S2")]


def test_strict_der_has_its_parts() -> None:
    accuracy = score(REFERENCE, HYPOTHESIS)
    assert parts(accuracy.strict) == pytest.approx((6, 1, 1, 1))
    assert accuracy.strict.rate == pytest.approx(0.5)


def test_lenient_der_leaves_a_quarter_second_on_each_side_of_a_boundary() -> None:
    # left: 0.25-3.75, 4.25-5.75 and what follows 6.25; missed 0.25-1, confused 4.25-5, false 6.25-7
    assert parts(score(REFERENCE, HYPOTHESIS).lenient) == pytest.approx((5.0, 0.75, 0.75, 0.75))


def test_lenient_der_leaves_overlap_out() -> None:
    reference = [(0.0, 6.0, "anna"), (2.0, 4.0, "ben")]
    # left of anna: 0.25-1.75 and 4.25-5.75
    assert parts(score(reference, [(0.0, 6.0, "S1")]).lenient) == pytest.approx((3.0, 0, 0, 0))
    assert parts(score(reference, [(0.0, 6.0, "S1")]).strict) == pytest.approx((8.0, 0, 2.0, 0))


def test_jer_is_the_mean_over_speakers_of_one_minus_jaccard() -> None:
    # anna 0-4 and S1 1-5: 3 of 5 shared; ben 4-6 and S2 5-7: 1 of 3 shared
    jaccard = score(REFERENCE, HYPOTHESIS).jaccard
    assert jaccard.speakers == 2
    assert jaccard.rate == pytest.approx((2 / 5 + 2 / 3) / 2)


def test_a_speaker_without_a_label_has_a_jaccard_error_of_one() -> None:
    assert score(REFERENCE, [(0.0, 4.0, "S1")]).jaccard == Jaccard(pytest.approx(1.0), 2)


def test_speech_outside_the_scored_stretch_counts_nowhere() -> None:
    accuracy = score(REFERENCE, HYPOTHESIS, scored=(0.0, 4.0))
    assert parts(accuracy.strict) == pytest.approx((4, 0, 1, 0))
    assert accuracy.jaccard.speakers == 1


def test_an_empty_hypothesis_misses_everything() -> None:
    assert parts(score(REFERENCE, []).strict) == pytest.approx((6, 0, 6, 0))


def test_pooling_adds_seconds_not_rates() -> None:
    short = score([(0.0, 1.0, "anna")], [])
    long = score([(0.0, 9.0, "anna")], [(0.0, 9.0, "S1")])
    assert (short + long).strict.rate == pytest.approx(0.1)
    assert (short + long).jaccard.rate == pytest.approx(0.5)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyannote.metrics.diarization", None)
    with pytest.raises(MissingDependency, match=r"pip install 'hocket\[eval\]'"):
        Scorer()
