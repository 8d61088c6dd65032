"""What a service has to do with a broker, without one."""

import asyncio
import subprocess
import sys
from pathlib import Path

from hocket.streaming.cli.announcing import StoredSessions, announced
from hocket.streaming.events import Turn
from hocket.streaming.replay import Segment
from hocket.streaming.server.sessions.store import Step, Store
from tests.event_log import live


def test_of_events_that_were_told_only_those_are_read_that_say_how_a_session_stands(tmp_path: Path) -> None:
    log = live([Segment(0.0, 3.0, "S1")], 4.0)
    log.end(["S1"])
    store = Store(tmp_path)
    store.create("talk", b"token", "{}", b"", log.events[:1])
    store.add([Step("talk", [], log.events[1:], 0, 4.0, is_last=True)])
    stored, last = StoredSessions(store), len(log.events)
    assert list(stored.events("talk", last, 0)) == log.events
    assert list(stored.events("talk", 5, 0)) == log.events[:5]
    turns = [event for event in log.events if isinstance(event, Turn)]
    read = list(stored.events("talk", last, turns[2].seq))
    assert [event for event in turns if event not in read] == turns[:3]
    assert read[-1] == log.events[-1]
    [past] = stored.sessions()
    assert past[2:] == (True, last)
    store.close()


def test_a_service_without_a_broker_loads_nothing_for_one(tmp_path: Path) -> None:
    async def serve() -> None:
        with announced(None, tmp_path) as announcer:
            announcer.tell([])
            async with announcer.hearing(None):  # type: ignore[arg-type]
                pass

    asyncio.run(serve())
    program = "import sys, hocket.streaming.cli.serve; sys.exit('aiomqtt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
