"""How many events a second a broker gets, and what each of them costs the engine.

python examples/mqtt_throughput.py mqtt://localhost:1883/throughput
python examples/mqtt_throughput.py --drain 1 mqtt://localhost:1/nobody   # nobody there

Events are final turns of a made-up meeting; the clock stops at the broker's confirmation of the last one.
The cost is what `write` takes of the engine's thread, while the network's thread is busy.
"""

import argparse
import logging
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from hocket.streaming import Broker, MqttSink, Turn


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the MQTT sink.")
    parser.add_argument("url")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--drain", type=float, default=300.0, help="seconds that the end may take")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)

    with tempfile.TemporaryDirectory() as folder:
        broker = replace(
            Broker.from_url(arguments.url), outbox=Path(folder) / "outbox.db", drain=arguments.drain
        )
        sink = MqttSink(broker)
        costs = []
        started, processor = time.perf_counter(), time.process_time()
        for number in range(1, arguments.events + 1):
            before = time.perf_counter()
            sink.write(turn(number))
            costs.append(time.perf_counter() - before)
        sink.close()
        took, processor = time.perf_counter() - started, time.process_time() - processor
    costs.sort()
    print(f"{arguments.events} events in {took:.2f} s: {arguments.events / took:,.0f} a second")
    print(f"processor time an event, both threads: {1e6 * processor / arguments.events:.0f} µs")
    print(
        f"cost of write: mean {1e6 * sum(costs) / len(costs):.1f} µs, "
        f"half below {1e6 * costs[len(costs) // 2]:.1f}, "
        f"99 % below {1e6 * costs[len(costs) * 99 // 100]:.1f}, worst {1e3 * costs[-1]:.2f} ms"
    )


def turn(number: int) -> Turn:
    return Turn(
        seq=number, session="throughput", at=number / 2, id=f"t{number}", speaker=f"S{number % 4 + 1}",
        start=number / 2, end=number / 2 + 0.5, state="final", confidence=0.93,
    )  # fmt: skip


if __name__ == "__main__":
    main()
