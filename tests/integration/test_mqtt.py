"""The MQTT sink against a real Mosquitto: what arrives, what stays, what survives restarts and bad input."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import gmqtt
import pytest

from hocket.streaming import Commands, Session
from hocket.streaming.cli.announcing import broker_of
from hocket.streaming.errors import BrokerRefused, ConfigError, SessionOver
from hocket.streaming.events import Change, Event, SpeakerNew, SpeakerUpdate, Turn
from hocket.streaming.mqtt.broker import Broker
from hocket.streaming.mqtt.sink import MqttSink
from hocket.streaming.replay import Segment
from tests.broker import Mosquitto, Reader, certificates, eventually, read, read_json, require_mosquitto
from tests.event_log import EventLog, live
from tests.fake_engine import FakeEngine

HOCKET = (sys.executable, "-c", "from hocket.streaming.cli import main; main()")
TURNS = [Segment(0.0, 3.0, "S1"), Segment(3.2, 7.0, "S2")]


def settings(mosquitto: Mosquitto, tmp_path: Path, **more: Any) -> Broker:
    return Broker(
        host="127.0.0.1", port=mosquitto.port, outbox=tmp_path / "outbox.db", retry=(0.05, 0.2), **more
    )


def talk(session: str = "talk") -> list[Event]:
    log = live(TURNS, 10.0, session=session)
    log.end(["S1", "S2"])
    return log.events


def publish(broker: Broker, events: list[Event]) -> None:
    sink = MqttSink(broker)
    for event in events:
        sink.write(event)
    sink.close()


def subscribed(mosquitto: Mosquitto, *topics: str, **more: Any) -> Reader:
    reader = Reader(mosquitto, *topics, **more)
    time.sleep(0.3)
    return reader


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_another_program_reads_every_event_as_it_was_said(
    mosquitto: Mosquitto, tmp_path: Path, version: Any
) -> None:
    reader = subscribed(mosquitto, "home/hocket/#")
    publish(settings(mosquitto, tmp_path, version=version, prefix="home/hocket"), talk("Küche 2"))
    assert eventually(lambda: read(mosquitto, "home/hocket/status") == [b"offline"])
    reader.stop()
    messages = reader.messages
    heard = [Event.from_dict(event) for event in reader.events()]
    assert heard == talk("Küche 2")
    assert {topic for topic, *_ in messages if "/event/" in topic} == {
        f"home/hocket/kuche-2/event/{event.type}" for event in heard
    }
    assert not any(retained for topic, _, retained in messages if "/event/" in topic)
    statuses = [payload for topic, payload, _ in messages if topic == "home/hocket/status"]
    assert statuses == [b"online", b"offline"]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_second_client_library_reads_the_same(mosquitto: Mosquitto, tmp_path: Path, version: Any) -> None:
    heard: list[tuple[str, dict[str, Any], Any]] = []

    async def listen() -> None:
        def on_message(client: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> int:
            heard.append((topic, json.loads(payload), properties))
            return 0

        client = gmqtt.Client("second")
        client.on_message = on_message
        await client.connect("127.0.0.1", mosquitto.port, version=5 if version == "5" else 4)
        client.subscribe("hocket/talk/event/#", qos=1)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(publish, settings(mosquitto, tmp_path, version="5"), talk())
        while heard[-1][1]["type"] != "session.end":
            await asyncio.sleep(0.02)
        await client.disconnect()

    asyncio.run(asyncio.wait_for(listen(), 20))
    assert [Event.from_dict(event) for _, event, _ in heard] == talk()
    if version == "5":
        assert all(properties["content_type"] == ["application/json"] for *_, properties in heard)
        expiring = {
            event["type"] for _, event, properties in heard if "message_expiry_interval" in properties
        }
        assert expiring == {"turn", "status"}


def test_a_late_reader_finds_who_speaks_and_who_was_heard(mosquitto: Mosquitto, tmp_path: Path) -> None:
    sink = MqttSink(settings(mosquitto, tmp_path))
    log = EventLog("office")
    log.start()
    log.add(SpeakerNew, speaker="S1", name="Ann", profile="p1")
    log.add(SpeakerNew, speaker="S2")
    log.add(Change, t=1.0, speakers=["S1", "S2"], started=["S1", "S2"], ended=[], confidence=0.9)
    for event in log.events:
        sink.write(event)
    assert eventually(lambda: b'"speaker":"Ann + S2"' in b"".join(read(mosquitto, "hocket/office/state")))
    state = read_json(mosquitto, "hocket/office/state")
    assert (state["active"], state["speaking"], state["count"], state["seq"]) == (True, True, 2, 4)
    assert state["speakers"] == [{"id": "S1", "name": "Ann", "profile": "p1"}, {"id": "S2"}]
    sink.write(log.add(SpeakerUpdate, speaker="S2", merged_into="S1"))
    log.end(["S1"])
    sink.write(log.events[-1])
    sink.close()
    assert read_json(mosquitto, "hocket/office/state")["active"] is False
    assert read_json(mosquitto, "hocket/office/speakers")["merged"] == {"S2": "S1"}


def test_what_may_still_change_expires_and_what_is_final_does_not() -> None:
    from hocket.streaming.mqtt.wording import Wording

    wording = Wording(Broker(host="broker", provisional_qos=0, expiry=60))
    for event in talk():
        (message,) = wording.messages(event)
        is_final = event.type != "status" and getattr(event, "state", "final") == "final"
        assert (message.expires is None) == is_final
        assert (message.qos, message.retain) == (1 if is_final else 0, False)


def test_sessions_of_one_room_have_the_same_topics_and_the_one_that_goes_on_has_the_state() -> None:
    from hocket.streaming.mqtt.wording import Wording

    wording = Wording(Broker(host="broker"))
    first, second = (live(TURNS, 10.0, session=f"hall.20261123-13460{number}") for number in (1, 2))
    said = [wording.messages(event) for event in [*first.events, *second.events[:5]]]
    first.end(["S1", "S2"])
    wording.messages(first.events[-1])
    assert {message.topic.split("/")[1] for messages in said for message in messages} == {"hall"}
    assert list(wording.retained()) == ["hocket/hall/state", "hocket/hall/speakers"]
    assert json.loads(wording.retained()["hocket/hall/state"])["session"] == second.session


def test_the_broker_tells_how_long_a_provisional_event_is_of_use(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    more = ("-V", "mqttv5")
    command = [
        "mosquitto_sub",
        "-p",
        str(mosquitto.port),
        "-t",
        "hocket/talk/event/#",
        "-C",
        "35",
        "-W",
        "10",
    ]
    reader = subprocess.Popen([*command, *more, "-F", "%E %C %t"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    publish(settings(mosquitto, tmp_path), talk())
    said, _ = reader.communicate(timeout=15)
    expiries = {line.split()[-1].split("/")[-1]: line.split()[0] for line in said.splitlines()}
    assert 0 < int(expiries["status"]) <= 60
    assert expiries["session.end"] == "application/json"  # no expiry: the first word is the next one


def run_through_restarts(mosquitto: Mosquitto, tmp_path: Path, num_restarts: int) -> int:
    """Asserts that no event is lost or out of order, none new under an old `seq`, and retained topics right.

    Returns how many were told again, as QoS 1 may: a reader passes over what is not newer than the last.
    """
    ann = [{"id": "S1", "name": "Ann"}]
    reader = subscribed(mosquitto, "hocket/+/event/#")
    sink = MqttSink(settings(mosquitto, tmp_path, expiry=3600))
    log = EventLog("talk")
    log.start()
    log.add(SpeakerNew, speaker="S1", name="Ann")
    for event in log.events:
        sink.write(event)
    assert eventually(lambda: read_json(mosquitto, "hocket/talk/speakers")["speakers"] == ann)
    for number in range(num_restarts):
        for state in ("open", "provisional", "final") * 10:
            log.turn(f"t{number}", "S1", number, number + 0.5, state)
            sink.write(log.events[-1])
        mosquitto.restart(away=0.05 * (number % 3))
        log.turn(f"u{number}", "S1", number, number + 0.7)
        sink.write(log.events[-1])
        assert read_json(mosquitto, "hocket/talk/speakers")["speakers"] == ann
        assert eventually(lambda: read(mosquitto, "hocket/status") == [b"online"])
    log.end(["S1"])
    sink.write(log.events[-1])
    sink.close()
    assert eventually(lambda: reader.events()[-1]["type"] == "session.end")
    reader.stop()
    heard = reader.events()
    newest, news = 0, []
    for event in heard:
        if event["seq"] > newest:
            newest = event["seq"]
            news.append(Event.from_dict(event))
        assert Event.from_dict(event) == log.events[event["seq"] - 1]
    assert news == log.events
    return len(heard) - len(news)


def test_restarts_of_the_broker_lose_and_double_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    run_through_restarts(mosquitto, tmp_path, 5)


@pytest.mark.slow
def test_a_hundred_restarts_lose_and_double_nothing(
    mosquitto: Mosquitto, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "test_a_hundred" not in " ".join(request.config.invocation_params.args):
        pytest.skip("takes minutes: name this test to run it")
    run_through_restarts(mosquitto, tmp_path, 100)


def test_a_broker_that_died_finds_its_retained_state_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    sink = MqttSink(settings(mosquitto, tmp_path, home_assistant="homeassistant"))
    for event in talk()[:10]:
        sink.write(event)
    assert eventually(lambda: read(mosquitto, "hocket/talk/speakers") != [])
    mosquitto.restart(kill=True)  # saved nothing
    for topic in ("hocket/talk/speakers", "hocket/talk/state", "homeassistant/device/hocket_talk/config"):
        assert read_json(mosquitto, topic)
    sink.close()


def test_what_an_outage_kept_waiting_outlives_the_process(mosquitto: Mosquitto, tmp_path: Path) -> None:
    broker = settings(mosquitto, tmp_path, drain=0.5)
    mosquitto.stop()
    publish(broker, talk("first"))
    mosquitto.start()
    reader = subscribed(mosquitto, "hocket/+/event/#")
    publish(replace(broker, drain=5.0), talk("second"))
    assert eventually(lambda: len(reader.events()) == 2 * len(talk()))
    reader.stop()
    assert [(event["session"], event["seq"]) for event in reader.events()] == [
        (event.session, event.seq) for event in talk("first") + talk("second")
    ]


def test_the_last_will_speaks_when_hocket_is_killed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    program = (
        "import os\nfrom hocket.streaming import MqttSink\n"
        f"MqttSink('mqtt://127.0.0.1:{mosquitto.port}/room?outbox={tmp_path}/o.db')\nos.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert eventually(lambda: read(mosquitto, "room/status") == [b"offline"])


class Named(FakeEngine):
    """A fake engine that takes names."""

    def name(self, speaker: str, name: str) -> list[Event]:
        return [SpeakerUpdate(**self._stamp(), speaker=speaker, name=name)]

    def merge(self, speaker: str, into: str) -> list[Event]:
        raise AssertionError("nobody asked")


def ask(mosquitto: Mosquitto, command: str) -> dict[str, Any]:
    """What a session answers to a command, on the topic that was named for it."""
    done = subprocess.run(
        [
            "mosquitto_rr", "-p", str(mosquitto.port), "-V", "mqttv5", "-W", "10", "-q", "1",
            "-t", "hocket/fake/set", "-e", "my/answers", "-m", command,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_session_is_told_names_and_its_end(mosquitto: Mosquitto, tmp_path: Path) -> None:
    from hocket.streaming.stream import stream
    from tests.script import Script, blocks

    commands = Commands()
    sink = MqttSink(settings(mosquitto, tmp_path, control=True), commands=commands)
    engine, said = Named(), []

    async def converse() -> str:
        running = asyncio.create_task(
            stream(Script(blocks(600.0), pause=0.02), engine, [sink], commands=commands)
        )
        await asyncio.sleep(0.5)
        asked = ('{"name": {"S1": "Ann"}}', '{"title": "x"}', '{"finalize": true}')
        said.extend([await asyncio.to_thread(ask, mosquitto, command) for command in asked])
        return (await running).reason

    assert asyncio.run(converse()) == "finalized"
    assert said[0] == {"ok": True, "events": 1}
    assert said[1]["error"].startswith("unknown command 'title': expected")
    assert said[2] == {"ok": True, "events": 0}
    assert read_json(mosquitto, "hocket/fake/speakers")["speakers"] == [{"id": "S1", "name": "Ann"}]


def test_a_session_in_python_is_told_names_too() -> None:
    from tests.script import Script, blocks

    session = Session(Script(blocks(6.0), pause=0.005), Named())
    next(session)
    answer = session.name("S1", "Ann")
    told = [event for event in session if isinstance(event, SpeakerUpdate)]
    assert [event.name for event in told] == ["Ann"]
    assert answer.result(5) == 1
    with pytest.raises(SessionOver, match="takes no more commands"):
        session.merge("S2", "S1").result(5)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker with TLS and passwords, and the file of its certificate authority."""
    require_mosquitto()
    ca, certificate, key = certificates(tmp_path)
    passwords = tmp_path / "passwords"
    passwords.touch()
    subprocess.run(["mosquitto_passwd", "-b", passwords, "ann", "s3cr#t"], check=True, capture_output=True)
    broker = Mosquitto(
        tmp_path, f"cafile {ca}", f"certfile {certificate}", f"keyfile {key}", "allow_anonymous false",
        f"password_file {passwords}",
    ).start()  # fmt: skip
    try:
        yield broker, ca
    finally:
        broker.stop()


def test_tls_and_password(guarded: tuple[Mosquitto, Path], tmp_path: Path) -> None:
    mosquitto, ca = guarded
    address = f"127.0.0.1:{mosquitto.port}/hocket?ca={ca}&outbox={tmp_path}/o.db"
    publish(Broker.from_url(f"mqtts://ann:s3cr%23t@{address}"), talk())
    more = ("--cafile", str(ca), "-u", "ann", "-P", "s3cr#t")
    assert read(mosquitto, "hocket/status", more=more) == [b"offline"]
    for version in ("5", "3.1.1"):
        with pytest.raises(
            BrokerRefused, match=r"refuses hocket: (wrong user or password|this user may not)"
        ):
            MqttSink(f"mqtts://ann:wrong@{address}&version={version}")


def test_a_certificate_of_its_own_opens_the_door(tmp_path: Path) -> None:
    require_mosquitto()
    ca, certificate, key = certificates(tmp_path)
    mosquitto = Mosquitto(
        tmp_path, f"cafile {ca}", f"certfile {certificate}", f"keyfile {key}", "require_certificate true",
        "use_identity_as_username true", "allow_anonymous false",
    ).start()  # fmt: skip
    options = f"ca={ca}&cert={certificate}&key={key}&outbox={tmp_path}/o.db"
    publish(Broker.from_url(f"mqtts://127.0.0.1:{mosquitto.port}/hocket?{options}"), talk())
    more = ("--cafile", str(ca), "--cert", str(certificate), "--key", str(key))
    assert read(mosquitto, "hocket/status", more=more) == [b"offline"]
    mosquitto.stop()


def test_an_outage_is_told_once(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MqttSink(settings(mosquitto, tmp_path))
    mosquitto.restart(away=0.5)
    assert eventually(lambda: read(mosquitto, "hocket/status") == [b"online"])
    sink.close()
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        f"lost the MQTT broker mqtt://127.0.0.1:{mosquitto.port}/hocket"
    ]


def test_a_certificate_nobody_vouches_for_is_refused(guarded: tuple[Mosquitto, Path], tmp_path: Path) -> None:
    with pytest.raises(
        BrokerRefused, match=r"no TLS with .* name the file of its certificate authority with ca="
    ):
        MqttSink(f"mqtts://127.0.0.1:{guarded[0].port}/hocket?outbox={tmp_path}/o.db")


def test_a_wrong_password_is_one_line_on_the_command_line(
    guarded: tuple[Mosquitto, Path], tmp_path: Path
) -> None:
    mosquitto, ca = guarded
    url = f"mqtts://ann:guess@127.0.0.1:{mosquitto.port}/hocket?ca={ca}&outbox={tmp_path}/o.db"
    demo = str(files("hocket.demo") / "conversation.ogg")
    run = subprocess.run(
        [*HOCKET, "diarize", demo, "--mqtt", url], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error: the MQTT broker mqtts://127.0.0.1:")
    assert "guess" not in run.stderr
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_dead_broker_costs_the_engine_less_than_a_millisecond_an_event(tmp_path: Path) -> None:
    sink = MqttSink(Broker(host="127.0.0.1", port=1, outbox=tmp_path / "outbox.db", drain=0.1))
    log = live(TURNS, 10.0)
    costs = []
    for _ in range(50):
        for event in log.events:
            started = time.perf_counter()
            sink.write(event)
            costs.append(time.perf_counter() - started)
    sink.close()
    assert sum(costs) / len(costs) < 1e-3
    assert sorted(costs)[len(costs) // 2] < 1e-4


def test_turns_are_final_in_the_outbox_whatever_the_bound(tmp_path: Path) -> None:
    broker = Broker(host="127.0.0.1", port=1, outbox=tmp_path / "outbox.db", drain=0.1, outbox_limit=50)
    log = EventLog()
    log.start()
    for number in range(200):
        for state in ("open", "provisional", "final"):
            log.turn(f"t{number}", "S1", number, number + 1, state)
    publish(broker, log.events)
    from hocket.streaming.mqtt.outbox import Outbox

    outbox = Outbox(tmp_path / "outbox.db")
    waiting = [json.loads(message.payload) for message in outbox.take(1_000, 0.0)]
    outbox.close()
    finals = [event.seq for event in log.events if not isinstance(event, Turn) or event.state == "final"]
    assert [event["seq"] for event in waiting] == finals


def test_the_lamp_shines_for_whoever_speaks(mosquitto: Mosquitto, tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "mqtt_lamp.py"
    command = [sys.executable, example, "--broker", "127.0.0.1", "--port", str(mosquitto.port)]
    lamp = subprocess.Popen([*command, "--lamp", "my/lamp/set"], stdout=subprocess.PIPE, text=True)
    reader = subscribed(mosquitto, "my/lamp/set", name="lamp")
    sink = MqttSink(settings(mosquitto, tmp_path))
    log = EventLog("office")
    log.start()
    log.add(SpeakerNew, speaker="S1", name="Ann")
    log.add(Change, t=1.0, speakers=["S1"], started=["S1"], ended=[], confidence=0.9)
    for event in log.events:
        sink.write(event)
    assert eventually(lambda: any(b"#" in payload for _, payload, _ in reader.messages))
    log.end(["S1"])
    sink.write(log.events[-1])
    sink.close()
    assert eventually(lambda: reader.messages[-1][1] == b'{"state": "OFF"}')
    reader.stop()
    lamp.terminate()
    said, _ = lamp.communicate(timeout=10)
    assert "office: \x1b[38;2;" in said
    assert "Ann\n" in said


def test_the_benchmark_runs_as_it_stands(mosquitto: Mosquitto) -> None:
    example = Path(__file__).parents[2] / "examples" / "mqtt_throughput.py"
    command = [sys.executable, example, f"mqtt://127.0.0.1:{mosquitto.port}/throughput", "--events", "300"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("300 events in ")
    assert len(read(mosquitto, "throughput/throughput/state")) == 1


def test_a_service_publishes_every_session(mosquitto: Mosquitto, tmp_path: Path) -> None:
    import signal

    from websockets.sync.client import connect

    reader = subscribed(mosquitto, "rooms/+/event/#")
    url = f"mqtt://127.0.0.1:{mosquitto.port}/rooms?outbox={tmp_path}/o.db"
    command = [*HOCKET, "serve", "--data-dir", tmp_path / "kept", "--port", "0", "--mqtt", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address = server.stderr.readline().split()[-1]
        for name in ("monday", "tuesday"):
            live_url = f"{address}/v1/live?sample_rate=16000&session={name}"
            with connect(live_url, proxy=None) as producer:
                producer.send(bytes(64_000))
                assert json.loads(producer.recv())["type"] == "started"
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert eventually(lambda: [event["type"] for event in reader.events()].count("session.end") == 2)
    reader.stop()
    for name in ("monday", "tuesday"):
        numbers = [event["seq"] for event in reader.events() if event["session"] == name]
        assert numbers == list(range(1, len(numbers) + 1))
    assert read(mosquitto, "rooms/status") == [b"offline"]


def test_a_service_is_not_told_things_over_mqtt() -> None:
    with pytest.raises(ConfigError, match=r"^control=1 of the MQTT broker: "):
        broker_of("mqtt://broker.local?control=1")


def test_captions_go_to_the_broker_among_all_events(mosquitto: Mosquitto, tmp_path: Path) -> None:
    import soundfile

    demo = files("hocket.demo")
    samples, rate = soundfile.read(str(demo / "conversation.ogg"), stop=12 * 48_000)
    soundfile.write(tmp_path / "talk.wav", samples[: 12 * rate], rate)
    words = json.loads((demo / "conversation.words.json").read_text())
    (tmp_path / "words.json").write_text(json.dumps([word for word in words if word["end"] < 10]))
    reader = subscribed(mosquitto, "hocket/talk/event/#")
    url = f"mqtt://127.0.0.1:{mosquitto.port}?outbox={tmp_path}/o.db"
    command = [*HOCKET, "caption", tmp_path / "talk.wav", "--words", tmp_path / "words.json", "--mqtt", url]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert eventually(lambda: reader.events()[-1]["type"] == "session.end")
    reader.stop()
    shown = {event["id"]: event for event in reader.events() if event["type"] == "caption"}
    assert " ".join(event["text"] for event in shown.values()).startswith("Good morning, both of you.")
    assert {event["state"] for event in shown.values()} == {"final"}
