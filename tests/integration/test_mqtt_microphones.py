"""Microphones that publish to a real Mosquitto, and a service that hears them: what comes of their audio."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import gmqtt
import numpy as np
import paho.mqtt.client as paho
import pytest
import soundfile
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hocket.streaming.cli.announcing import announced
from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Event, Gap
from hocket.streaming.mqtt.broker import Broker
from hocket.streaming.mqtt.sink import MqttSink
from hocket.streaming.server.door.access import Door
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.rooms import microphone
from hocket.streaming.server.sessions.hub import Hub, Limits
from hocket.streaming.server.sessions.store import Store
from tests.broker import Mosquitto, Reader, eventually, read, read_json
from tests.served import RATE, Babble, UnrulyModels

MESSAGE = RATE // 10  # samples
PACE = 0.05  # of the clock


class Room:
    """A microphone that knows nothing but how to publish."""

    def __init__(self, mosquitto: Mosquitto, room: str = "kitchen", version: str = "3.1.1") -> None:
        self.is_new = version == "5"
        protocol = paho.MQTTv5 if self.is_new else paho.MQTTv311
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=protocol)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", mosquitto.port)
        self._client.loop_start()
        self.topic = f"hocket/{room}/audio"

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected())

    def say(
        self, payload: bytes, *, below: str = "", retain: bool = False, sample: int | None = None
    ) -> None:
        """Publish, and be sure that the broker has it."""
        properties = None
        if sample is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = ("sample", str(sample))
        message = self._client.publish(self.topic + below, payload, 1, retain, properties)
        message.wait_for_publish(10)

    async def speak(
        self, sound: Babble, first: int = 0, last: int | None = None, *, number: str = ""
    ) -> None:
        """Audio from sample to sample. number: how its place is told: not, by "topic" or by "property"."""
        pcm = sound.pcm()
        for start in range(first, last or len(pcm) // 2, MESSAGE):
            said = pcm[2 * start : 2 * min(start + MESSAGE, last or len(pcm))]
            below = f"/{start}" if number == "topic" else ""
            sample = start if number == "property" else None
            await asyncio.to_thread(self.say, said, below=below, sample=sample)
            await asyncio.sleep(PACE * MESSAGE / RATE)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.asynccontextmanager
async def listening(mosquitto: Mosquitto, folder: Path, **limits: Any) -> AsyncIterator[Hub]:
    """A service that hears microphones at this broker."""
    broker = Broker(
        host="127.0.0.1", port=mosquitto.port, outbox=folder / "outbox.db", retry=(0.05, 0.2), audio=True
    )
    with announced(broker, folder) as announcer:
        hub = Hub(UnrulyModels(), folder, Limits(**limits), tell=announcer.tell)
        async with serving(hub, Door(port=0)), announcer.hearing(hub):
            yield hub


async def soon(claim: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(0.02)


def kept(folder: Path) -> dict[str, list[Event]]:
    """What the sessions said, the oldest first."""
    store = Store(folder)
    names = [listing.id for listing in reversed(store.listings())]
    events = {name: [Event.from_dict(json.loads(text)) for _, text in store.events(name)] for name in names}
    store.close()
    return events


def complaint(mosquitto: Mosquitto, room: str = "kitchen") -> dict[str, str]:
    said: dict[str, str] = read_json(mosquitto, f"hocket/{room}/audio/error")
    return said


def run(test: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test

    asyncio.run(limited())


def gaps(events: list[Event]) -> list[tuple[float, float, str]]:
    return [(event.start, event.end, event.reason) for event in events if isinstance(event, Gap)]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_a_microphone_publishes_is_heard_as_from_a_socket(
    mosquitto: Mosquitto, tmp_path: Path, version: str
) -> None:
    sound, reader = Babble(3, 8), Reader(mosquitto, "hocket/kitchen/event/#")
    time.sleep(0.3)

    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto, version=version)
            await room.speak(sound)
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    run(test())
    [(name, events)] = kept(tmp_path).items()
    assert name.startswith("kitchen.20")
    assert events == sound.said(name)
    assert eventually(lambda: len(reader.events()) >= len(events))
    reader.stop()
    assert [Event.from_dict(event) for event in reader.events()] == events
    assert read_json(mosquitto, "hocket/kitchen/state")["active"] is False


def test_numbered_messages_tell_what_was_lost_and_what_came_twice(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    sound = Babble(4, 6)

    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto)
            await room.speak(sound, 0, 2 * RATE, number="topic")
            await room.speak(sound, RATE, 2 * RATE + 800, number="topic")
            await room.speak(sound, 3 * RATE, number="topic")
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()
            room = Room(mosquitto, "hall", version="5")
            await room.speak(sound, 0, 2 * RATE, number="property")
            await room.speak(sound, 3 * RATE, number="property")
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    run(test())
    kitchen, hall = kept(tmp_path).values()
    assert gaps(kitchen) == [(2.05, 3.0, "lost on the way")]
    assert gaps(hall) == [(2.0, 3.0, "lost on the way")]
    assert (kitchen[-1].at, hall[-1].at) == (6.0, 6.0)


def test_a_broker_that_restarts_leaves_a_gap_as_long_as_it_was_away(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    sound = Babble(5, 2)

    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto)
            await room.speak(sound)
            await soon(lambda: len(hub.sessions) == 1)
            before = time.monotonic()
            await asyncio.to_thread(mosquitto.restart, away=0.5)
            await asyncio.to_thread(eventually, lambda: read(mosquitto, "hocket/status") == [b"online"])
            await soon(lambda: room.is_connected)
            await asyncio.to_thread(room.say, bytes(2 * MESSAGE))
            away.append(time.monotonic() - before)
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    away: list[float] = []
    run(test())
    [events] = kept(tmp_path).values()
    [(start, end, reason)] = gaps(events)
    assert (start, reason) == (2.0, "lost on the way")
    assert 0.5 < end - start < away[0] + 0.2


def test_a_room_that_falls_silent_ends_its_session_and_begins_another(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async def test() -> None:
        async with listening(mosquitto, tmp_path, idle_seconds=0.4) as hub:
            room = Room(mosquitto)
            for _ in range(2):
                room.say(bytes(4 * MESSAGE))
                await soon(lambda: len(hub.sessions) == 1)
                await soon(lambda: not hub.sessions)
            room.leave()

    run(test())
    sessions = kept(tmp_path)
    assert len(sessions) == 2
    assert [vars_of_end(events)["reason"] for events in sessions.values()] == ["nothing came for 0.4 s"] * 2
    assert len(read(mosquitto, "hocket/kitchen/state")) == 1


def vars_of_end(events: list[Event]) -> dict[str, Any]:
    return events[-1].to_dict()


def test_a_declared_format_is_what_is_heard(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async def test() -> None:
        room = Room(mosquitto)
        declared = {"sample_rate": 8000, "encoding": "mulaw", "channels": 2, "channel": "separate"}
        room.say(json.dumps(declared).encode(), below="/format", retain=True)
        async with listening(mosquitto, tmp_path) as hub:
            room.say(b"\xff" * 16_000)
            await soon(lambda: len(hub.sessions) == 2)
            room.say(json.dumps(declared | {"channel": "mix"}).encode(), below="/format", retain=True)
            await soon(lambda: not hub.sessions)
            room.say(b"\xff" * 16_000)
            await soon(lambda: len(hub.sessions) == 1)
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    run(test())
    first, second, mixed = kept(tmp_path).items()
    assert (first[0][-2:], second[0][-2:]) == (".1", ".2")
    assert [events[-1].at for _, events in (first, second, mixed)] == [1.0, 1.0, 1.0]
    assert first[1][-1].to_dict()["reason"] == "its format was declared anew"


def test_a_second_client_library_speaks_too(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            client = gmqtt.Client("esp")
            await client.connect("127.0.0.1", mosquitto.port, version=5)
            for start in (0, 3 * MESSAGE):
                said = bytes(2 * MESSAGE)
                client.publish("hocket/esp/audio", said, qos=0, user_property=[("sample", str(start))])
            await soon(lambda: len(hub.sessions) == 1)
            client.publish("hocket/esp/audio", b"", qos=0)
            await soon(lambda: not hub.sessions)
            await client.disconnect()

    run(test())
    [events] = kept(tmp_path).values()
    assert gaps(events) == [(0.1, 0.3, "lost on the way")]


NONSENSE = [
    ("", b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(4000), "this looks like a WAV file"),
    ("", b"UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAA" * 50, "2400 bytes of text: expected samples"),
    ("", bytes(641), "641 bytes in one message: expected a multiple of 2"),
    ("", bytes((1 << 20) + 2), "1048578 bytes in one message: expected 1048576 at most"),
    ("/format", b"16 kHz, mono", "a format that is no JSON"),
    ("/format", b"[16000]", "a format wants a JSON object, got list"),
    ("/format", b'{"encoding": "mp3"}', "encoding 'mp3': expected one of pcm_s16le"),
    ("/format", b'{"encoding": "ogg_opus", "sample_rate": 48000}', "encoding 'ogg_opus' bears no lost"),
    ("/format", b'{"sample_rate": 44100000}', "sample_rate 44100000: expected 8000 to 96000"),
    ("/format", b'{"sample_rate": "16000"}', "Start.sample_rate wants int"),
    ("/format", b"[" * 100_000, "a format of more than 16384 bytes"),
]


def test_nonsense_is_answered_with_what_to_send(mosquitto: Mosquitto, tmp_path: Path) -> None:
    reader = Reader(mosquitto, "hocket/+/audio/error")

    def said() -> dict[str, dict[str, str]]:
        return {topic: json.loads(payload or "{}") for topic, payload, _ in reader.messages}

    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto)
            for number, (below, payload, _) in enumerate(NONSENSE):
                room.topic = f"hocket/room-{number}/audio"
                room.say(payload, below=below)
                room.say(payload)  # which a format that makes no sense keeps from being heard
            room.topic = "hocket/Küche 2/audio"
            room.say(bytes(640))
            await soon(lambda: len(said()) == len(NONSENSE) + 1)
            assert not hub.sessions
            room.topic = "hocket/room-0/audio"
            room.say(bytes(6400))
            await soon(lambda: said()[f"{room.topic}/error"] == {})
            room.say(bytes(6401))
            await soon(lambda: said()[f"{room.topic}/error"] != {})
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    try:
        run(test())
    finally:
        reader.stop()
    for number, (*_, problem) in enumerate(NONSENSE[1:], 1):
        told = said()[f"hocket/room-{number}/audio/error"]
        assert problem in told["error"]
        assert f"raw samples, 20 to 250 ms a message, on hocket/room-{number}/audio;" in told["expected"]
        assert 'audio/format, where it is not {"sample_rate": 16000' in told["expected"]
    assert "a room called 'Küche 2': expected up to 46" in said()["hocket/Küche 2/audio/error"]["error"]
    [events] = kept(tmp_path).values()
    assert gaps(events) == [(0.2, 0.4, "not understood")]


def test_sessions_are_as_many_as_may_be_and_the_next_room_is_told(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "HOLD_OFF_SECONDS", 0.1)

    async def test() -> None:
        async with listening(mosquitto, tmp_path, most_sessions=1) as hub:
            kitchen, hall = Room(mosquitto), Room(mosquitto, "hall")
            kitchen.say(bytes(6400))
            await soon(lambda: len(hub.sessions) == 1)
            hall.say(bytes(6400))
            told = await asyncio.to_thread(complaint, mosquitto, "hall")
            assert told["error"].startswith("1 sessions go on, which is all")
            kitchen.say(b"")
            await soon(lambda: not hub.sessions)
            await asyncio.sleep(0.2)
            hall.say(bytes(6400))
            await soon(lambda: len(hub.sessions) == 1)
            for room in (kitchen, hall):
                room.leave()

    run(test())
    assert [name.split(".")[0] for name in kept(tmp_path)] == ["kitchen", "hall"]


@pytest.mark.parametrize("number", ["", "topic"])
def test_a_session_goes_on_in_the_next_process(mosquitto: Mosquitto, tmp_path: Path, number: str) -> None:
    sound = Babble(6, 4)

    async def begin() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto)
            await room.speak(sound, 0, 3 * RATE, number=number)
            hub.finish = nothing  # type: ignore[method-assign]
            room.leave()

    async def nothing(reason: str) -> None:
        """As if it had been killed."""

    async def go_on() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            room = Room(mosquitto)
            await room.speak(sound, 3 * RATE + 2 * MESSAGE, number=number)
            room.say(b"")
            await soon(lambda: not hub.sessions)
            room.leave()

    run(begin())
    run(go_on())
    [events] = kept(tmp_path).values()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].to_dict()["reason"] == "end"
    if number:
        assert events[-1].at == 4.0
        assert [(end, reason) for _, end, reason in gaps(events)] == [(3.2, "lost on the way")]
    else:  # it speaks faster than the clock
        assert gaps(events) == []


def test_microphones_are_heard_only_by_a_service_that_wants_to(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^audio=1 of the MQTT broker: .*hocket serve"):
        MqttSink(f"mqtt://127.0.0.1:{mosquitto.port}?audio=1&outbox={tmp_path}/o.db")

    async def test() -> None:
        broker = Broker(host="127.0.0.1", port=mosquitto.port, outbox=tmp_path / "outbox.db")
        with announced(broker, tmp_path) as announcer:
            hub = Hub(UnrulyModels(), tmp_path, Limits(), tell=announcer.tell)
            async with serving(hub, Door(port=0)), announcer.hearing(hub):
                room = Room(mosquitto)
                room.say(bytes(6400))
                await asyncio.sleep(0.3)
                assert not hub.sessions
                room.leave()

    run(test())


def test_the_example_is_a_microphone(mosquitto: Mosquitto, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "talk.wav", np.zeros((48_000, 2), np.int16), 48_000)
    example = Path(__file__).parents[2] / "examples" / "mqtt_microphone.py"
    command = [sys.executable, example, "hall", tmp_path / "talk.wav", "--port", str(mosquitto.port)]

    async def test() -> None:
        async with listening(mosquitto, tmp_path) as hub:
            await asyncio.to_thread(subprocess.run, command, check=True, timeout=15)
            await soon(lambda: not hub.sessions)

    run(test())
    [(name, events)] = kept(tmp_path).items()
    assert name.startswith("hall.")
    assert (events[-1].at, gaps(events)) == (1.0, [])
