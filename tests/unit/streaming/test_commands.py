"""Commands to a running session: done between blocks, answered to whoever asked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from hocket.streaming.commands import Commands
from hocket.streaming.errors import ConfigError, SessionOver, UnknownSpeaker
from hocket.streaming.events import Event, SpeakerUpdate
from hocket.streaming.stream import StreamReport, stream
from tests.fake_engine import FakeEngine
from tests.notebook import Notebook, assert_whole
from tests.script import Script, blocks


class Told(FakeEngine):
    """A fake engine that takes the user's word about S1, and about nobody else."""

    def name(self, speaker: str, name: str) -> list[Event]:
        if speaker != "S1":
            raise UnknownSpeaker(f"no speaker {speaker!r}")
        return [SpeakerUpdate(**self._stamp(), speaker=speaker, name=name)]

    def merge(self, speaker: str, into: str) -> list[Event]:
        raise ZeroDivisionError("a fault of the engine")


def converse(
    engine: FakeEngine, notebook: Notebook, ask: Callable[[Commands], Any], seconds: float = 600.0
) -> tuple[Any, StreamReport]:
    """What `ask`, called from another thread a moment after the start, gave, and how the session went."""
    commands = Commands()

    async def session() -> tuple[Any, StreamReport]:
        source = Script(blocks(seconds), pause=0.01)
        running = asyncio.create_task(stream(source, engine, [notebook], commands=commands))
        await asyncio.sleep(0.1)
        return await asyncio.to_thread(ask, commands), await running

    return asyncio.run(session())


def error_of(answer: "Future[int]") -> BaseException | None:
    return answer.exception(5)


def test_a_name_becomes_an_event_in_its_place_and_the_session_goes_on() -> None:
    notebook = Notebook()

    def ask(commands: Commands) -> list[int]:
        return [commands.name("S1", "Ann").result(5), commands.finish().result(5)]

    answers, report = converse(Told(), notebook, ask)
    assert (answers, report.reason) == ([1, 0], "finalized")
    assert_whole(notebook, "finalized")
    assert [event.name for event in notebook.events if isinstance(event, SpeakerUpdate)] == ["Ann"]


def test_what_is_wrong_with_a_command_is_told_to_whoever_gave_it_alone() -> None:
    notebook = Notebook()

    def ask(commands: Commands) -> BaseException | None:
        wrong = error_of(commands.name("S9", "Ann"))
        commands.finish()
        return wrong

    wrong, report = converse(Told(), notebook, ask)
    assert isinstance(wrong, UnknownSpeaker)
    assert report.reason == "finalized"
    assert_whole(notebook, "finalized")


def test_a_session_that_hears_everything_first_says_that_it_takes_no_names() -> None:
    def ask(commands: Commands) -> BaseException | None:
        wrong = error_of(commands.name("S1", "Ann"))
        commands.finish()
        return wrong

    wrong, _ = converse(FakeEngine(), Notebook(), ask)
    assert isinstance(wrong, ConfigError)
    assert "expected one that is heard live" in str(wrong)


def test_commands_given_before_the_start_wait_for_it_and_after_the_end_are_refused() -> None:
    commands, notebook = Commands(), Notebook()
    early = commands.name("S1", "Ann")
    asyncio.run(stream(Script(blocks(1.0), pause=0.01), Told(), [notebook], commands=commands))
    assert early.result(5) == 1
    with pytest.raises(SessionOver, match="it takes no more commands"):
        commands.name("S1", "Bert").result(5)
