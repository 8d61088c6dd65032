"""Online held against offline, the published recipe, and the conditions of published tables."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from hocket.streaming.engine import compute
from hocket.streaming.evaluation.conditions import CONDITIONS, with_oracle_speech
from hocket.streaming.evaluation.evaluate import Report, evaluate
from hocket.streaming.evaluation.oracle import OracleSegmenter
from hocket.streaming.evaluation.recipe import published_recipe
from hocket.streaming.evaluation.recorded import Output
from hocket.streaming.evaluation.recordings import Recording, find_recordings
from hocket.streaming.evaluation.report import compare_table
from hocket.streaming.hearing.powerset import Powerset
from hocket.streaming.hearing.requests import DetectRequest, Request, SegmentRequest
from hocket.streaming.metrics import Lanes
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm
from tests.level_voices import RATE, LevelEmbedder, LevelSegmenter, conversation

TURNS = [Segment(1.0, 7.0, "0"), Segment(8.0, 14.0, "1"), Segment(15.0, 21.0, "0"), Segment(22.0, 28.0, "2")]
PARTS = ("der", "missed", "false_alarm", "confusion")


def answer(requests: Sequence[Request]) -> list[Output]:
    return compute.run(requests, LevelSegmenter(), LevelEmbedder())


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    pytest.importorskip("pyannote.metrics")
    for name, turns in {"one": TURNS, "two": TURNS[:2]}.items():
        soundfile.write(tmp_path / f"{name}.wav", conversation(turns, 30.0), RATE)
        (tmp_path / f"{name}.rttm").write_text(format_rttm(name, turns))
    return find_recordings(tmp_path)


def compared(recordings: list[Recording], conditions: str | None = None) -> Report:
    return evaluate(
        recordings,
        LevelSegmenter(),
        LevelEmbedder(),
        latencies=(0.5, 2.0),
        against=("offline", "recipe"),
        conditions=CONDITIONS[conditions] if conditions else None,
    )


def test_every_row_holds_what_the_whole_recording_gives(recordings: list[Recording]) -> None:
    report = json.loads(json.dumps(compared(recordings).to_dict(), allow_nan=False))
    rows = [*report["files"]["one"].values(), *report["files"]["two"].values(), *report["total"].values()]
    assert len(rows) == 6
    for row in rows:
        for kind in ("offline", "recipe"):
            assert {f"{part}_{kind}" for part in PARTS} <= set(row) & set(row["collar"])
        assert row["der_offline"] < 0.03
        assert row["speakers_found_offline"] == row["speakers"]
    assert report["total"]["0.5"]["der_offline"] == report["total"]["2"]["der_offline"]


def test_the_table_has_one_row_per_recording_and_latency(recordings: list[Recording]) -> None:
    table = compare_table(compared(recordings))
    assert [column.header for column in table.columns][2:6] == ["first shown", "settled", "offline", "recipe"]
    assert table.row_count == 6
    console = Console(width=150)
    with console.capture() as shown:
        console.print(table)
    assert "collar 0, overlap scored" in shown.get()


def test_conditions_choose_the_protocol_and_say_what_was_given(recordings: list[Recording]) -> None:
    report = compared(recordings, "titanet-known")
    figures = report.to_dict()
    row = figures["total"]["2"]
    assert figures["conditions"]["known_number"] is True
    for name, value in row["conditions"].items():
        assert row["collar"][name] == value
    assert row["conditions"]["der_offline"] == pytest.approx(0.0, abs=0.005)
    assert "speech and number of speakers given" in str(compare_table(report).caption)


def test_pyannotes_conditions_are_the_strict_protocol(recordings: list[Recording]) -> None:
    row = compared(recordings, "pyannote").to_dict()["total"]["2"]
    assert row["conditions"]["der_final"] == row["der_final"]
    assert row["conditions"]["der_offline"] == row["der_offline"]


def test_given_speech_overrules_the_model_and_leaves_who_it_was_to_it() -> None:
    reference = Lanes.of([Segment(2.0, 6.0, "anybody")], 1000)
    segmenter = LevelSegmenter()
    given = with_oracle_speech(OracleSegmenter(reference, segmenter.spec), answer)
    samples = conversation([Segment(0.0, 4.0, "1")], 10.0)
    [logits] = given([SegmentRequest(0, len(samples), samples)])
    powerset = Powerset(segmenter.spec.classes)
    probabilities = powerset.probabilities(logits)
    centres = (segmenter.spec.frame_offset + segmenter.spec.frame_step * np.arange(len(logits))) / RATE
    inside = (centres > 2) & (centres < 6)
    np.testing.assert_allclose(powerset.speech(probabilities), inside, atol=1e-6)
    assert (probabilities[inside & (centres < 4)].argmax(axis=1) == 2).all()


def test_given_speech_asks_for_no_second_opinion() -> None:
    reference = Lanes.of([], 1000)
    given = with_oracle_speech(OracleSegmenter(reference, LevelSegmenter().spec), answer)
    asked = DetectRequest(0, 1024, np.zeros((2, 576), np.float32), np.zeros(128, np.float32))
    [opinion] = given([asked])
    assert opinion.shape == (130,)
    assert np.isnan(opinion).all()


@pytest.mark.parametrize("seconds", [4.0, 30.0])
def test_the_recipe_finds_exact_voices(seconds: float) -> None:
    turns = [turn for turn in TURNS if turn.end <= seconds] or [Segment(1.0, 3.0, "2")]
    segmenter, embedder = LevelSegmenter(), LevelEmbedder()
    found = published_recipe(conversation(turns, seconds), segmenter.spec, embedder.spec, answer)
    assert len(found) == len(turns)
    for segment, truth in zip(found, turns, strict=True):
        assert (segment.start, segment.end) == pytest.approx((truth.start, truth.end), abs=0.05)
    assert len({segment.speaker for segment in found}) == len({turn.speaker for turn in turns})


def test_the_recipe_finds_nobody_in_silence() -> None:
    segmenter, embedder = LevelSegmenter(), LevelEmbedder()
    assert published_recipe(np.zeros(20 * RATE, np.float32), segmenter.spec, embedder.spec, answer) == []
    assert published_recipe(np.zeros(0, np.float32), segmenter.spec, embedder.spec, answer) == []
