"""How many events a second a broker gets, what each of them costs the engine, and what the bare library does.

python examples/mqtt_throughput.py mqtt://localhost:1883/throughput
python examples/mqtt_throughput.py --drain 1 mqtt://localhost:1/nobody   # nobody there

Events are final turns of a made-up meeting; the clock stops at the broker's confirmation of the last one.
The cost is what `write` takes of the engine's thread, while the network's thread is busy. The bare library is
paho-mqtt, which lies below hocket's own client, publishing as many ready-made payloads at the same QoS.
"""

import argparse
import json
import logging
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import paho.mqtt.client as paho

from hocket.streaming import Broker, MqttSink, Turn


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the MQTT sink.")
    parser.add_argument("url")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--drain", type=float, default=300.0, help="seconds that the end may take")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    broker = replace(Broker.from_url(arguments.url), drain=arguments.drain)

    costs, took, processor = publish(broker, arguments.events)
    print(f"{arguments.events} events in {took:.2f} s: {arguments.events / took:,.0f} a second")
    print(f"processor time an event, both threads: {1e6 * processor / arguments.events:.0f} µs")
    print(
        f"cost of write: mean {1e6 * sum(costs) / len(costs):.1f} µs, "
        f"half below {1e6 * costs[len(costs) // 2]:.1f}, "
        f"99 % below {1e6 * costs[len(costs) * 99 // 100]:.1f}, worst {1e3 * costs[-1]:.2f} ms"
    )
    if bare := publish_bare(broker, arguments.events):
        print(f"bare paho-mqtt: {arguments.events / bare:,.0f} a second, of which this is {bare / took:.2f}")


def publish(broker: Broker, count: int) -> tuple[list[float], float, float]:
    """Seconds that each `write` took, sorted; of all until the broker has them; of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        sink = MqttSink(replace(broker, outbox=Path(folder) / "outbox.db"))
        costs = []
        started, processor = time.perf_counter(), time.process_time()
        for number in range(1, count + 1):
            before = time.perf_counter()
            sink.write(turn(number))
            costs.append(time.perf_counter() - before)
        sink.close()
        return sorted(costs), time.perf_counter() - started, time.process_time() - processor


def publish_bare(broker: Broker, count: int) -> float | None:
    """Seconds that the library takes for as many payloads, at the same QoS; None where nobody answers."""
    protocol = paho.MQTTv5 if broker.version == "5" else paho.MQTTv311
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=protocol)
    client.username_pw_set(broker.username, broker.password)
    if (context := broker.tls_context()) is not None:
        client.tls_set_context(context)
    try:
        client.connect(broker.host, broker.port)
    except OSError:
        return None
    client.loop_start()
    payload = json.dumps(turn(count).to_dict())
    started = time.perf_counter()
    for _ in range(count):
        last = client.publish(f"{broker.prefix}/bare", payload, qos=1)
    last.wait_for_publish(300.0)
    took = time.perf_counter() - started
    client.disconnect()
    client.loop_stop()
    return took


def turn(number: int) -> Turn:
    return Turn(
        seq=number, session="throughput", at=number / 2, id=f"t{number}", speaker=f"S{number % 4 + 1}",
        start=number / 2, end=number / 2 + 0.5, state="final", confidence=0.93,
    )  # fmt: skip


if __name__ == "__main__":
    main()
