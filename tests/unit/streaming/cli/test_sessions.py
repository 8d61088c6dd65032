"""hocket sessions: what a service has kept, for people and for programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hocket.streaming.cli.sessions import app
from hocket.streaming.events import (
    Caption,
    Event,
    Gap,
    RevisedTurn,
    Revision,
    SessionEnd,
    SessionStart,
    SpeakerNew,
    SpeakerUpdate,
    Turn,
    Word,
)
from hocket.streaming.server.sessions.store import Step, Store

ALL = {"session": "monday", "at": 9.0}


def turn(seq: int, name: str, speaker: str, start: float, end: float, state: str) -> Turn:
    return Turn(seq=seq, **ALL, id=name, speaker=speaker, start=start, end=end, state=state, confidence=0.75)  # type: ignore[arg-type]


def talk() -> list[Event]:
    """Anna and Bert, who was two people for a while; a gap, a caption, and a turn that was none."""
    word = Word(text="so", start=0.6, end=0.9)
    return [
        SessionStart(seq=1, session="monday", at=0.0, rate=16_000, models={}, config={}),
        SpeakerNew(seq=2, **ALL, speaker="S1"),
        turn(3, "t1", "S1", 0.5, 1.0, "open"),
        turn(4, "t1", "S1", 0.5, 3.0, "final"),
        SpeakerUpdate(seq=5, **ALL, speaker="S1", name="Anna"),
        turn(6, "t2", "S2", 3.0, 4.0, "final"),
        turn(7, "t3", "S3", 4.5, 5.0, "final"),
        turn(8, "t4", "S1", 5.0, 5.5, "final"),
        Gap(seq=9, **ALL, start=5.5, end=6.5, reason="tunnel"),
        Caption(
            seq=10, **ALL, id="c1", start=0.6, end=0.9, speaker="S1", text="so", words=[word], state="final"
        ),
        Revision(
            seq=11, **ALL, turns=[RevisedTurn(id="t2", speaker="S2", start=3.0, end=4.25)], removed=["t4"],
            merged={"S3": "S2"}, reason="reclustered",
        ),
        SessionEnd(seq=12, session="monday", at=6.5, duration=6.5, speakers=["S1", "S2"], reason="end"),
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    said = talk()
    store.create("monday", b"", "{}", b"", said[:1])
    store.add([Step("monday", (), said[1:], 104_000, 6.5, is_last=True)])
    store.create("tuesday", b"", "{}", b"", [])
    store.close()
    return tmp_path


def told(folder: Path, arguments: Sequence[str]) -> str:
    result = CliRunner().invoke(app, [*arguments, "--data-dir", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(folder: Path, *arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(told(folder, arguments))
    return read


def test_a_session_is_one_document_with_its_revisions_folded_in(folder: Path) -> None:
    found = as_json(folder, "export", "monday", "--json")
    assert found.pop("created").endswith("Z")
    assert found.pop("ended").endswith("Z")
    assert found == {
        "session": "monday",
        "seconds": 6.5,
        "events": 12,
        "speakers": [{"id": "S1", "name": "Anna", "seconds": 2.5}, {"id": "S2", "seconds": 1.75}],
        "turns": [
            {"id": "t1", "speaker": "S1", "start": 0.5, "end": 3.0, "state": "final", "confidence": 0.75},
            {"id": "t2", "speaker": "S2", "start": 3.0, "end": 4.25, "state": "final", "confidence": 1.0},
            {"id": "t3", "speaker": "S2", "start": 4.5, "end": 5.0, "state": "final", "confidence": 0.75},
        ],
        "captions": [
            {
                "id": "c1", "start": 0.6, "end": 0.9, "speaker": "S1", "name": "Anna", "text": "so",
                "words": [{"text": "so", "start": 0.6, "end": 0.9}], "state": "final",
            }
        ],
        "gaps": [{"start": 5.5, "end": 6.5, "reason": "tunnel"}],
    }  # fmt: skip


@pytest.mark.parametrize("chosen", [[], ["--jsonl"]])
def test_every_event_is_a_line_as_it_was_said(folder: Path, chosen: list[str]) -> None:
    lines = told(folder, ["export", "monday", *chosen]).splitlines()
    assert [Event.from_dict(json.loads(line)) for line in lines] == talk()


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ("--rttm", "SPEAKER monday 1 0.500 2.500 <NA> <NA> Anna <NA> <NA>\n"),
        ("--vtt", "WEBVTT\n"),
        ("--srt", "1\n00:00:00,600 --> 00:00:00,900\nAnna: so\n"),
        ("--txt", "[00:00:00.600] Anna: so\n"),
    ],
)
def test_other_formats_begin_as_theirs_do(folder: Path, chosen: str, text: str) -> None:
    assert told(folder, ["export", "monday", chosen]).startswith(text)


def test_one_format_at_a_time(folder: Path) -> None:
    result = CliRunner().invoke(app, ["export", "monday", "--json", "--vtt", "--data-dir", str(folder)])
    assert result.exit_code == 2
    assert "one format at a time" in result.output


def test_what_there_is_is_listed_for_people_and_programs(folder: Path) -> None:
    lines = told(folder, ["list"]).splitlines()
    assert [line.split()[0] for line in lines] == ["tuesday", "monday"]
    assert lines[0].endswith("going on")
    tuesday, monday = as_json(folder, "list", "--json")["sessions"]
    assert (tuesday["session"], tuesday["ended"], tuesday["events"]) == ("tuesday", None, 0)
    assert (monday["session"], monday["seconds"], monday["events"]) == ("monday", 6.5, 12)


def test_one_is_shown_with_who_spoke(folder: Path) -> None:
    shown = told(folder, ["show", "monday"])
    assert "6.5 s, 12 events\n  3 turns, 1 captions, 1 gaps\n  Anna: 2.5 s\n  S2: 1.8 s\n" in shown
    found = as_json(folder, "show", "monday", "--json")
    assert {key: found[key] for key in ("turns", "captions", "gaps")} == {
        "turns": 3,
        "captions": 1,
        "gaps": 1,
    }
    assert [speaker["id"] for speaker in found["speakers"]] == ["S1", "S2"]
