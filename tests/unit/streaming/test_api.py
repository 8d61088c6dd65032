import gc
import threading
import time
from collections.abc import Callable

import pytest

from hocket.streaming.api import WAITING_EVENTS, Session
from hocket.streaming.errors import DeviceError
from hocket.streaming.events import SessionEnd
from hocket.streaming.replay import Segment
from tests.fake_engine import FakeEngine
from tests.script import Script, blocks


def eventually(claim: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5.0
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.01)
    return claim()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hocket")]


def test_iterating_gives_the_whole_log() -> None:
    session = Session(Script(blocks(5.0)), FakeEngine())
    events = list(session)
    assert [event.seq for event in events] == list(range(1, 1 + 1 + 5 + 1))
    assert isinstance(events[-1], SessionEnd)
    assert session.report is not None
    assert session.report.duration == 5.0
    assert list(session) == []


def test_annotation_waits_for_the_end() -> None:
    assert Session(Script(blocks(3.0)), FakeEngine()).annotation() == [
        Segment(0.0, 1.0, "S1"), Segment(1.0, 2.0, "S1"), Segment(2.0, 3.0, "S1"),
    ]  # fmt: skip


def test_stopping_lets_the_rest_of_the_log_come() -> None:
    session = Session(Script(blocks(60.0), pause=0.005), FakeEngine())
    first = next(session)
    session.stop()
    rest = list(session)
    assert [event.seq for event in (first, *rest)] == list(range(1, len(rest) + 2))
    assert isinstance(rest[-1], SessionEnd)
    assert rest[-1].duration < 60.0


def test_broken_source_is_raised_once_after_the_last_event() -> None:
    session = Session(Script([*blocks(2.0), DeviceError("microphone 'x' went away")]), FakeEngine())
    events = [next(session) for _ in range(1 + 2 + 1)]
    assert isinstance(events[-1], SessionEnd)
    with pytest.raises(DeviceError, match="went away"):
        next(session)
    with pytest.raises(StopIteration):
        next(session)


def test_slow_reader_makes_a_file_wait() -> None:
    engine = FakeEngine()
    session = Session(Script(blocks(2.0 * WAITING_EVENTS, rate=8_000), rate_hz=8_000), engine)
    time.sleep(0.3)
    assert len(engine.heard) / engine.rate < WAITING_EVENTS + 10
    assert len(list(session)) == 1 + 2 * WAITING_EVENTS + 1


def test_session_that_nobody_holds_ends() -> None:
    source = Script(blocks(600.0, rate=8_000), rate_hz=8_000, pause=0.001)
    for _ in Session(source, FakeEngine()):
        break
    gc.collect()
    assert eventually(lambda: source.was_left)
    assert eventually(lambda: not threads())


def test_context_manager_ends_the_session() -> None:
    source = Script(blocks(600.0, rate=8_000), rate_hz=8_000, pause=0.001)
    with Session(source, FakeEngine()) as session:
        next(session)
    assert eventually(lambda: source.was_left)
    assert eventually(lambda: not threads())
