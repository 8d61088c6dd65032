"""Where results go: files, folders, standard output, and what is refused before any work is done."""

import io
from pathlib import Path

import pytest
import typer

from hocket.streaming.cli.outputs import Outputs
from hocket.streaming.errors import ConfigError
from hocket.streaming.sinks.jsonl import JsonLines
from hocket.streaming.sinks.rttm import RttmFile
from tests.event_log import EventLog


def problem(outputs: Outputs, recordings: list[str]) -> tuple[str, str]:
    """The option that is refused, and why."""
    with pytest.raises(typer.BadParameter) as caught:
        outputs.check(recordings)
    return str(caught.value.param_hint), caught.value.message


def test_one_recording_goes_into_the_file_that_was_named(tmp_path: Path) -> None:
    outputs = Outputs(rttm=str(tmp_path / "out.rttm"))
    outputs.check(["talk"])
    assert outputs.files("talk") == [tmp_path / "out.rttm"]


def test_a_folder_gets_a_file_named_after_each_recording(tmp_path: Path) -> None:
    outputs = Outputs(
        rttm=str(tmp_path), jsonl=f"{tmp_path}/logs/", plot=f"{tmp_path}/", labels=str(tmp_path)
    )
    outputs.check(["one", "two"])
    assert (tmp_path / "logs").is_dir()
    assert outputs.files("two") == [
        tmp_path / "two.rttm",
        tmp_path / "logs" / "two.jsonl",
        tmp_path / "two.svg",
        tmp_path / "two.txt",
    ]


def test_several_recordings_are_not_written_over_each_other(tmp_path: Path) -> None:
    assert problem(Outputs(rttm=str(tmp_path / "all.rttm")), ["one", "two"]) == (
        "--rttm",
        f"2 recordings do not fit into one file: name a folder, '{tmp_path}/all.rttm/'",
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problem(Outputs(jsonl=str(tmp_path / "no" / "talk.jsonl")), ["talk"]) == (
        "--jsonl",
        f"there is no folder '{tmp_path}/no'",
    )


def test_nothing_is_made_when_something_is_refused(tmp_path: Path) -> None:
    problem(Outputs(rttm=f"{tmp_path}/turns/", plot="-"), ["talk"])
    assert list(tmp_path.iterdir()) == []


def test_a_picture_does_not_go_to_standard_output() -> None:
    option, message = problem(Outputs(plot="-"), ["talk"])
    assert (option, message) == ("--plot", "needs a file: only RTTM and JSON Lines go to standard output")


def test_standard_output_takes_one_thing_at_a_time() -> None:
    assert problem(Outputs(rttm="-", jsonl="-"), ["talk"]) == (
        "--jsonl",
        "standard output is taken by --rttm",
    )


def test_rttm_goes_to_standard_output_when_nothing_else_was_asked_for() -> None:
    assert Outputs().or_rttm_on_stdout() == Outputs(rttm="-")
    assert Outputs(jsonl="log.jsonl").or_rttm_on_stdout() == Outputs(jsonl="log.jsonl")
    assert Outputs(rttm="-").on_stdout
    assert not Outputs(rttm="out.rttm").on_stdout


def test_sinks_write_where_they_were_told(tmp_path: Path) -> None:
    stdout = io.StringIO()
    sinks = Outputs(rttm="-", jsonl=str(tmp_path / "talk.jsonl")).sinks("talk", stdout)
    assert [type(sink) for sink in sinks] == [RttmFile, JsonLines]
    log = EventLog()
    log.turn("t1", "S1", 0, 1)
    for sink in sinks:
        for event in log.events:
            sink.write(event)
        sink.close()
    assert stdout.getvalue().startswith("SPEAKER talk 1 0.000 1.000")
    assert (tmp_path / "talk.jsonl").read_text().startswith('{"type": "turn"')


def test_a_picture_of_unknown_kind_fails_before_anything_is_heard(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Outputs(plot=str(tmp_path / "talk.gif")).sinks("talk")
