"""`hocket bench` of a server, with the real models."""

from importlib.resources import files
from pathlib import Path

from hocket.streaming.evaluation.load.hours import measure_hours

CONVERSATION = Path(str(files("hocket.demo") / "conversation.ogg"))


def test_hours_go_through_a_server_that_looks_up_what_it_computed_before() -> None:
    figures = measure_hours(CONVERSATION, 15 / 3600, 1.0, thinking=False)
    assert figures["events"] > 10
    assert figures["memory_mb_after_first_hour"] >= 0
    assert figures["models"] == "remembering"
