"""Addresses of brokers: what they mean, and what is refused, in one line and without the password."""

from pathlib import Path

import pytest

from hocket.streaming.errors import ConfigError
from hocket.streaming.mqtt.broker import Broker
from hocket.streaming.mqtt.message import Topics, slug


def test_an_address_names_host_user_prefix_and_options() -> None:
    broker = Broker.from_url(
        "mqtt://ann:p%40ss@broker.local:1884/home/hocket/?version=3.1.1&expiry=5&control=1"
    )
    assert (broker.host, broker.port, broker.username, broker.password) == (
        "broker.local",
        1884,
        "ann",
        "p@ss",
    )
    assert (broker.prefix, broker.version, broker.expiry, broker.control) == ("home/hocket", "3.1.1", 5, True)
    assert broker.address == "mqtt://broker.local:1884/home/hocket"
    assert (Broker.from_url("mqtts://b").port, Broker.from_url("mqtts://b").tls) == (8883, True)
    assert Broker.from_url("mqtt://b").prefix == "hocket"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://ann:secret@b", "MQTT address of kind 'http': expected mqtt://"),
        ("broker.local", "MQTT address of kind 'broker.local': expected mqtt://"),
        ("mqtt://", "MQTT address names no host"),
        ("mqtt://ann:secret@b:port", "Port could not be cast"),
        ("mqtt://b:70000", "Port out of range"),
        ("mqtt://ann:secret@b/a/+/b", "MQTT topic prefix 'a/+/b': expected words between single slashes"),
        ("mqtt://b/a//b", "MQTT topic prefix 'a//b'"),
        ("mqtt://ann:sec#ret@b", "MQTT address"),
        ("mqtt://b?version=4", "MQTT version '4': expected 5 or 3.1.1"),
        ("mqtt://b?expiry=soon", "MQTT option expiry=soon: expected a whole number"),
        ("mqtt://b?control=yes", "MQTT option control=yes: expected 0 or 1"),
        ("mqtt://b?audio=on", "MQTT option audio=on: expected 0 or 1"),
        ("mqtt://b?qos=2", "unknown MQTT option 'qos': expected one of version, ca, cert"),
        ("mqtt://b?provisional_qos=2", "MQTT provisional_qos 2: expected 0 to 1"),
        ("mqtt://b?ca=ca.pem", "certificates are of use with TLS only: expected an mqtts:// address"),
        ("mqtts://b?ca=/nowhere/ca.pem", "certificates for mqtts://b:8883/hocket (/nowhere/ca.pem)"),
        ("mqtts://b?key=/nowhere/key.pem", "without its certificate"),
    ],
)
def test_an_address_that_cannot_be_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Broker.from_url(url)
    message = str(refused.value)
    assert problem in message
    assert "secret" not in message
    assert "\n" not in message


def test_the_outbox_is_the_same_file_for_the_same_broker_and_prefix() -> None:
    first, again, other = (
        Broker.from_url(f"mqtt://{user}b/{p}") for user, p in (("", "x"), ("u@", "x"), ("", "y"))
    )
    assert first.outbox_file == again.outbox_file != other.outbox_file
    assert Broker.from_url("mqtt://b?outbox=o.db").outbox_file == Path("o.db")


@pytest.mark.parametrize(
    ("session", "level"),
    [
        ("microphone", "microphone"),
        ("Küche 2", "kuche-2"),
        ("kitchen.20261123-134601", "kitchen"),
        ("kitchen.20261123-134601.2", "kitchen-2"),
        ("a/b+c#d", "a-b-c-d"),
        ("会议", "session-63d30f1a"),
    ],
)
def test_a_session_is_one_level_of_a_topic_whatever_its_name(session: str, level: str) -> None:
    assert slug(session) == level
    assert Topics("home/hocket").event(session, "turn") == f"home/hocket/{level}/event/turn"
