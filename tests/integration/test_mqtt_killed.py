"""A service that publishes to a real Mosquitto and is killed at any moment: nothing is lost or renumbered."""

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from hocket.streaming.cli.announcing import announced
from hocket.streaming.errors import FormatError
from hocket.streaming.events import Event, Turn
from hocket.streaming.mqtt.broker import Broker
from hocket.streaming.mqtt.marks import Past
from hocket.streaming.mqtt.sink import MqttSink
from hocket.streaming.replay import Segment
from hocket.streaming.server.clients.publisher import Publisher
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from hocket.streaming.server.sessions.store import Store
from tests.broker import Mosquitto, Reader, eventually, free_port, read_json
from tests.event_log import live
from tests.integration.test_server_killed import Victim
from tests.served import Babble, UnrulyModels

KILLS = int(os.environ.get("HOCKET_MQTT_KILLS", "2"))
ALIVE_SECONDS = (0.3, 0.7)  # between two kills
PACE = 0.05  # of the clock
AUDIO_SECONDS = 10 + KILLS * ALIVE_SECONDS[1] / PACE


def serve(folder: Path, port: int, mqtt_port: int) -> None:
    """As hocket serve does, with quick models."""
    broker = Broker(host="127.0.0.1", port=mqtt_port, retry=(0.05, 0.2))

    async def run() -> None:
        async with serving(Hub(UnrulyModels(), folder, Limits(), tell=announcer.tell), Door(port=port)):
            await asyncio.Event().wait()

    with announced(broker, folder) as announcer:
        asyncio.run(run())


def kept(folder: Path, session: str) -> list[Event]:
    store = Store(folder)
    events = [Event.from_dict(json.loads(text)) for _, text in store.events(session)]
    store.close()
    return events


def news(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a reader takes in that passes over what is not newer than the last."""
    newest, taken = 0, []
    for event in said:
        if event["seq"] > newest:
            newest = event["seq"]
            taken.append(event)
    return taken


def test_a_service_that_is_killed_tells_the_rest_when_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    chance, port, folder = random.Random(KILLS), free_port(), tmp_path / "data"
    reader = Reader(mosquitto, "hocket/hall/event/#")
    server = Victim(serve, folder, port, mosquitto.port)

    async def publish() -> None:
        publisher = Publisher(f"ws://127.0.0.1:{port}", "hall")
        publishing = asyncio.create_task(publisher.run(Babble(7, AUDIO_SECONDS, pace=PACE)))
        while not reader.messages:
            await asyncio.sleep(0.02)
        for number in range(KILLS):
            await asyncio.sleep(chance.uniform(*ALIVE_SECONDS))
            if number % 2:  # what waits in the outbox then, too, comes anew
                await asyncio.to_thread(mosquitto.stop)
                await asyncio.sleep(0.2)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(mosquitto.stop)
            await asyncio.to_thread(mosquitto.start)
            server.start()
        assert not publishing.done(), "the audio was at its end before the killing was"
        await publishing

    try:
        asyncio.run(asyncio.wait_for(publish(), 60))
        assert eventually(lambda: reader.events()[-1]["type"] == "session.end")
        state = read_json(mosquitto, "hocket/hall/state")
    finally:
        server.kill()
        reader.stop()
    said, events = reader.events(), kept(folder, "hall")
    assert {event.pop("run") for event in said} == {state["run"]}
    assert all(Event.from_dict(event) == events[event["seq"] - 1] for event in said)
    assert [Event.from_dict(event) for event in news(said)] == events
    assert len([event for event in events if isinstance(event, Turn) and event.state == "final"]) > 5
    assert (state["active"], state["seq"]) == (False, events[-1].seq)


class Earlier:
    """Sessions of an earlier process: one had ended, the log of one is damaged, one was broken off."""

    def __init__(self) -> None:
        names = ("ended", "damaged", "broken")
        self.logs = {name: live([Segment(0.0, 3.0, "S1")], 4.0, session=name) for name in names}
        self.logs["ended"].end(["S1"])

    def sessions(self) -> list[Past]:
        now = time.time()
        return [Past(name, now, name == "ended", len(log.events)) for name, log in self.logs.items()]

    def events(self, session: str, last: int, told: int) -> list[Event]:
        if session == "damaged":
            raise FormatError("no event")
        return self.logs[session].events[:last]


def test_what_went_on_when_a_broker_was_first_named_is_told_and_what_had_ended_is_not(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    broker = Broker(host="127.0.0.1", port=mosquitto.port, outbox=tmp_path / "outbox.db")
    reader, earlier = Reader(mosquitto, "hocket/+/event/#"), Earlier()
    time.sleep(0.3)
    MqttSink(broker, history=earlier).close()
    told = len(earlier.logs["broken"].events)
    earlier.logs["broken"].end(["S1"])
    MqttSink(broker, history=earlier).close()  # what is new since then, and nothing else
    MqttSink(broker, history=earlier).close()
    assert eventually(lambda: len(reader.messages) > told)
    state = read_json(mosquitto, "hocket/broken/state")
    reader.stop()
    assert {event.pop("run") for event in reader.events()} == {state["run"]}
    assert [Event.from_dict(event) for event in reader.events()] == earlier.logs["broken"].events
    assert (state["active"], state["count"]) == (False, 1)
