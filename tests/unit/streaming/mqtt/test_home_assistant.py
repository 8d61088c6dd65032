"""What Home Assistant is told, held against what its MQTT integration documents."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hocket.streaming.events import Change, SpeakerNew
from hocket.streaming.mqtt.broker import Broker
from hocket.streaming.mqtt.home_assistant import discovery
from hocket.streaming.mqtt.message import Message, Topics
from hocket.streaming.mqtt.wording import Wording
from tests.event_log import EventLog

# Keys of the integration's pages "MQTT discovery", "MQTT Sensor", "MQTT Binary sensor" and "MQTT Event".
ROOT = {"device", "origin", "components", "availability"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version"}
EVERY_ENTITY = {
    "platform", "unique_id", "name", "icon", "default_entity_id", "state_topic", "value_template",
    "device_class", "json_attributes_topic", "qos",
}  # fmt: skip
PLATFORMS = {
    "sensor": EVERY_ENTITY | {"state_class", "unit_of_measurement"},
    "binary_sensor": EVERY_ENTITY | {"payload_on", "payload_off"},
    "event": EVERY_ENTITY | {"event_types"},
}
STATE_CLASSES = {"measurement", "measurement_angle", "total", "total_increasing"}


@pytest.fixture
def told() -> tuple[dict[str, bytes], list[Message]]:
    """What is retained and what is said of a short meeting."""
    wording = Wording(Broker(host="b", prefix="home/hocket", home_assistant="homeassistant"))
    log = EventLog("Büro 1")
    log.start()
    log.add(SpeakerNew, speaker="S1", name="Ann")
    log.add(Change, t=1.0, speakers=["S1"], started=["S1"], ended=[], confidence=0.9)
    log.add(Change, t=2.0, speakers=[], started=[], ended=["S1"], confidence=0.9)
    messages = [message for event in log.events for message in wording.messages(event)]
    return wording.retained(), messages


def discovered(told: tuple[dict[str, bytes], list[Message]]) -> tuple[str, dict[str, Any]]:
    ((topic, payload),) = ((t, p) for t, p in told[0].items() if t.startswith("homeassistant/"))
    return topic, json.loads(payload)


def test_the_device_is_described_as_documented(told: tuple[dict[str, bytes], list[Message]]) -> None:
    topic, payload = discovered(told)
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)
    assert {"device", "origin", "components"} <= payload.keys() <= ROOT
    assert payload["device"].keys() <= DEVICE
    assert payload["device"]["identifiers"]
    assert payload["origin"]["name"] == "hocket"
    assert payload["availability"] == [{"topic": "home/hocket/status"}]


def test_every_entity_is_described_as_documented(told: tuple[dict[str, bytes], list[Message]]) -> None:
    entities = discovered(told)[1]["components"].values()
    assert len({entity["unique_id"] for entity in entities}) == len(entities) == 4
    for entity in entities:
        assert {"platform", "unique_id", "state_topic"} <= entity.keys() <= PLATFORMS[entity["platform"]]
        domain, _, name = entity["default_entity_id"].partition(".")
        assert domain == entity["platform"]
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert entity.get("state_class", "measurement") in STATE_CLASSES
        assert (entity["platform"] == "event") == ("event_types" in entity)


def test_home_assistant_itself_takes_every_option(told: tuple[dict[str, bytes], list[Message]]) -> None:
    interpreter = os.environ.get("HOCKET_HOME_ASSISTANT")
    if not interpreter:
        pytest.skip("no Home Assistant, which wants a Python of its own: name one in HOCKET_HOME_ASSISTANT")
    program = Path(__file__).parents[3] / "home_assistant.py"
    run = subprocess.run(
        [interpreter, program],
        input=json.dumps(discovered(told)[1]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    components = json.loads(run.stdout)["components"]
    assert set(components) == {"speaker", "speech", "count", "change"}
    for component in components.values():
        assert set(component["given"]) <= set(component["kept"])


def test_every_topic_that_is_named_is_one_that_is_published(
    told: tuple[dict[str, bytes], list[Message]],
) -> None:
    retained, messages = told
    published = retained.keys() | {message.topic for message in messages}
    for entity in discovered(told)[1]["components"].values():
        assert {
            entity["state_topic"],
            entity.get("json_attributes_topic", entity["state_topic"]),
        } <= published
        for word in re.findall(r"value_json\.(\w+)", entity.get("value_template", "")):
            assert word in json.loads(retained[entity["state_topic"]])


def test_an_event_entity_gets_only_types_it_announced(told: tuple[dict[str, bytes], list[Message]]) -> None:
    entity = discovered(told)[1]["components"]["change"]
    said = [json.loads(each.payload) for each in told[1] if each.topic == entity["state_topic"]]
    assert [each["event_type"] for each in said] == ["speaker_change", "silence"]
    assert {each["event_type"] for each in said} == set(entity["event_types"])
    assert [each["speaker"] for each in said] == ["Ann", "none"]


def test_who_was_heard_is_told_again_only_when_somebody_is_new_or_named(
    told: tuple[dict[str, bytes], list[Message]],
) -> None:
    state, speakers = (json.loads(told[0][f"home/hocket/buro-1/{kind}"]) for kind in ("state", "speakers"))
    assert (state["seq"], speakers["seq"]) == (4, 2)


def test_a_state_is_no_longer_than_home_assistant_keeps() -> None:
    wording = Wording(Broker(host="b"))
    log = EventLog()
    log.start()
    for number in range(1, 60):
        log.add(SpeakerNew, speaker=f"S{number}", name="somebody with a long name")
    everybody = [f"S{number}" for number in range(1, 60)]
    log.add(Change, t=1.0, speakers=everybody, started=everybody, ended=[], confidence=0.9)
    for event in log.events:
        wording.messages(event)
    assert len(json.loads(wording.retained()["hocket/talk/state"])["speaker"]) == 255


def test_the_dashboard_card_shows_entities_that_there_are() -> None:
    card = (Path(__file__).parents[4] / "examples" / "home_assistant" / "card.yaml").read_text()
    payload = discovery("homeassistant", Topics("hocket"), "microphone")[1]
    there = {entity["default_entity_id"] for entity in payload["components"].values()}
    assert yaml.safe_load(card)["type"] == "vertical-stack"
    assert set(re.findall(r"\b(?:sensor|binary_sensor|event)\.hocket\w+", card)) == there
