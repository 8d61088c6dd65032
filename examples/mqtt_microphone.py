"""A room's microphone over MQTT, for a service that hears it: this machine's own, or a recording at its pace.

hocket serve --mqtt 'mqtt://localhost?audio=1'          # in another terminal; and to see what comes of it:
mosquitto_sub -t 'hocket/kitchen/event/turn' -t hocket/kitchen/audio/error
python examples/mqtt_microphone.py kitchen              # until Ctrl-C
python examples/mqtt_microphone.py kitchen meeting.wav

The number of each message's first sample stands behind its topic, so that what is lost leaves a gap.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Iterator

import paho.mqtt.client as paho
import sounddevice
import soundfile

RATE = 16_000


def heard() -> Iterator[bytes]:
    """What this machine's microphone hears, 100 ms at a time, as 16-bit integers."""
    with sounddevice.RawInputStream(samplerate=RATE, channels=1, dtype="int16") as stream:
        while True:
            yield bytes(stream.read(RATE // 10)[0])


def recorded(path: str, rate: int) -> Iterator[bytes]:
    """The same of a recording, at its pace."""
    for block in soundfile.blocks(path, blocksize=rate // 10, dtype="int16", always_2d=True):
        yield block.astype("<i2").tobytes()
        time.sleep(0.1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Publish audio.")
    parser.add_argument("room")
    parser.add_argument("recording", nargs="?")
    parser.add_argument("--broker", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    asked = parser.parse_args()
    info = soundfile.info(asked.recording) if asked.recording else None
    rate, channels = (info.samplerate, info.channels) if info else (RATE, 1)

    topic, sample = f"hocket/{asked.room}/audio", 0
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect(asked.broker, asked.port)
    client.loop_start()
    client.publish(f"{topic}/format", json.dumps({"sample_rate": rate, "channels": channels}), 1, retain=True)
    with contextlib.suppress(KeyboardInterrupt):
        for message in recorded(asked.recording, rate) if info else heard():
            client.publish(f"{topic}/{sample}", message)
            sample += len(message) // 2 // channels
    client.publish(topic, b"", 1).wait_for_publish(5)  # the end
    client.disconnect()
    client.loop_stop()
