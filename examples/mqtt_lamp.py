"""A lamp in the colour of whoever speaks, switched by MQTT.

python examples/mqtt_lamp.py                                        # the lamp is a line in the terminal
python examples/mqtt_lamp.py --broker broker.local --lamp zigbee2mqtt/lamp/set
hocket demo --speed 1 --mqtt mqtt://broker.local                    # something to see, in another terminal

Follows the retained `state` of every session below --prefix, so it is right from the first moment. --lamp is
the topic of a lamp that takes {"state": "ON", "color": {"hex": …}}, as those of Zigbee2MQTT do.
"""

import argparse
import asyncio
import colorsys
import json
import sys

import aiomqtt

GOLDEN = 0.618033988749895  # turns of the colour wheel that keep any number of colours apart


def colour_of(speaker: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255: the same for a speaker at all times. Speakers are S1, S2 …"""
    hue = int(speaker[1:]) * GOLDEN % 1.0
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 1.0))
    return red, green, blue


def in_terminal(speakers: list[dict[str, str]]) -> str:
    """A lamp of characters, and who it shines for."""
    if not speakers:
        return "○ nobody"
    lamps = ("\x1b[38;2;{};{};{}m●\x1b[0m ".format(*colour_of(each["id"])) for each in speakers)
    return " ".join(lamp + each.get("name", each["id"]) for lamp, each in zip(lamps, speakers, strict=True))


def for_lamp(speakers: list[dict[str, str]]) -> str:
    """What a lamp is told: the colour of the first who speaks, or to go out."""
    if not speakers:
        return '{"state": "OFF"}'
    return json.dumps(
        {"state": "ON", "color": {"hex": "#{:02x}{:02x}{:02x}".format(*colour_of(speakers[0]["id"]))}}
    )


async def follow(broker: str, port: int, prefix: str, lamp: str | None) -> None:
    while True:
        try:
            async with aiomqtt.Client(broker, port) as client:
                await client.subscribe(f"{prefix}/+/state", qos=1)
                async for message in client.messages:
                    state = json.loads(str(message.payload, "utf-8"))
                    print(f"{state['session']}: {in_terminal(state['speakers'])}", flush=True)
                    if lamp is not None:
                        await client.publish(lamp, for_lamp(state["speakers"]))
        except aiomqtt.MqttError as error:
            print(f"{broker}: {error}; trying again", file=sys.stderr)
            await asyncio.sleep(2.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Light a lamp for whoever speaks.")
    parser.add_argument("--broker", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--prefix", default="hocket")
    parser.add_argument("--lamp", help="topic of a lamp; none: the terminal alone")
    arguments = parser.parse_args()
    try:
        asyncio.run(follow(arguments.broker, arguments.port, arguments.prefix, arguments.lamp))
    except KeyboardInterrupt:
        sys.exit(130)
