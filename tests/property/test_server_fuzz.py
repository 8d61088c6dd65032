"""Hostile producers: whatever arrives, the protocol answers or passes it on, and never breaks."""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.streaming.server.protocol.ends import Audio, Order, Producer, State, told_by_admin
from hocket.streaming.server.protocol.messages import FROM_PRODUCER, Control, KeepAlive, Refusal, Start

NUM_MALFORMED = 100_000
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
FIELDS = [
    "sample_rate",
    "encoding",
    "channels",
    "channel",
    "realtime",
    "options",
    "resume",
    "samples",
    "name",
    "speaker",
    "into",
    "turn",
    "turns",
    "at",
    "start",
    "end",
    "words",
    "profile",
    "id",
]
objects = st.dictionaries(st.sampled_from(FIELDS), values).flatmap(
    lambda fields: st.sampled_from([*FROM_PRODUCER, "?"]).map(
        lambda kind: json.dumps({"type": kind} | fields)
    )
)
frames = st.lists(st.binary(max_size=40) | st.text(max_size=40) | objects, max_size=12)
queries = st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=6) | st.integers().map(str), max_size=4)


def check(producer: Producer, orders: list[Order]) -> None:
    """What holds of every answer."""
    for order in orders:
        if isinstance(order, Refusal):
            assert len(order.to_json()) < 4000
            assert order.fatal == (order.close_code is not None) == (producer.state is State.OVER)
        if isinstance(order, Audio):
            assert order.samples.ndim == 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(queries, frames)
def test_no_frame_breaks_a_producer(query: dict[str, str], frames: list[bytes | str]) -> None:
    producer = Producer(query)
    said: list[Order] = []
    for frame in frames:
        orders = producer.receive(frame)
        check(producer, orders)
        said += [order for order in orders if not isinstance(order, Refusal | KeepAlive)]
    assert all(isinstance(order, Start) == (position == 0) for position, order in enumerate(said))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=40) | st.text(max_size=40) | objects)
def test_no_frame_breaks_an_admin(frame: bytes | str) -> None:
    order = told_by_admin(frame)
    assert isinstance(order, Control | KeepAlive | Refusal)
    if isinstance(order, Control):
        assert told_by_admin(order.to_json()) == order
    if isinstance(order, Refusal):
        assert not order.fatal
        assert len(order.to_json()) < 4000


def test_a_hundred_thousand_damaged_frames_break_nothing() -> None:
    chance = random.Random(12)
    start = '{"type": "start", "sample_rate": 16000, "channels": 2, "options": {"hop": 0.5}}'
    sound = [start, '{"type": "name", "speaker": "S1", "name": "A"}', '{"type": "gap", "samples": 16}', start]
    producer = Producer()
    for _ in range(NUM_MALFORMED):
        if producer.state is State.OVER or chance.random() < 0.05:
            producer = Producer()
            if chance.random() < 0.5:
                producer.receive(start)
        text = bytearray(chance.choice(sound).encode())
        for _ in range(chance.randint(1, 4)):
            text[chance.randrange(len(text))] = chance.randrange(256)
        data = bytes(text[: chance.randint(1, len(text))])
        frame: str | bytes = data if chance.random() < 0.3 else data.decode("utf-8", "replace")
        check(producer, producer.receive(frame))
