"""Recordings through the engine to a report, with models whose answers are known."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.streaming.engine import compute
from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.evaluation.evaluate import Report, evaluate
from hocket.streaming.evaluation.recorded import InMemory, Output, Remembered
from hocket.streaming.evaluation.recordings import Recording, find_recordings
from hocket.streaming.evaluation.run import TimedSession, hear
from hocket.streaming.hearing.requests import EmbedRequest, FramesRequest, Request, SegmentRequest
from hocket.streaming.replay import Segment, annotation
from hocket.streaming.rttm import format_rttm
from hocket.streaming.sources.file import FileSource
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 7.0, "0"), Segment(8.0, 14.0, "1"), Segment(15.0, 21.0, "0"), Segment(22.0, 28.0, "2")]
NAMES = (
    "der_first", "der_final", "false_alarm", "missed", "confusion", "jer", "count_accuracy", "revision_rate",
    "flips_per_minute", "change_f1", "change_delay_p50", "change_delay_p95", "new_speaker_delay_p50",
)  # fmt: skip


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    pytest.importorskip("pyannote.metrics")
    for name, turns in {"one": TURNS, "two": TURNS[:2]}.items():
        soundfile.write(tmp_path / f"{name}.wav", conversation(turns, 30.0), RATE)
        (tmp_path / f"{name}.rttm").write_text(format_rttm(name, turns))
    return find_recordings(tmp_path)


def scored(recordings: list[Recording], latencies: Sequence[float] = (1.0,), oracle: bool = False) -> Report:
    return evaluate(recordings, LevelSegmenter(), LevelEmbedder(), latencies=latencies, oracle=oracle)


def test_clear_voices_are_scored_as_nearly_perfect(recordings: list[Recording]) -> None:
    total = scored(recordings).to_dict()["total"]["1"]
    assert total["der_final"] < 0.05
    assert total["confusion"] == pytest.approx(0.0, abs=0.005)
    assert (total["count_accuracy"], total["speakers"], total["speakers_found"]) == (1.0, 5, 5)


def test_the_report_holds_every_name_and_is_json(recordings: list[Recording]) -> None:
    report = json.loads(json.dumps(scored(recordings, (0.5, 2.0)).to_dict(), allow_nan=False))
    assert set(report) == {"files", "total", "rtf"}
    assert set(report["files"]) == {"one", "two"}
    assert set(report["total"]) == set(report["files"]["one"]) == {"0.5", "2"}
    for row in (report["total"]["2"], report["files"]["two"]["0.5"]):
        assert set(NAMES) <= set(row)
    assert report["rtf"] > 0


def test_der_is_the_sum_of_its_parts(recordings: list[Recording]) -> None:
    total = scored(recordings).to_dict()["total"]["1"]
    parts = ("false_alarm", "missed", "confusion")
    assert total["der_final"] == pytest.approx(sum(total[name] for name in parts))
    assert total["der_first"] == pytest.approx(sum(total[f"{name}_first"] for name in parts))


def test_pooled_figures_add_errors_before_dividing(recordings: list[Recording]) -> None:
    report = scored(recordings)
    files = [tallies[1.0].accuracy_final.strict for tallies in report.files.values()]
    wrong = sum(errors.rate * errors.speech for errors in files)
    assert report.total[1.0].accuracy_final.strict.rate == pytest.approx(wrong / 36.0)


def test_the_oracle_speaks_in_the_segmentation_models_place(recordings: list[Recording]) -> None:
    class Deaf(LevelSegmenter):
        def segment(self, audio: Output) -> Output:
            raise AssertionError("the model was asked")

    report = evaluate(recordings, Deaf(), LevelEmbedder(), oracle=True)
    assert report.total[1.0].accuracy_final.strict.rate < 0.05


def test_every_latency_after_the_first_asks_the_models_nothing(recordings: list[Recording]) -> None:
    asked: list[Request] = []

    def answer(requests: Sequence[Request]) -> list[Output]:
        asked.extend(requests)
        return compute.run(requests, LevelSegmenter(), LevelEmbedder())

    remembered = Remembered(answer)
    counts = []
    for latency in (1.0, 0.5, 5.0):
        diarizer = Diarizer(LevelSegmenter(), LevelEmbedder(), DiarizerConfig(latency=latency))
        hear(TimedSession(diarizer, remembered), FileSource(recordings[0].audio), RATE)
        counts.append(sum(isinstance(request, SegmentRequest) for request in asked))
    assert counts[0] == counts[1] == counts[2] > 0


def test_remembered_answers_are_the_models_own_and_bounded() -> None:
    def answer(requests: Sequence[Request]) -> list[Output]:
        return [np.full(4, r.audio.sum(), np.float32) for r in requests if not isinstance(r, EmbedRequest)]

    def request(value: float) -> SegmentRequest:
        return SegmentRequest(0, 8, np.full(8, value, np.float32))

    remembered = Remembered(answer, InMemory(20))
    for _ in range(2):
        first, second = remembered([request(1), request(2)])
        assert first.tolist() == [8.0] * 4
        assert second.tolist() == [16.0] * 4
    assert remembered([FramesRequest(0, 8, np.full(8, 2, np.float32)), request(2)])[1].tolist() == [16.0] * 4


def test_a_timed_session_says_what_a_diarizer_says() -> None:
    samples = conversation(TURNS, 30.0)
    plain = Diarizer(LevelSegmenter(), LevelEmbedder())
    expected = plain.push(samples) + plain.finish()
    timed = TimedSession(
        Diarizer(LevelSegmenter(), LevelEmbedder()),
        lambda requests: compute.run(requests, LevelSegmenter(), LevelEmbedder()),
    )
    events = timed.push(samples) + timed.finish()
    assert annotation(events) == annotation(expected)
    assert len(events) == len(expected)
    spent = timed.spent
    assert min(spent.segmentation, spent.frames, spent.embedding, spent.engine) > 0
    assert spent.total == pytest.approx(spent.models + spent.engine)


def test_progress_is_told_after_each_recording_and_latency(recordings: list[Recording]) -> None:
    told: list[tuple[str, float]] = []
    evaluate(
        recordings,
        LevelSegmenter(),
        LevelEmbedder(),
        latencies=(0.5, 1.0),
        progress=lambda recording, latency: told.append((recording.name, latency)),
    )
    assert told == [("one", 0.5), ("one", 1.0), ("two", 0.5), ("two", 1.0)]
