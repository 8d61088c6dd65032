"""The protocol without a socket: what producers and subscribers say, and what it means."""

import io
import json
from typing import Any

import numpy as np
import pytest
import soundfile

from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Change, Turn
from hocket.streaming.server.protocol.encoding import Decoder
from hocket.streaming.server.protocol.ends import (
    Audio,
    Close,
    Order,
    Packed,
    Producer,
    Subscription,
    told_by_admin,
)
from hocket.streaming.server.protocol.messages import (
    Correct,
    Enroll,
    Finalize,
    KeepAlive,
    Merge,
    Missing,
    Name,
    Refusal,
    Split,
    Start,
    Stop,
)


def said(producer: Producer, **message: Any) -> list[Order]:
    return producer.receive(json.dumps(message))


def started(**declared: Any) -> Producer:
    producer = Producer()
    [start] = said(producer, type="start", **{"sample_rate": 16_000} | declared)
    assert isinstance(start, Start)
    return producer


def refusal(orders: list[Order]) -> Refusal:
    [order] = orders
    assert isinstance(order, Refusal)
    return order


def test_a_start_declares_what_the_frames_hold() -> None:
    producer = started(channels=2)
    [audio] = producer.receive(np.array([[16_384, -32_768], [0, 8_192]], "<i2").tobytes())
    assert isinstance(audio, Audio)
    np.testing.assert_array_equal(audio.samples, np.array([[0.5, -1], [0, 0.25]], np.float32))


def test_a_query_stands_for_a_start() -> None:
    producer = Producer({"sample_rate": "8000", "encoding": "ulaw", "realtime": ""})
    start, audio = producer.receive(b"\xff\xff\xff")
    assert start == Start(sample_rate=8_000, encoding="mulaw", realtime=True)
    assert isinstance(audio, Audio)
    assert audio.samples.shape == (3, 1)


def test_a_start_wins_over_the_query() -> None:
    producer = Producer({"sample_rate": "8000"})
    [start] = said(producer, type="start", sample_rate=44_100, encoding="linear16")
    assert start == Start(sample_rate=44_100, encoding="pcm_s16le")


def test_audio_of_undeclared_rate_is_refused_with_what_to_send() -> None:
    refused = refusal(Producer().receive(b"\0\0"))
    assert refused.fatal
    assert refused.close_code == Close.BAD_MESSAGE
    assert '{"type": "start", "sample_rate": 16000}' in refused.message


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"sample_rate": 3000}, "sample_rate 3000: expected 8000 to 96000"),
        ({"channels": 9}, "channels 9: expected 1 to 8"),
        ({"channels": 2, "channel": 2}, "channel 2: expected 0 to 1, mix or separate"),
        ({"encoding": "opus"}, "encoding 'opus': expected one of pcm_s16le, pcm_f32le, mulaw, alaw"),
        ({"options": {"speed": 1}}, "option 'speed': expected one of hop, latency"),
        ({"options": {"hop": 9}}, "hop 9.0: expected 0.1 to 2.0"),
        ({"sample_rate": "fast"}, "Start.sample_rate wants int, got 'fast'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(declared: dict[str, Any], message: str) -> None:
    refused = refusal(said(Producer(), type="start", **{"sample_rate": 16_000} | declared))
    assert refused.fatal
    assert refused.message.startswith(message)


@pytest.mark.parametrize(("magic", "kind"), [(b"RIFF....WAVE", "a WAV file"), (b"OggS....", "an Ogg file")])
def test_a_file_with_its_header_is_refused(magic: bytes, kind: str) -> None:
    assert refusal(started().receive(magic)).message.startswith(f"this looks like {kind}")


@pytest.mark.parametrize("cut", [1, 3, 5, 44, 100])
def test_a_wav_file_is_told_from_audio_by_what_its_header_says(cut: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros((100, 2)), 44_100, format="WAV", subtype="PCM_16")
    producer, orders, data = started(), list[Order](), file.getvalue()
    for start in range(0, len(data), cut):
        orders += producer.receive(data[start : start + cut])
    refused = orders[-1]
    assert isinstance(refused, Refusal)
    assert refused.fatal
    assert refused.message.startswith("this looks like a WAV file")
    assert refused.message.endswith(": send the samples alone, from after its header")
    if cut >= 44:
        assert "of 16-bit integers, sample_rate 44100, channels 2" in refused.message


def test_opus_is_handed_on_in_its_container() -> None:
    producer = started(encoding="webm_opus", sample_rate=48_000)
    assert producer.receive(b"\x1aE\xdf\xa3") == [Packed(b"\x1aE\xdf\xa3")]
    refused = refusal(said(Producer(), type="start", encoding="ogg_opus", sample_rate=44_100))
    assert refused.message == "sample_rate 44100: Opus comes out at 48000, send that"


def test_samples_may_straddle_frames() -> None:
    data = np.arange(-50, 50, dtype="<f4").tobytes()
    for size in (1, 3, 7, 400):
        decoder = Decoder("pcm_f32le", 2)
        pieces = [decoder.decode(data[start : start + size]) for start in range(0, len(data), size)]
        np.testing.assert_array_equal(np.concatenate(pieces).ravel(), np.arange(-50, 50))


def test_telephone_codes_are_those_of_the_standard() -> None:
    def decoded(encoding: str, codes: list[int]) -> list[int]:
        return [round(float(value) * 32_768) for value in Decoder(encoding, 1).decode(bytes(codes)).ravel()]

    assert decoded("mulaw", [0x00, 0x80, 0xFF, 0x7F, 0x8F, 0xF0]) == [-32_124, 32_124, 0, 0, 16_764, 120]
    assert decoded("alaw", [0x55, 0xD5, 0x2A, 0xAA, 0x80]) == [-8, 8, -32_256, 32_256, 5_504]


def test_an_empty_frame_means_nothing() -> None:
    assert Producer().receive(b"") == []
    assert started().receive(b"") == []


def test_controls_come_through_in_order() -> None:
    producer = started()
    assert said(producer, type="finalize", id="a") == [Finalize(id="a")]
    assert said(producer, type="name", speaker="S1", name="Anna") == [Name(speaker="S1", name="Anna")]
    assert said(producer, type="merge", speaker="S2", into="S1") == [Merge(speaker="S2", into="S1")]
    assert said(producer, type="gap", samples=160) == [Missing(samples=160)]
    assert said(producer, type="keepalive", new="field") == [KeepAlive()]
    assert said(producer, type="stop") == [Stop()]
    assert said(producer, type="finalize") == []


def test_an_admin_says_what_a_producer_may_but_sends_no_audio() -> None:
    for control in (
        Correct(turn="t5"),
        Correct(start=1.0, end=2.5, speaker="S2"),
        Enroll(name="Anna", start=0.0, end=4.0, id="a"),
        Enroll(profile="p1"),
        Split(speaker="S1", turns=["t1", "t2"]),
        Split(speaker="S1", at=3.5),
        Finalize(),
    ):
        assert told_by_admin(control.to_json()) == control
        assert started().receive(control.to_json()) == [control]
    for frame in (
        b"\0\0",
        Start(sample_rate=16_000).to_json(),
        Missing(samples=1).to_json(),
        Stop().to_json(),
    ):
        refused = told_by_admin(frame)
        assert isinstance(refused, Refusal)
        assert not refused.fatal


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "split", "speaker": "S1"}, "a split wants either turns, 1000 at most, or at"),
        ({"type": "split", "speaker": "S1", "at": -1}, "a time of -1.0 s: expected 0 or more"),
        ({"type": "split", "speaker": "S1", "at": 10**400}, "Split.at wants float"),
        ({"type": "correct", "speaker": "S1"}, "a correct wants either a turn, or start and end"),
        ({"type": "correct", "start": 2, "end": 1}, "a stretch of 2.0 to 1.0 s: expected a start before"),
        ({"type": "correct", "turn": "t" * 999}, "a text of 999 characters: expected 200 at most"),
        ({"type": "enroll", "name": "Anna"}, "an enroll wants either a profile, or name, start and end"),
        ({"type": "enroll", "name": "\n", "start": 0, "end": 1}, "a name wants 1 to 200 printable"),
        ({"type": "words", "words": [{"text": "a", "start": 0}]}, "HeardWord needs 'end'"),
        ({"type": "words", "words": [{"text": "a", "start": 2, "end": 1}]}, "word 'a': ends at 1.0"),
        (
            {"type": "words", "words": [{"text": "\0", "start": 0, "end": 1}]},
            "a word wants text without control",
        ),
        ({"type": "words", "words": [{"text": "", "start": 0, "end": 0}] * 1001}, "1001 words in a message"),
    ],
)
def test_a_control_that_cannot_be_is_refused_with_its_id(fields: dict[str, Any], message: str) -> None:
    refused = told_by_admin(json.dumps(fields | {"id": "7"}))
    assert isinstance(refused, Refusal)
    assert (refused.id, refused.fatal) == ("7", False)
    assert refused.message.startswith(message)
    assert refusal(started().receive(json.dumps(fields | {"id": "7"}))) == refused


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"type": "dance"}', '{"type": ["start"]}', '{"type": "name"}', "[" * 100_000,
     '{"type": "gap", "samples": -1}', '{"type": "gap", "samples": NaN}',
     '{"type": "name", "speaker": "S1", "name": "a\\nb"}'],
)  # fmt: skip
def test_nonsense_while_streaming_is_answered_and_survived(text: str) -> None:
    producer = started()
    refused = refusal(producer.receive(text))
    assert not refused.fatal
    assert refused.code == "bad_message"
    assert len(refused.to_json()) < 1000
    assert producer.receive(b"\0\0")


def test_a_subscription_reads_the_address() -> None:
    assert Subscription.of({}) == Subscription(1, finals=False)
    assert Subscription.of({"from": "17", "finals": "1"}) == Subscription(17, finals=True)
    for query in ({"from": "0"}, {"from": "-3"}, {"from": "x"}):
        with pytest.raises(ConfigError):
            Subscription.of(query)


def test_finals_leave_out_what_will_change() -> None:
    change = Change(seq=1, session="s", at=1, t=1, speakers=[], started=[], ended=[], confidence=1)
    turn = Turn(seq=1, session="s", at=1, id="t1", speaker="S1", start=0, end=1, state="final", confidence=1)
    assert not Subscription(finals=True).wants(change)
    assert Subscription(finals=True).wants(turn)
    assert Subscription().wants(change)
