"""Listens to the microphone and writes one RTTM per meeting: a long silence ends one, a voice begins another.

python examples/recorder.py meetings/             # until Ctrl-C
python examples/recorder.py meetings/ talk.ogg    # a recording in the microphone's place
python examples/recorder.py meetings/ ws://127.0.0.1:8765 --session kitchen    # a session of hocket serve
"""

import argparse
import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from hocket.streaming import diarize, listen
from hocket.streaming.events import Event
from hocket.streaming.replay import Replay, Segment
from hocket.streaming.rttm import format_rttm
from hocket.streaming.server.clients.subscriber import Subscriber


def followed(url: str, session: str) -> Iterator[Event]:
    """The events of a session of a service as they come; it may be yet to begin."""
    events = Subscriber(url, session, patience=600).events()

    async def newest() -> Event | None:
        return await anext(events, None)

    with asyncio.Runner() as runner:
        while (event := runner.run(newest())) is not None:
            yield event


def meetings(events: Iterable[Event], silence: float) -> Iterator[list[Segment]]:
    """The turns of each meeting, once nobody has spoken for so many seconds of audio."""
    replay, written = Replay(), 0.0  # turns that start before this second are in a file
    for event in events:
        ends = [turn.end for turn in replay.turns.values()]
        if ends and event.at - max(ends) > silence:
            yield replay.annotation()
            written = max(ends) + silence / 2
        replay.add(event)
        # Revised after that, they would come again.
        replay.turns = {name: turn for name, turn in replay.turns.items() if turn.start >= written}
    if replay.turns:
        yield replay.annotation()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("audio", nargs="?", help="a recording or a service; by default the microphone")
    parser.add_argument("--session", help="of the service, what to follow")
    parser.add_argument("--silence", type=float, default=60.0, help="seconds that end a meeting")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.session:
        events: Iterable[Event] = followed(arguments.audio, arguments.session)
    else:
        events = diarize(arguments.audio) if arguments.audio else listen()
    for number, turns in enumerate(meetings(events, arguments.silence), start=1):
        name = f"{datetime.now():%Y-%m-%d_%H%M}_{number}"
        path = arguments.folder / f"{name}.rttm"
        path.write_text(format_rttm(name, turns), "utf-8")  # times since listening began
        people = len({turn.speaker for turn in turns})
        print(f"{path}: {people} people, {turns[-1].end - turns[0].start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
