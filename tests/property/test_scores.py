"""Scores that must not depend on what they should not depend on."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.models.roles import SegmenterSpec
from hocket.streaming.evaluation.live import watch
from hocket.streaming.evaluation.oracle import OracleSegmenter
from hocket.streaming.events import Event, RevisedTurn, Revision, SpeakerUpdate, Turn
from hocket.streaming.hearing.powerset import Powerset
from hocket.streaming.hearing.requests import SegmentRequest
from hocket.streaming.metrics import DiarizationErrors, Lanes, diarization_errors
from hocket.streaming.replay import Segment, annotation

CELLS = 60
SPEAKERS = ("S1", "S2", "S3")


@st.composite
def spans(draw: st.DrawFn) -> tuple[float, float]:
    start = draw(st.integers(0, CELLS - 1))
    return start / 100, draw(st.integers(start + 1, CELLS)) / 100


@st.composite
def lanes(draw: st.DrawFn, labels: tuple[str, ...] = SPEAKERS) -> Lanes:
    segments = draw(
        st.lists(st.builds(lambda s, k: Segment(*s, k), spans(), st.sampled_from(labels)), max_size=8)
    )
    return Lanes.of(segments, CELLS)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Turns that grow, move, change hands and vanish; revisions; merges, each id merged once at most."""
    events: list[Event] = []
    free = list(SPEAKERS)
    for at in sorted(draw(st.lists(st.integers(1, CELLS), max_size=12))):
        said = {"seq": len(events) + 1, "session": "s", "at": at / 100}
        turn_id, speaker = draw(st.sampled_from(["t1", "t2", "t3"])), draw(st.sampled_from(SPEAKERS))
        start, end = draw(spans())
        kind = draw(st.sampled_from(["turn", "turn", "turn", "gone", "revision", "removed", "merge"]))
        if kind == "merge" and len(free) > 1:
            old = free.pop(draw(st.integers(0, len(free) - 1)))
            new = draw(st.sampled_from(free))
            if draw(st.booleans()):
                events.append(SpeakerUpdate(**said, speaker=old, merged_into=new))
            else:
                events.append(Revision(**said, turns=[], removed=[], merged={old: new}, reason="r"))
        elif kind == "revision":
            revised = RevisedTurn(id=turn_id, speaker=speaker, start=start, end=end)
            events.append(Revision(**said, turns=[revised], removed=[], merged={}, reason="r"))
        elif kind == "removed":
            events.append(Revision(**said, turns=[], removed=[turn_id], merged={}, reason="r"))
        else:
            end = start if kind == "gone" else end
            turn = Turn(
                **said, id=turn_id, speaker=speaker, start=start, end=end, state="open", confidence=1.0
            )
            events.append(turn)
    return events


@given(lanes(), lanes(), st.permutations(SPEAKERS))
def test_relabelling_speakers_leaves_der_alone(reference: Lanes, hypothesis: Lanes, names: list[str]) -> None:
    renamed = dict(zip(SPEAKERS, names, strict=True))
    other = [Segment(s.start, s.end, renamed[s.speaker]) for s in hypothesis.segments()]
    expected = diarization_errors(reference, hypothesis)
    assert diarization_errors(reference, Lanes.of(other, CELLS)) == expected


@given(lanes(("anna", "ben", "cleo")), lanes())
def test_der_on_the_grid_is_the_least_over_all_maps(reference: Lanes, hypothesis: Lanes) -> None:
    """Cell by cell and map by map, in plain Python."""
    theirs = [{x for x, lane in zip(reference.labels, reference.cells) if lane[c]} for c in range(CELLS)]
    ours = [{x for x, lane in zip(hypothesis.labels, hypothesis.cells) if lane[c]} for c in range(CELLS)]

    def errors(names: tuple[str, ...]) -> DiarizationErrors:
        called = dict(zip(SPEAKERS, names, strict=True))
        counts = [0, 0, 0, 0]
        for wanted, given_labels in zip(theirs, ours, strict=True):
            right = len(wanted & {called[label] for label in given_labels})
            counts[0] += len(wanted)
            counts[1] += max(0, len(given_labels) - len(wanted))
            counts[2] += max(0, len(wanted) - len(given_labels))
            counts[3] += min(len(wanted), len(given_labels)) - right
        return DiarizationErrors(*counts)

    every_map = [errors(names) for names in itertools.permutations(("anna", "ben", "cleo"))]
    assert diarization_errors(reference, hypothesis) == min(every_map, key=lambda e: e.confusion)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(lanes(("anna", "ben", "cleo")), lanes()), min_size=1, max_size=3))
def test_der_on_the_grid_is_pyannotes_pooled_der(recordings: list[tuple[Lanes, Lanes]]) -> None:
    pytest.importorskip("pyannote.metrics")
    from hocket.streaming.evaluation.scoring import Scorer

    scorer = Scorer()
    scored = [(0.0, CELLS / 100)]
    pairs = [(reference.segments(), hypothesis.segments()) for reference, hypothesis in recordings]
    theirs = [scorer.score(reference, hypothesis, scored).strict for reference, hypothesis in pairs]
    ours = [diarization_errors(reference, hypothesis) for reference, hypothesis in recordings]
    pooled = sum(theirs[1:], theirs[0])
    expected = sum(ours[1:], ours[0])
    for name in ("speech", "false_alarm", "missed", "confusion"):
        assert getattr(pooled, name) * 100 == pytest.approx(getattr(expected, name), abs=1e-6)


@given(logs(), st.sampled_from([0.0, 0.05, 0.2]), st.sampled_from([None, 0.05]))
def test_the_settled_view_is_the_annotation(log: list[Event], latency: float, hop: float | None) -> None:
    settled = watch(log, num_cells=CELLS, latency=latency, hop=hop).settled
    expected = Lanes.of(annotation(log), CELLS)
    assert settled.labels == expected.labels
    assert np.array_equal(settled.cells, expected.cells)


@given(logs(), st.sampled_from([0.0, 0.05, 0.2]), st.integers(0, CELLS))
def test_the_first_shown_view_is_the_log_as_it_stood(log: list[Event], latency: float, cell: int) -> None:
    """One cell at a time, replaying the whole log up to the step that reads it."""
    due = cell + 1 + round(latency * 100)
    clock = next((event.at for event in log if round(event.at * 100) >= due), CELLS)
    stood = annotation([event for event in log if event.at <= clock])
    expected = {s.speaker for s in stood if round(s.start * 100) <= cell < round(s.end * 100)}
    shown = watch(log, num_cells=CELLS + 1, latency=latency).first
    assert {label for label, lane in zip(shown.labels, shown.cells, strict=True) if lane[cell]} == expected


@given(logs(), st.integers(0, 12))
def test_a_later_revision_does_not_change_what_was_first_shown(log: list[Event], cut: int) -> None:
    before = watch(log[:cut], num_cells=CELLS, latency=0.0)
    read = round(log[cut - 1].at * 100) if 0 < cut <= len(log) else 0
    after = watch(
        [*log[:cut], *(e for e in log[cut:] if round(e.at * 100) > read)], num_cells=CELLS, latency=0.0
    )
    for label, lane in zip(before.first.labels, before.first.cells, strict=True):
        shown = lane[:read]
        if shown.any():
            assert np.array_equal(after.first.cells[after.first.labels.index(label)][:read], shown)


@given(lanes(), st.integers(-30, 30))
def test_the_oracle_is_read_back_as_the_reference(reference: Lanes, shift: int) -> None:
    classes = ((), *((k,) for k in range(3)), (0, 1), (0, 2), (1, 2), (0, 1, 2))
    spec = SegmenterSpec(rate=16000, lengths=(CELLS * 160,), frame_step=160, frame_offset=80, classes=classes)
    request = SegmentRequest(shift * 160, (shift + CELLS) * 160, np.zeros(CELLS * 160, np.float32))
    powerset = Powerset(classes)
    logits = OracleSegmenter(reference, spec).logits(request)
    heard = powerset.activity(powerset.probabilities(logits)).T > 0.5

    padded = np.pad(reference.cells, ((0, 0), (CELLS, CELLS)))
    window = padded[:, CELLS + shift : 2 * CELLS + shift][:, : heard.shape[1]]
    present = {row.tobytes() for row in window if row.any()}
    assert {row.tobytes() for row in heard if row.any()} == present
